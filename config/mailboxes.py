"""Makes mailboxes of connectors: which keys of one belong together, which need others, which exclude each other."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from config.access import archive_access, check_imap, imap_access
from config.calendar_access import calendar_of
from config.connector_words import CONNECTORS, Words
from config.exchange_access import check_exchange, check_graph, exchange_access, graph_access
from config.form import Form, read_table
from config.kinds import written_span
from config.layers import layered, merged
from config.listed import SAMPLE, source_of
from config.model import Access, Made, Mailbox, MailboxList, Member, MustRefuse, Reminders
from config.nearest import nearest, one_of
from config.node import Node, strings
from config.reading import Reading, name_of
from config.secrets import Secret
from config.values import Values
from config.words import REMINDERS, WHO

_WITH_CALENDAR = ("graph", "exchange")
"""Connectors whose mailboxes have a calendar of their own."""

_DEPTH: Sequence[object] = ("metadata", "subject", "full")
"""How much is kept, the least first."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a mailbox falls back to: the organisation's zone, the policy's capture, the written [reminders].

    capture_locked: no mailbox keeps more than that.
    """

    timezone: object
    capture: object
    reminders: Node | None
    capture_locked: bool = False


@dataclass(frozen=True, kw_only=True)
class Described:
    """What one connector describes."""

    mailboxes: Sequence[Mailbox] = ()
    lists: Sequence[MailboxList] = ()
    must_refuse: Sequence[MustRefuse] = ()


@dataclass(frozen=True, kw_only=True)
class _Connector:
    """A connector as far as it was read. own: its checked values by key."""

    node: Node
    kind: str
    words: Words
    own: Values
    shared: Shared


def described(node: Node, shared: Shared, reading: Reading) -> Described:
    """Everything about one connector. Whatever is wrong is noted, and the mailbox it touches left out."""
    words = _words(node, reading)
    if words is None:
        return Described()
    as_written = Reading(problems=reading.problems)
    own = read_table(node, words.form, as_written)
    connector = _Connector(node=node, kind=str(node.table()["type"].value), words=words, own=own, shared=shared)
    reading.secrets.extend(_own_secrets(as_written, words))
    _check(connector, reading)
    return Described(
        mailboxes=list(_named_mailboxes(connector, reading)),
        lists=list(_lists(connector, reading)),
        must_refuse=list(_must_refuse(connector, reading)),
    )


def written_mailboxes(connector: Node) -> list[Node]:
    """The mailbox tables of a connector, as far as they are tables."""
    listed = connector.table().get("mailboxes")
    return [each for each in listed.items() if isinstance(each.value, dict)] if listed else []


def _words(connector: Node, reading: Reading) -> Words | None:
    """The words by the connector's type; None after noting what is wrong with that."""
    kind = connector.table().get("type")
    if not isinstance(connector.value, dict):
        reading.note(connector, "is no connector", "write [[connectors]]")
    elif kind is None:
        reading.note(connector, "type is missing", f"write type = {_quoted(CONNECTORS)}")
    elif kind.value not in tuple(CONNECTORS):  # a tuple: what stands there may be a list
        near = nearest(str(kind.value), CONNECTORS)
        reading.note(
            kind, f"{_named(kind)} is no type of connector", f"write {_quoted([near] if near else CONNECTORS)}"
        )
    else:
        return CONNECTORS[str(kind.value)]
    return None


def _named(kind: Node) -> str:
    return f'"{kind.value}"' if isinstance(kind.value, str) else name_of(kind)


def _quoted(words: Iterable[str]) -> str:
    return one_of([f'"{word}"' for word in words])


def _own_secrets(as_written: Reading, words: Words) -> Iterator[tuple[Node, Secret]]:
    """Secrets of keys that only the connector has; of the others a mailbox may have its own."""
    shared = {*words.anywhere, "defaults", "mailboxes"}
    return (found for found in as_written.secrets if found[0].key.split(".")[1] not in shared)


def _check(connector: _Connector, reading: Reading) -> None:
    checks = {"imap": check_imap, "graph": check_graph, "exchange": check_exchange}
    if connector.kind in checks:
        checks[connector.kind](connector.node, connector.own, reading)


def _named_mailboxes(connector: _Connector, reading: Reading) -> Iterator[Mailbox]:
    for written in written_mailboxes(connector.node):
        address = written.table().get("address")
        if address is not None and isinstance(address.value, str) and "@" in address.value:
            mailbox = _mailbox(connector, written, reading.for_mailbox(address.value))
            if mailbox is not None:
                yield mailbox


