"""Says of every message of a decided page which interaction it is, and fetches only the bodies that takes.

Two walks over the page. The first one asks what cannot be known without a text; then the bodies come in one
request; the second one settles every message in order, each seeing those before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.store.database import Row
from agent.store.mail import removals
from agent.store.mail.folders import FolderState
from agent.store.mail.known import KnownPlace, told
from agent.store.mail.record import PageRows
from agent.store.mail.removals import Mistaken
from agent.store.mail.revise import Relink
from agent.sync import rows
from agent.sync.deciding import Decided, Deciding
from agent.sync.identity import Compare, Identity, New, Same, settle
from agent.sync.overlay import Overlay
from agent.sync.room import Room
from agent.sync.rows import Spot
from agent.sync.timing import occurred_at, trusted
from connectors.message import Message, Withheld
from matchers.chain import late_skip
from matchers.match import Decision, Direction, Log, Reason, Review, Skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """A page ready to be recorded. withheld: bodies that the server kept back, by message. outcomes: by uid.

    removed: sightings of what was taken out of the history; mistaken: what passed for it until now.
    """

    rows: PageRows
    withheld: tuple[tuple[Decided, Withheld], ...]
    outcomes: Mapping[str, str]
    removed: Sequence[Row] = ()
    mistaken: Sequence[Mistaken] = ()


@dataclass(slots=True)
class Page:
    """The second walk's workplace: rows grow as messages are settled in order.

    telling: ids of mail to be left aside unless its text names somebody; without the text nobody knows that yet.
    """

    room: Room
    spot: Spot
    overlay: Overlay
    folders: Mapping[int, FolderState]
    bodies: Mapping[str, Message | Withheld]
    known_places: Mapping[str, int]
    telling: frozenset[str] = frozenset()
    out: PageRows = field(default_factory=PageRows)
    withheld: list[tuple[Decided, Withheld]] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    removed: list[Row] = field(default_factory=list)
    mistaken: list[Mistaken] = field(default_factory=list)

    def place(self, one: Decided, row: rows.Changing) -> None:
        """A new place, or a known one that moves on."""
        location = self.known_places.get(one.envelope.id)
        if location is None:
            self.out.places.append(row)
        else:
            self.out.moved_on.append(row | {"id": location})
        self.outcomes[one.envelope.id] = told(row["outcome"], row["reason"])


def wanted_bodies(room: Room, spot: Spot, deciding: Deciding) -> list[str]:
    """Ids whose text is needed: new interactions where the policy keeps texts, and whatever must be compared."""
    overlay = Overlay(deciding.known, spot, room.hasher, room.capture)
    kept = [one for one in deciding.messages if isinstance(one.decision, Log) or _may_be_removed(one, overlay)]
    wanted: list[str] = []
    compared: set[bytes] = set()
    for one in kept:
        found = overlay.identify(one)
        if isinstance(found, Compare):
            compared.add(one.key)
        if not isinstance(one.decision, Log):
            continue
        if room.capture == "full" and (isinstance(found, New) or overlay.deepens(one.key, found)):
            wanted.append(one.envelope.id)
        if not isinstance(found, Compare):
            overlay.put(one, found.interaction_id if isinstance(found, Same) else overlay.add(one).id, None)
    wanted += [one.envelope.id for one in kept if one.key in compared]
    if room.capture == "full":
        wanted += [one.envelope.id for one in deciding.messages if _is_away(one.decision)]
    return list(dict.fromkeys(wanted))


def _is_away(decision: Decision) -> bool:
    """A contact's automatic reply: of its text only the day of return is kept."""
    return isinstance(decision, Skip) and decision.reason is Reason.AUTO_REPLY and bool(decision.signals)


def settle_page(page: Page, deciding: Deciding) -> Settled:
    """Rows for the whole page."""
    for one in deciding.messages:
        _settle_one(page, one)
    return Settled(
        rows=page.out,
        withheld=tuple(page.withheld),
        outcomes=page.outcomes,
        removed=page.removed,
        mistaken=page.mistaken,
    )


