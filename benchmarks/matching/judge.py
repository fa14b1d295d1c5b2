"""Decides letters as the sync does, and counts what came out against what is true."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from random import Random

from benchmarks.matching.letters import Letter, Writer
from benchmarks.matching.world import OWN, World
from matchers.address import normalise
from matchers.chain import Heading, match_page, read_heading, wanted
from matchers.contact import Answers
from matchers.late import decide_by_text, named, wants_text
from matchers.match import Decision, Log, Skip
from matchers.policy import MatchPolicy

PAGE = 500
POLICY = MatchPolicy()
SURE = 1.96
"""Standard deviations of a 95 % interval."""

Tally = dict[str, Counter[str]]


@dataclass(slots=True)
class Score:
    """Counts of one slice, or of one tier.

    linkable, found: links that could be made and were. right, wrong: of the automatic links. questions: items for the
    review queue; good: those that offer somebody whom the letter is about. caught, missed: machine mail called what
    it is, or not. lost: personal mail called machine mail. signals: bounces and answers that name their contact.
    """

    letters: int = 0
    linkable: int = 0
    found: int = 0
    right: int = 0
    wrong: int = 0
    silent: int = 0
    questions: int = 0
    good: int = 0
    caught: int = 0
    missed: int = 0
    lost: int = 0
    signals: int = 0

    def add(self, other: "Score") -> None:
        """Adds another slice."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """slices: by name. tiers: links by the rule that made them."""

    slices: dict[str, Score] = field(default_factory=dict)
    tiers: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))


def judge(world: World, slices: dict[str, tuple[Writer, float]], count: int, random: Random) -> Judged:
    """So many letters of each slice, decided on what the address book knows when they come."""
    judged = Judged()
    for name, (writer, _) in slices.items():
        score = judged.slices[name] = Score()
        letters = [_numbered(writer(world, random), number) for number in range(count)]
        for start in range(0, count, PAGE):
            page = letters[start : start + PAGE]
            for letter, decision in zip(page, decided(world, page), strict=True):
                _count(score, judged.tiers, letter, decision)
    return judged


def _numbered(letter: Letter, number: int) -> Letter:
    return replace(letter, envelope=replace(letter.envelope, id=str(number)))


def decided(world: World, letters: Sequence[Letter]) -> list[Decision]:
    """As the sync decides a page, with a look into the texts it asks for."""
    headings = [read_heading(letter.envelope) for letter in letters]
    threads = {letter.envelope.id: letter.thread for letter in letters if letter.thread}
    found = match_page(
        headings, own=OWN, policy=POLICY, answers=world.answer(wanted(headings)), threads=threads, tombstones={}
    )
    judged = zip(letters, headings, found, strict=True)
    return [_late(world, letter, heading, decision) for letter, heading, decision in judged]


def _late(world: World, letter: Letter, heading: Heading, decision: Decision) -> Decision:
    if not wants_text(heading, decision, own=OWN, policy=POLICY):
        return decision
    envelope = letter.envelope
    people = named(envelope, letter.text, OWN)
    keys = {normalise(one.address).match_key for one in people}
    answers = Answers(holders={key: world.holders[key] for key in keys if key in world.holders})
    return decide_by_text(envelope, decision, people, policy=POLICY, answers=answers)


def _count(score: Score, tiers: dict[str, Score], letter: Letter, decision: Decision) -> None:
    score.letters += 1
    links = decision.links if isinstance(decision, Log) else ()
    doubts = () if isinstance(decision, Skip) else decision.doubts
    made = {link.contact_id for link in links}
    score.linkable += len(letter.linkable)
    score.found += len(letter.linkable & made)
    score.right += len(made & letter.about)
    score.wrong += len(made - letter.about)
    for link in links:
        tier = tiers[link.rule]
        tier.right += link.contact_id in letter.about
        tier.wrong += link.contact_id not in letter.about
    score.silent += not made
    score.questions += len(doubts)
    score.good += sum(any(one.contact_id in letter.asks | letter.about for one in doubt.candidates) for doubt in doubts)
    _count_machine(score, letter, decision)


def _count_machine(score: Score, letter: Letter, decision: Decision) -> None:
    reason = decision.reason if isinstance(decision, Skip) else None
    if letter.machine is not None:
        score.caught += reason is letter.machine
        score.missed += reason is not letter.machine
        signals = decision.signals if isinstance(decision, Skip) else ()
        score.signals += {one.contact_id for one in signals} == letter.about
    elif reason is not None and reason.value in ("bounce", "auto-reply", "bulk", "calendar", "receipt"):
        score.lost += 1


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Bounds within which the true share lies with 95 % (Wilson 1927); of nothing, anything may be true."""
    if not of:
        return 0.0, 1.0
    share, z = hits / of, SURE * SURE
    middle, spread = share + z / (2 * of), SURE * sqrt(share * (1 - share) / of + z / (4 * of * of))
    return max(0.0, (middle - spread) / (1 + z / of)), min(1.0, (middle + spread) / (1 + z / of))


def total(scores: Iterator[Score] | Sequence[Score]) -> Score:
    """All of them together."""
    whole = Score()
    for one in scores:
        whole.add(one)
    return whole
