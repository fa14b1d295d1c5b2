"""What must hold of one database, and of two that were told about the same mail in another order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.machines.processes import Process
from tests.machines.views import View
from tests.machines.world import ANNA, NOT_CRM, Place, Where, World


def check_places(world: World, process: Process, now: View, address: str) -> None:
    """Every message on the server has exactly one live row, nothing else has, and `reconcile` says so."""
    live = {place.where for place in world.places() if place.where[0] == address}
    known = {where for where in now.outcomes if where[0] == address}
    assert known == live, f"not on record: {sorted(live - known)}, no longer there: {sorted(known - live)}"
    for account in process.accounts(address):
        assert (account.missing, account.problem) == (0, None), account


def check_decisions(world: World, now: View) -> None:
    """Each message became what the account of the world says; doubts stand where somebody is in doubt, only there."""
    for place in world.places():
        expected = world.expected(place)
        if expected is not None:
            assert now.outcomes[place.where] == expected, (place, expected, now.outcomes[place.where])
    waiting = {(doubt.mailbox, doubt.key) for doubt in now.doubts}
    for where, outcome in now.outcomes.items():
        assert outcome != "review" or (where[0], now.keys[where]) in waiting, f"nobody is asked about {where}"
    for doubt in now.doubts:
        assert (doubt.key, doubt.address) not in now.ruled, f"asked again: {doubt}"
        assert doubt.interaction in now.kept or (doubt.mailbox, doubt.key) in now.reviewed, f"asked in vain: {doubt}"


def check_removed(world: World, now: View) -> None:
    """What somebody took out stays out; what only shares its key stays. Of Anna's mail, whose texts are all known."""
    for place in world.places():
        removed = world.removed.get(place.letter.key, set())
        if not removed or place.where[0] != ANNA or place.letter.key in world.loose:
            continue
        outcome = now.outcomes[place.where]
        if (ANNA, place.letter.identity, place.letter.words) in removed:
            assert outcome.startswith("skipped"), f"{place} was taken out, and is {outcome}"
        elif not any(identity == place.letter.identity for _, identity, _ in removed):
            assert outcome != "skipped: removed" or NOT_CRM in place.flags.categories, f"{place} went with another one"
        elif any(address == ANNA for address, identity, _ in removed if identity == place.letter.identity):
            assert outcome != "skipped: removed" or NOT_CRM in place.flags.categories, f"{place} went with another text"


def check_given(world: World, now: View) -> None:
    """What was taken from somebody is not given back."""
    for kept in now.kept.values():
        back = {name for name, _, _ in kept.people} & world.taken.get(kept.key, frozenset())
        assert not back, f"{sorted(back)} got back {kept}"


def check_feed(now: View) -> None:
    """Whoever followed the feed holds exactly what is there."""
    for entity, events in now.feed.items():
        ends = [event for event in events if event in ("logged", "removed", "withdrawn")]
        assert all((event == "logged") == (index % 2 == 0) for index, event in enumerate(ends)), (entity, events)
        assert (ends[-1:] == ["logged"]) == (entity in now.kept), (entity, events)
    assert now.kept.keys() <= now.feed.keys()
    assert {id: kept.thread for id, kept in now.kept.items()} == {id: now.threads[id] for id in now.kept}