def _settle_one(page: Page, one: Decided) -> None:
    body = page.bodies.get(one.envelope.id)
    if isinstance(body, Withheld) and (not isinstance(one.decision, Skip) or one.envelope.id in page.telling):
        if not body.gone:
            page.withheld.append((one, body))
        return
    if _keep_away(page, one, body if isinstance(body, Message) else None):
        return
    decision: Decision = one.decision
    if isinstance(body, Message):
        decision = late_skip(one.envelope, body, decision, page.room.policy) or decision
    match decision:
        case Skip():
            _skip(page, one, decision, body.text if isinstance(body, Message) else "")
        case Review():
            _review(page, one, decision)
        case Log():
            _log(page, one, decision, body if isinstance(body, Message) else None)


def _may_be_removed(one: Decided, overlay: Overlay) -> bool:
    """Whether only a text can tell that somebody took this very message out. Mail skipped anyhow is not asked about."""
    return isinstance(one.decision, Review) and one.key in overlay.known.removed


def _keep_away(page: Page, one: Decided, body: Message | None) -> bool:
    """Skips a message that somebody took out of the history, however it would be decided today."""
    final = isinstance(one.decision, Skip) and one.decision.reason is Reason.ERASED
    if final or one.key not in page.overlay.known.removed:
        return False
    found = page.overlay.identify(one)
    digest = page.room.hasher.of_text(body.text) if body else None
    if isinstance(found, Compare) and digest is not None:
        found = _settle_by_text(page, found, digest)
    if not isinstance(found, Same) or not page.overlay.is_removed(one.key, found.interaction_id):
        return False
    _note_removed(page, one, found.interaction_id, digest or page.overlay.text_of_size(one, found.interaction_id))
    _skip(page, one, Skip(reason=Reason.REMOVED, evidence=("Somebody removed it from the history",)), "")
    return True


def _note_removed(page: Page, one: Decided, removed: str, digest: bytes | None) -> None:
    """One more sighting. Where another text passed for it in this mailbox, that was another message."""
    mailbox, hasher = page.spot.mailbox_id, page.room.hasher
    passed = page.overlay.texts_here(one.key, removed)
    if digest is not None and passed and digest not in passed:
        mistaken = Mistaken(removal_id=removed, message_key=one.key, mailbox_id=mailbox, text_digest=digest)
        page.mistaken.append(mistaken)
    page.removed.append(removals.sighting(hasher, removed, mailbox, one.envelope.size, digest))
    page.overlay.put(one, removed, digest)


def _skip(page: Page, one: Decided, skip: Skip, text: str) -> None:
    page.place(one, rows.skipped_place(page.spot, one, skip))
    if skip.reason is Reason.NO_CONTACT:
        _leave_refs(page, one)
    found = list(rows.signals(one, skip, page.spot.now, text))
    if found:
        page.out.signals.extend(found)
        page.out.signal_ids[one.key] = one.ids


def _review(page: Page, one: Decided, review: Review) -> None:
    page.place(one, rows.review_place(page.spot, one))
    page.out.reviews.extend(rows.reviews(page.room.hasher, page.spot, one, review, None))
    page.out.tying_ids.append(one.ids)
    _leave_refs(page, one)


def _leave_refs(page: Page, one: Decided) -> None:
    page.out.refs.extend(rows.refs(one))
    if one.view is None:
        page.out.strangers.update(one.ids)


def _log(page: Page, one: Decided, log: Log, body: Message | None) -> None:
    digest = page.room.hasher.of_text(body.text) if body else None
    found = page.overlay.identify(one)
    if isinstance(found, Compare):
        found = _settle_by_text(page, found, digest)
    if isinstance(found, Same):
        interaction = found.interaction_id
        page.out.tying_ids.append(one.ids)
        _log_again(page, one, interaction, body)
    else:
        shared = isinstance(found, New) and found.shared and bool(page.overlay.interactions(one.key))
        interaction = _log_new(page, one, log, body, shared=shared)
    page.place(one, rows.logged_place(page.spot, one, interaction, None if one.by_erased else digest))
    page.overlay.put(one, interaction, digest)
    page.out.participants.extend(rows.participants(interaction, one))
    page.out.links.extend(rows.links(interaction, log))
    page.out.company_links.extend(rows.company_links(interaction, log))
    page.out.reviews.extend(rows.reviews(page.room.hasher, page.spot, one, log, interaction))
    if page.room.suggest_contacts:
        page.out.suggestions.extend(rows.suggestions(one, log, page.spot.now))


