"""Which request goes where, and what an application must have been granted for it.

A path is written with `*` for a key. Names of segments compare without case, keys with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from tests.servers.graph import contacts, directory, events, mail, refusals, subscribing
from tests.servers.graph.web import Answer

Where = Literal["mailbox", "directory", "application"]
READS_MAIL = frozenset({"Mail.Read", "Mail.ReadWrite"})
WRITES_MAIL = frozenset({"Mail.ReadWrite"})
READS_SETTINGS = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})
READS_CONTACTS = frozenset({"Contacts.Read", "Contacts.ReadWrite"})
READS_CALENDARS = frozenset({"Calendars.Read", "Calendars.ReadWrite"})
WRITES_CALENDARS = frozenset({"Calendars.ReadWrite"})
READS_GROUPS = frozenset({"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"})


@dataclass(frozen=True, kw_only=True)
class Route:
    """handler: called with the request, the mailbox if `where` is one, and the keys of the path."""

    path: str
    handler: Callable[..., Answer]
    needs: frozenset[str]
    where: Where = "mailbox"


def _mail(path: str, handler: Callable[..., Answer], needs: frozenset[str] = READS_MAIL) -> list[Route]:
    return [Route(path=path, handler=handler, needs=needs)]


def _everywhere(path: str, handler: Callable[..., Answer], needs: frozenset[str] = READS_MAIL) -> list[Route]:
    """A message is reached from its mailbox and through its folder."""
    folders = ("users/*", "users/*/mailFolders/*", "users/*/mailFolders/*/childFolders/*")
    return [Route(path=f"{start}/{path}", handler=handler, needs=needs) for start in folders]


def _in_calendar(path: str, handler: Callable[..., Answer], needs: frozenset[str] = READS_CALENDARS) -> list[Route]:
    """What the default calendar and each other one has."""
    calendars = ("users/*", "users/*/calendar", "users/*/calendars/*")
    return [Route(path=f"{start}/{path}", handler=handler, needs=needs) for start in calendars]


def _directory(path: str, handler: Callable[..., Answer], needs: frozenset[str]) -> list[Route]:
    return [Route(path=path, handler=handler, needs=needs, where="directory")]


def _application(path: str, handler: Callable[..., Answer]) -> list[Route]:
    return [Route(path=path, handler=handler, needs=frozenset(), where="application")]


_GET = [
    *_application("subscriptions", subscribing.list_all),
    *_application("subscriptions/*", subscribing.get),
    *_mail("users/*/mailFolders", mail.list_folders),
    *_mail("users/*/mailFolders/delta", mail.folders_delta),
    *_mail("users/*/mailFolders/*", mail.get_folder),
    *_mail("users/*/mailFolders/*/childFolders", mail.list_child_folders),
    *_mail("users/*/mailFolders/*/childFolders/*", mail.get_folder),
    *_mail("users/*/messages", mail.list_messages),
    *_mail("users/*/mailFolders/*/messages", mail.list_folder_messages),
    *_mail("users/*/mailFolders/*/childFolders/*/messages", mail.list_folder_messages),
    *_mail("users/*/mailFolders/*/messages/delta", mail.messages_delta),
    *_mail("users/*/mailFolders/*/childFolders/*/messages/delta", mail.messages_delta),
    *_everywhere("messages/*", mail.get_message),
    *_everywhere("messages/*/$value", mail.get_mime),
    *_everywhere("messages/*/attachments", mail.list_attachments),
    *_everywhere("messages/*/attachments/*", mail.get_attachment),
    *_mail("users/*/mailboxSettings", mail.get_settings, READS_SETTINGS),
    *_mail("users/*/mailboxSettings/*", mail.get_settings, READS_SETTINGS),
    *_mail("users/*/contacts", contacts.list_contacts, READS_CONTACTS),
    *_mail("users/*/calendars", events.list_calendars, READS_CALENDARS),
    *_mail("users/*/calendars/*", events.get_calendar, READS_CALENDARS),
    *_mail("users/*/calendar", events.get_calendar, READS_CALENDARS),
    *_in_calendar("events", events.list_events),
    *_in_calendar("events/*", events.get_event),
    *_in_calendar("events/delta", events.events_delta),
    *_in_calendar("calendarView", events.calendar_view),
    *_in_calendar("calendarView/delta", events.view_delta),
    *_directory("users", directory.list_users, directory.READS_USERS),
    *_directory("users/*", directory.get_user, directory.READS_USERS),
    *_directory("groups/*", directory.get_group, READS_GROUPS),
    *_directory("groups/*/members", directory.list_members, READS_GROUPS),
    *_directory("groups/*/members/user", directory.list_member_users, READS_GROUPS),
    *_directory("groups/*/transitiveMembers", directory.list_transitive_members, READS_GROUPS),
    *_directory("groups/*/transitiveMembers/user", directory.list_transitive_users, READS_GROUPS),
]
_POST = [
    *_application("subscriptions", subscribing.create),
    *_application("subscriptions/*/reauthorize", subscribing.reauthorize),
    *_everywhere("messages/*/move", mail.move_message, WRITES_MAIL),
    *_mail("users/*/calendars", events.create_calendar, WRITES_CALENDARS),
    *_in_calendar("events", events.create_event, WRITES_CALENDARS),
    *_mail("users/*/events/*/dismissReminder", events.dismiss_reminder, WRITES_CALENDARS),
    *_mail("users/*/events/*/snoozeReminder", events.snooze_reminder, WRITES_CALENDARS),
]
_PATCH = [
    *_application("subscriptions/*", subscribing.renew),
    *_everywhere("messages/*", mail.change_message, WRITES_MAIL),
    *_in_calendar("events/*", events.change_event, WRITES_CALENDARS),
]
_DELETE = [
    *_application("subscriptions/*", subscribing.delete),
    *_everywhere("messages/*", mail.delete_message, WRITES_MAIL),
    *_mail("users/*/calendars/*", events.delete_calendar, WRITES_CALENDARS),
    *_in_calendar("events/*", events.delete_event, WRITES_CALENDARS),
]
ROUTES: Mapping[str, Sequence[Route]] = {"GET": _GET, "POST": _POST, "PATCH": _PATCH, "DELETE": _DELETE}


@dataclass(eq=False)
class _Node:
    below: "dict[str, _Node]" = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


def _tree() -> _Node:
    root = _Node()
    for method, routes in ROUTES.items():
        for route in routes:
            node = root
            for segment in route.path.lower().split("/"):
                node = node.below.setdefault(segment, _Node())
            node.routes[method] = route
    return root


_ROOT = _tree()


def find(method: str, segments: Sequence[str]) -> tuple[Route, list[str]]:
    """The route of a request and the keys in its path. Refused if there is none."""
    node, keys = _ROOT, list[str]()
    for segment in segments:
        below = node.below.get(segment.lower())
        if below is None and "*" in node.below:
            below = node.below["*"]
            keys.append(segment)
        if below is None:
            raise refusals.unknown_segment(segment)
        node = below
    if not node.routes:
        raise refusals.unknown_segment(segments[-1] if segments else "")
    if method not in node.routes:
        message = "Specified HTTP method is not allowed for the request target."
        raise refusals.Refuse(HTTPStatus.METHOD_NOT_ALLOWED, "Request_BadRequest", message)
    return node.routes[method], keys


def named(method: str, segments: Sequence[str]) -> str:
    """The path with `*` for its keys, what requests are counted by; as it was written if there is no such route."""
    try:
        return find(method, segments)[0].path
    except refusals.Refuse:
        return "/".join(segments)
