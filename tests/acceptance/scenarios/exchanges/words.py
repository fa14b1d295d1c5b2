"""Words that scenarios of both Exchanges have in common: what happens meanwhile, and what stands in the calendar."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from agent.engine.progress import utc_now
from agent.reminders.manual import added
from agent.store.calendar import reminders
from agent.store.schedule import mailboxes
from config.model import ExchangeCalendar, GraphCalendar, Mailbox
from config.reminder_model import Reminders
from tests.acceptance.scenarios.exchange_user import ExchangeUser
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import ANNA
from tests.servers.graph.calendar import Event

Owner = GraphUser | ExchangeUser
Step = Literal["message", "page", "news", "create"]
"""A message by its id; a further page of a folder; what changed in it; a calendar item made."""

_GRAPH: dict[Step, str] = {
    "message": r"GET /users/[^/]+/mailFolders/[^/]+/messages/(?!delta)",
    "page": r"GET .*/messages/delta\?\$skiptoken",
    "news": r"GET .*/messages/delta\?\$deltatoken",
    "create": r"POST /users/.*/events\?",
}
_EWS: dict[Step, str] = {
    "message": "GetItem",
    "page": "SyncFolderItems",
    "news": "SyncFolderItems",
    "create": "CreateItem",
}


def meanwhile(user: Owner, step: Step, action: Callable[[], object], *, skip: int = 0) -> None:
    """The next step of this kind finds that somebody has acted just before it; `skip` of them pass."""
    if isinstance(user, GraphUser):
        user.tenant.faults.before(action, _GRAPH[step], after=skip)
    else:
        user.server.faults.before(action, _EWS[step], skip=skip)


def lose_answer(user: Owner, step: Step) -> None:
    """The server does it, and its answer never arrives."""
    if isinstance(user, ExchangeUser):
        user.server.faults.lose_answer(_EWS[step])
    else:
        user.tenant.faults.lose_answer(_GRAPH[step])


def keep_back(user: Owner, what: "int | Item") -> None:
    """The server cannot hand out this message or calendar item, until its faults are cleared."""
    if isinstance(user, ExchangeUser):
        kept = frozenset({user.id_of(what) if isinstance(what, int) else str(what.handle)})
        user.server.faults.refuse("ErrorItemCorrupt", "GetItem", whole=False, items=kept, times=None)
    elif isinstance(what, int):
        message = next(one for one in user.mailbox.messages() if one.number == what)
        user.tenant.faults.fail(500, f"messages/{message.immutable_id}", times=None)
    else:
        assert isinstance(what.handle, Event)
        path = f"GET .*/events/{what.handle.immutable_id}"
        user.tenant.faults.fail(400, path, code="ErrorCorruptData")
        user.tenant.faults.fail(500, path, times=None)


def fair_weather(user: Owner) -> None:
    """Nothing goes wrong any more."""
    (user.tenant if isinstance(user, GraphUser) else user.server).faults.clear()


def forget(user: Owner) -> None:
    """Whatever the server said until now of how far a folder was read is void."""
    if isinstance(user, GraphUser):
        user.mailbox.expire_links()
    else:
        user.box.invalidate_sync_states()


def busy(user: Owner, seconds: int) -> None:
    """The server is asked too much, and asks once for so long a rest."""
    if isinstance(user, GraphUser):
        user.tenant.faults.throttle(r"GET .*/mailFolders/", retry_after=seconds)
    else:
        user.server.faults.busy(seconds * 1000, "FindFolder")


def asked(user: Owner) -> int:
    """Requests that came for this mailbox's server."""
    return user.tenant.http.total() if isinstance(user, GraphUser) else user.server.operations.total()


# Reminders


def remind(desk: Desk, user: Owner, rules: Reminders) -> Mailbox:
    """The mailbox that the desk reads of this user has reminders, in its own calendar."""
    (mailbox,) = (one for one in desk.settings.mailboxes if one.access == user.access)
    calendar = (
        GraphCalendar(access=user.access) if isinstance(user, GraphUser) else ExchangeCalendar(access=user.access)
    )
    given = mailbox.model_copy(update={"calendar": calendar, "reminders": rules})
    others = tuple(one for one in desk.settings.mailboxes if one != mailbox)
    desk.settings = desk.settings.model_copy(update={"mailboxes": (*others, given)})
    return given


def add_reminder(desk: Desk, contact: str, title: str, due: datetime) -> None:
    """`crm-agent reminders add`. due: wall time in Berlin."""
    one = added(title, due, zone="Europe/Berlin", contact_id=contact)
    with desk.open() as house, house.database.write() as connection:
        reminders.insert(house.database, connection, mailboxes.ids(connection)[ANNA], one, utc_now())


@dataclass(frozen=True, kw_only=True)
class Item:
    """A calendar item. start: aware, UTC. handle: how its server finds it."""

    title: str
    start: datetime
    handle: Event | str


def calendar(user: Owner) -> list[Item]:
    """What stands in the user's calendar, by title."""
    if isinstance(user, GraphUser):
        found = [Item(title=one.subject, start=one.start, handle=one) for one in user.mailbox.calendars.events()]
    else:
        found = [
            Item(title=one["Subject"], start=datetime.fromisoformat(one["Start"]).astimezone(UTC), handle=one.id)
            for one in user.box.items("calendar")
        ]
    return sorted(found, key=lambda item: item.title)


def reword(user: Owner, item: Item, title: str) -> None:
    """The user gives it another title."""
    if isinstance(user, GraphUser):
        assert isinstance(item.handle, Event)
        user.mailbox.calendars.change(item.handle, subject=title)
    else:
        user.box.retitle(str(item.handle), title)


def drag(user: Owner, item: Item, start: datetime) -> None:
    """The user moves it to another time."""
    if isinstance(user, GraphUser):
        assert isinstance(item.handle, Event)
        user.mailbox.calendars.reschedule(item.handle, start, start + timedelta(minutes=15))
    else:
        user.box.reschedule(str(item.handle), start)


def throw_out(user: Owner, item: Item) -> None:
    """The user deletes it."""
    if isinstance(user, GraphUser):
        assert isinstance(item.handle, Event)
        user.mailbox.calendars.delete(item.handle)
    else:
        user.box.delete(str(item.handle))