def _log_new(page: Page, one: Decided, log: Log, body: Message | None, *, shared: bool) -> str:
    new = page.overlay.add(one)
    row = rows.interaction(page.spot, one, log, id=new.id, variant=new.variant, capture=page.room.capture)
    if body is not None and _keeps_text(page, one):
        _add_text(page, one, row, body)
    if shared:
        row["flagged_as"] = [*_list(row), "shared-message-id" if one.envelope.message_id else "same-header"]
    page.out.interactions.append(row)
    page.out.ids[new.id] = one.ids
    return new.id


def _keeps_text(page: Page, one: Decided) -> bool:
    return page.room.capture == "full" and not one.by_erased


def _add_text(page: Page, one: Decided, row: rows.Changing, body: Message) -> None:
    sent = occurred_at(one.envelope.date, one.envelope.server_time, page.spot.now)
    is_young = page.spot.now - sent <= page.room.weighed_for
    columns = rows.captured(body, sent, weighed=is_young, ours=_is_ours(one))
    columns["flagged_as"] = [*_list(row), *_list(columns)]
    row.update(columns)
    page.out.texts.append({"interaction_id": row["id"], "text": body.text})


def _is_ours(one: Decided) -> bool:
    """Whether one of us wrote it: only our own promises are reminded of."""
    return isinstance(one.decision, Log) and one.decision.direction is Direction.OUTBOUND


def _list(row: Mapping[str, object]) -> list[object]:
    found = row.get("flagged_as", [])
    return list(found) if isinstance(found, list) else []


def _log_again(page: Page, one: Decided, interaction: str, body: Message | None) -> None:
    """One more place of the same interaction: it may date it earlier, or let more of it be kept."""
    envelope = one.envelope
    if not trusted(envelope.date, envelope.server_time, page.spot.now) and envelope.server_time:
        page.out.earlier.append((interaction, envelope.server_time))
    owed = page.overlay.owed(one.key, interaction)
    page.out.made_up_for.extend(owed)
    if (owed or envelope.id in page.known_places) and isinstance(one.decision, Log):
        keys = frozenset(str(row["match_key"]) for row in rows.participants(interaction, one))
        page.out.relinked[interaction] = Relink(rule=one.decision.rule, keys=keys)
    if page.overlay.deepens(one.key, Same(interaction_id=interaction)):
        _deepen(page, one, interaction, body)


def _deepen(page: Page, one: Decided, interaction: str, body: Message | None) -> None:
    row: rows.Changing = {"id": interaction, "capture": page.room.capture, "subject": one.envelope.subject}
    if body is not None and _keeps_text(page, one):
        _add_text(page, one, row, body)
    page.out.deepened.append(row)


def _settle_by_text(page: Page, compare: Compare, digest: bytes | None) -> Identity:
    if digest is None:
        return Same(interaction_id=compare.places[0].interaction_id)
    return settle(compare, digest, [_digest_at(page, place) for place in compare.places])


def _digest_at(page: Page, place: KnownPlace) -> bytes | None:
    """The digest of a place's text, fetched once more where none was kept."""
    folder = page.folders.get(place.folder_id)
    if place.text_digest is not None or place.gone or place.mailbox_id != page.spot.mailbox_id or folder is None:
        return place.text_digest
    for body in page.room.reader.bodies(folder.folder, place.validity, [place.uid]).result():
        if isinstance(body, Message):
            return page.room.hasher.of_text(body.text)
    return None