def check_identities(world: World, now: View, *, blurred: frozenset[Where]) -> None:
    """What is logged is one interaction a message: in one mailbox the text tells, across mailboxes the header."""
    for identity, places in _groups(world, now).items():
        if places[0].where in blurred:
            continue
        texts: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for place in places:
            kept = now.at(place.where)
            assert kept is not None, f"{place} is logged without an interaction"
            texts[place.where[0]][place.letter.words].add(kept.id)
        for address, by_words in texts.items():
            assert all(len(ids) == 1 for ids in by_words.values()), f"doubled in {address}: {identity}"
            assert len(set().union(*by_words.values())) == len(by_words), f"texts lost in {address}: {identity}"
        found = {one for by_words in texts.values() for ids in by_words.values() for one in ids}
        assert len(found) == max(map(len, texts.values())), f"{len(found)} interactions for {identity}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """A view in terms that do not depend on the order in which it came about."""

    outcomes: Mapping[Where, str]
    kept: frozenset[tuple[object, ...]]
    counts: frozenset[tuple[object, ...]]
    threads: frozenset[frozenset[Where]]
    doubts: frozenset[tuple[object, ...]]


def told(world: World, now: View, *, blurred: frozenset[Where]) -> Told:
    """blurred: places of conversations of which the mailboxes alone do not tell."""
    clear = [place for place in world.places() if place.where not in blurred]
    spots = {place.where for place in clear}
    ambiguous = _ambiguous(world, now)
    threads: dict[str, set[Where]] = defaultdict(set)
    for kept in now.kept.values():
        threads[kept.thread] |= kept.places & spots
    keys: dict[bytes, set[object]] = defaultdict(set)
    for place in clear:
        keys[now.keys[place.where]].add(place.letter.identity)
    distinct = _told_by_header(world, clear)
    return Told(
        outcomes={where: outcome for where, outcome in now.outcomes.items() if where in spots},
        kept=frozenset(
            (kept.places, kept.facts, kept.people, kept.firms, kept.id if kept.places <= distinct else None)
            for kept in now.kept.values()
            if kept.places & spots and not kept.places & ambiguous
        ),
        counts=_counts(now, spots & ambiguous),
        threads=frozenset(frozenset(places) for places in threads.values() if places),
        doubts=frozenset(
            (
                doubt.mailbox,
                doubt.key,
                doubt.address,
                doubt.candidates,
                len(keys[doubt.key]) > 1 or doubt.interaction is None,
            )
            for doubt in now.doubts
            if doubt.key in keys
        ),
    )


def _told_by_header(world: World, places: Sequence[Place]) -> frozenset[Where]:
    """Where letters lie that no other letter shares its key and Date with: their ids depend on no order."""
    found: dict[object, set[object]] = defaultdict(set)
    for letter in world.letters:
        found[letter.key, letter.date].add((letter.from_, letter.words))
    return frozenset(place.where for place in places if len(found[place.letter.key, place.letter.date]) == 1)


def _counts(now: View, spots: set[Where]) -> frozenset[tuple[object, ...]]:
    """Of messages whose variants pair up across mailboxes as they come: how many there are, and about whom."""
    found: dict[bytes, list[frozenset[tuple[str, str, str]]]] = defaultdict(list)
    for kept in now.kept.values():
        if kept.places & spots:
            found[kept.key].append(kept.people)
    return frozenset((key, len(people), frozenset(people)) for key, people in found.items())


def differences(one: Told, other: Told) -> list[str]:
    """What only one of them says, for a readable failure."""
    found = [
        f"{where}: {one.outcomes.get(where)} | {other.outcomes.get(where)}"
        for where in sorted(one.outcomes.keys() | other.outcomes.keys())
        if one.outcomes.get(where) != other.outcomes.get(where)
    ]
    for name in ("kept", "counts", "threads", "doubts"):
        left, right = getattr(one, name), getattr(other, name)
        found += [f"{name} - {item}" for item in left - right] + [f"{name} + {item}" for item in right - left]
    return found


def blurred_places(world: World) -> frozenset[Where]:
    """Places in conversations that the mailboxes alone do not explain."""
    names, blurred = world.conversations(), world.blurred_conversations()
    return frozenset(place.where for place in world.places() if names[place.letter.key] in blurred)


def _groups(world: World, now: View) -> Mapping[object, Sequence[Place]]:
    found: dict[object, list[Place]] = defaultdict(list)
    for place in world.places():
        if now.outcomes[place.where] == "logged":
            found[place.letter.identity].append(place)
    return found


def _ambiguous(world: World, now: View) -> frozenset[Where]:
    """Where one mailbox holds several texts of a message that another mailbox holds too: any pairing is right."""
    found: set[Where] = set()
    for places in _groups(world, now).values():
        texts: dict[str, set[str]] = defaultdict(set)
        for place in places:
            texts[place.where[0]].add(place.letter.words)
        if len(texts) > 1 and any(len(words) > 1 for words in texts.values()):
            found |= {place.where for place in places}
    return frozenset(found)