def _lists(connector: _Connector, reading: Reading) -> Iterator[MailboxList]:
    """The list that the connector names, tried on somebody who might stand in it."""
    place, values = connector.node.table().get("mailboxes_from"), connector.own.get("mailboxes_from")
    if place is None or not isinstance(values, dict):
        return
    source = source_of(place, values, graph_access(connector.own, ""), reading)
    trial = Reading(problems=reading.problems, address=SAMPLE)
    _mailbox(connector, _entry(place, Member(address=SAMPLE)), trial)
    reading.secrets.extend(
        found for found in trial.secrets if not any("{" in str(one.value) for one in strings(found[0]))
    )
    if source is not None and "name" in connector.own:
        options = {name: values[name] for name in ("every", "most_change") if name in values}
        yield MailboxList.model_validate(
            {
                "connector": connector.own["name"],
                "source": source,
                "excluded": values.get("exclude", ()),
                "make": partial(_make, connector, place),
                **options,
            }
        )


def _make(connector: _Connector, place: Node, members: Sequence[Member]) -> Made:
    """The mailboxes of a list's entries. What is wrong is told at the key that cannot be filled in."""
    reading = Reading()
    made = [_mailbox(connector, _entry(place, one), reading.for_mailbox(one.address)) for one in members]
    return Made(mailboxes=tuple(filter(None, made)), problems=tuple(reading.problems))


def _entry(place: Node, member: Member) -> Node:
    """An entry of a list as if it were written below [[connectors.mailboxes]], at the place that names the list."""
    since = written_span(member.since) if isinstance(member.since, timedelta) else member.since
    values = {
        "address": member.address,
        "username": member.username,
        "timezone": member.timezone,
        "capture": member.capture,
        "since": since,
    }
    written = {name: replace(place, value=value) for name, value in values.items() if value is not None}
    aliases = [replace(place, value=one) for one in member.aliases]
    return replace(place, value={**written, "aliases": replace(place, value=aliases)})


def _must_refuse(connector: _Connector, reading: Reading) -> Iterator[MustRefuse]:
    place, address = connector.node.table().get("must_refuse"), connector.own.get("must_refuse")
    if place is None or not isinstance(address, str) or "name" not in connector.own:
        return
    applies = layered(connector.node, replace(place, value={}), connector.words.anywhere)
    trial = Reading(problems=reading.problems, address=address)
    access = _access(
        connector, applies, read_table(applies, Form(about="", keys=connector.words.anywhere), trial), trial
    )
    if access is not None:
        yield MustRefuse.model_validate({"connector": connector.own["name"], "address": address, "access": access})


def _mailbox(connector: _Connector, written: Node, reading: Reading) -> Mailbox | None:
    before = len(reading.problems)
    anywhere, shared = connector.words.anywhere, connector.shared
    applies = layered(connector.node, written, anywhere)
    values = read_table(applies, Form(about="", keys=anywhere), reading)
    who = read_table(_only(written, WHO), Form(about="", keys=WHO), reading)
    access = _access(connector, applies, values, reading)
    _check_capture(applies, values, shared, reading)
    place, has_own = applies.table().get("calendar"), connector.kind in _WITH_CALENDAR
    calendar = calendar_of(place, values, access, reading, has_own=has_own)
    reminders = _reminders(applies.table().get("reminders"), shared.reminders, reading)
    if len(reading.problems) > before or access is None or "name" not in connector.own:
        return None
    rest = {name: values[name] for name in ("since", "folders", "poll_seconds", "import_contacts") if name in values}
    return Mailbox.model_validate(
        {
            "address": who["address"],
            "aliases": who.get("aliases", ()),
            "connector": connector.own["name"],
            "access": access,
            "timezone": values.get("timezone", shared.timezone),
            "capture": values.get("capture", shared.capture),
            "calendar": calendar,
            "reminders": reminders,
            **rest,
        }
    )


def _access(connector: _Connector, applies: Node, values: Values, reading: Reading) -> Access | None:
    match connector.kind:
        case "imap":
            return imap_access(applies, connector.own, values, reading)
        case "graph":
            return graph_access(connector.own, str(values.get("username") or reading.address or ""))
        case "exchange":
            return exchange_access(applies, connector.own, values, reading)
        case _:
            return archive_access(applies, values, reading)


def _check_capture(applies: Node, values: Values, shared: Shared, reading: Reading) -> None:
    """The lock holds for whatever stands nearer to the mailbox than the policy."""
    said = values.get("capture")
    if shared.capture_locked and said in _DEPTH and _DEPTH.index(said) > _DEPTH.index(shared.capture):
        most = f'"{shared.capture}"'
        reading.note(
            applies.table()["capture"],
            f'"{said}" keeps more than policy.capture, which is locked',
            f"write {most} or less, or remove it",
        )


def _only(node: Node, names: Container[str]) -> Node:
    return replace(node, value={name: each for name, each in node.table().items() if name in names})


def _reminders(place: Node | None, below: Node | None, reading: Reading) -> Reminders:
    node = merged(below, place) if place else below
    if node is None or not isinstance(node.value, dict):
        return Reminders()
    return Reminders.model_validate(read_table(node, REMINDERS, reading))
