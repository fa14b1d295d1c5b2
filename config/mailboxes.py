"""Makes mailboxes of connectors: which keys of one belong together, which need others, which exclude each other."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from config.access import Values, archive_access, calendar_of, imap_access
from config.form import Form, read_table
from config.layers import layered, merged
from config.model import Mailbox, Reminders
from config.nearest import nearest, one_of
from config.node import Node
from config.personal import is_loopback
from config.reading import Reading, name_of
from config.words import CONNECTORS, IMAP_ANYWHERE, LATER_CONNECTORS, MAILDIR_ANYWHERE, REMINDERS, WHO

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


def mailboxes_of(connector: Node, shared: Shared, reading: Reading) -> Iterator[Mailbox]:
    """The mailboxes of one connector. Whatever is wrong is noted, and the mailbox it touches left out."""
    form = _form(connector, reading)
    if form is None:
        return
    as_written = Reading(problems=reading.problems)  # its secrets do not count: a mailbox may override them
    own = read_table(connector, form, as_written)
    if form is CONNECTORS["imap"]:
        _check_server(connector, own, reading)
    for written in written_mailboxes(connector):
        address = written.table().get("address")
        if address is not None and isinstance(address.value, str) and "@" in address.value:
            mailbox = _mailbox(connector, written, own, shared, reading.for_mailbox(address.value))
            if mailbox is not None:
                yield mailbox


def written_mailboxes(connector: Node) -> list[Node]:
    """The mailbox tables of a connector, as far as they are tables."""
    listed = connector.table().get("mailboxes")
    return [each for each in listed.items() if isinstance(each.value, dict)] if listed else []


def _form(connector: Node, reading: Reading) -> Form | None:
    """The form by the connector's type; None after noting what is wrong with that."""
    kind = connector.table().get("type")
    if not isinstance(connector.value, dict):
        reading.note(connector, "is no connector", "write [[connectors]]")
    elif kind is None:
        reading.note(connector, "type is missing", f"write type = {_quoted(CONNECTORS)}")
    elif kind.value in LATER_CONNECTORS:
        reading.note(kind, f"{kind.value} connectors come with a later version", "remove this one")
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


def _check_server(connector: Node, own: Values, reading: Reading) -> None:
    host = own.get("host")
    if own.get("security") == "none" and isinstance(host, str) and not is_loopback(host):
        place = connector.table()["security"]
        reading.note(place, f"mail and passwords would reach {host} in plain text", 'write "tls" or "starttls"')


def _mailbox(connector: Node, written: Node, own: Values, shared: Shared, reading: Reading) -> Mailbox | None:
    before = len(reading.problems)
    is_imap = connector.table()["type"].value == "imap"
    anywhere = IMAP_ANYWHERE if is_imap else MAILDIR_ANYWHERE
    applies = layered(connector, written, anywhere)
    values = read_table(applies, Form(about="", keys=anywhere), reading)
    who = read_table(_only(written, WHO), Form(about="", keys=WHO), reading)
    access = imap_access(applies, own, values, reading) if is_imap else archive_access(applies, values, reading)
    _check_capture(applies, values, shared, reading)
    calendar = calendar_of(applies.table().get("calendar"), values, reading)
    reminders = _reminders(applies.table().get("reminders"), shared.reminders, reading)
    if len(reading.problems) > before or access is None or "name" not in own:
        return None
    rest = {name: values[name] for name in ("since", "folders", "poll_seconds") if name in values}
    return Mailbox.model_validate(
        {
            "address": who["address"],
            "aliases": who.get("aliases", ()),
            "connector": own["name"],
            "access": access,
            "timezone": values.get("timezone", shared.timezone),
            "capture": values.get("capture", shared.capture),
            "calendar": calendar,
            "reminders": reminders,
            **rest,
        }
    )


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
