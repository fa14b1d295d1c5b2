"""Whether a list is believed. Pure: a group that somebody emptied by mistake must stop nobody's mail."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.model import Member


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Why a list is not believed, in a sentence without names, and what to do."""

    sentence: str
    advice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How many came and went since the last list."""

    joined: int
    left: int


def change(known: Sequence[Member] | None, found: Sequence[Member]) -> Change:
    """By address; what else differs about an entry is no joining or leaving."""
    before, after = _addresses(known or ()), _addresses(found)
    return Change(joined=len(after - before), left=len(before - after))


def judge(known: Sequence[Member] | None, found: Sequence[Member], most_change: int) -> Doubt | None:
    """None if the list is believed. known: the last one that was; the first list may have any length but none."""
    if not found:
        return Doubt(sentence="the list is empty", advice="put somebody on it, or take `mailboxes_from` out")
    differs = change(known, found)
    total = differs.joined + differs.left
    if known is None or total <= most_change:
        return None
    return Doubt(
        sentence=f"{differs.joined} joined and {differs.left} left since the last list, "
        f"more than most_change = {most_change} believes",
        advice=f"if that is right, write most_change = {total} and reload",
    )


def _addresses(members: Sequence[Member]) -> set[str]:
    return {member.address.casefold() for member in members}
