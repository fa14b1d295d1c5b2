"""Reminders in a CalDAV calendar (RFC 4791): one item a reminder, at an address made from its uid.

Built on `connectors.dav` and `connectors.ical`; proven by `tests/contracts/calendar_sink.py` against real servers.
What servers do differently: Radicale answers 409 to a uid that stands at another address; xandikos answers 207 with
an inner 412; Google knows If-Match alone, so a create looks before it writes; some give no ETag after a write, or
rewrite what they store, so the item is read again; sync-collection (RFC 6578) is used where it is offered, else the
ctag and the ETags.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from config.model import CaldavCalendar, Calendar
from config.secrets import SecretError
from connectors.caldav_listing import Listing, Looked, check_size, is_folder, sync_token
from connectors.caldav_meetings import CalDavMeetings, on_same_server
from connectors.caldav_refusal import forbidden, no_calendar, refusal, taken, unmarked
from connectors.dav import DAV, Answer, DavClient, Resource, Timeouts, TooLong, path_of, resources
from connectors.errors import Conflict, Fatal, Retriable, Skippable
from connectors.event import CalendarChanges, CalendarCursor, CalendarEvent, FoundEvent
from connectors.ical import compose, read, revise
from connectors.seen import Mark, Seen, load

CAL = "{urn:ietf:params:xml:ns:caldav}"
CTAG = "{http://calendarserver.org/ns/}getctag"
_BATCH = 50
_ROUNDS = 1_000
_PLAIN_UID = re.compile(r"[A-Za-z0-9@._-]{1,200}")
_NOT_SHOWN = frozenset({500})
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/"'


class CalDavSink:
    """One calendar collection. Implements `connectors.base.CalendarSink`."""

    def __init__(self, calendar: CaldavCalendar, timeouts: Timeouts | None = None) -> None:
        self._url = calendar.url if calendar.url.endswith("/") else calendar.url + "/"
        self._root = path_of(self._url)
        self._names = {self._root}  # a server may call the calendar otherwise than its address says
        self._asked_its_name = False
        self._keeps_marks = False
        self._dav = DavClient(
            self._url,
            username=calendar.username,
            password=_password(calendar),
            ca_file=calendar.ca_file,
            timeouts=timeouts or Timeouts(),
        )

    def find(self, uid: str) -> FoundEvent | None:
        """At its own address first, then by uid wherever a calendar program has put it."""
        answer = self._get(self._href(uid))
        if answer is None:
            return self._search(uid)
        return read(answer.body, href=self._href(uid), etag=answer.etag)

    def create(self, event: CalendarEvent) -> FoundEvent:
        """Looks, then writes with If-None-Match: the look is for servers that do not know the condition."""
        href = self._href(event.uid)
        if self._get(href) is not None:
            raise taken()
        body = compose(event, datetime.now(UTC))
        answer = self._put(href, body, {"If-None-Match": "*"})
        status = _inner_status(answer)
        if status == 412:
            raise taken()
        if status >= 300:
            self._explain(answer, status, event.uid)
        return self._made(href, body, answer)

    def update(self, event: CalendarEvent, found: FoundEvent) -> FoundEvent:
        """Rewrites what is ours in the item as it stands."""
        standing = self._get(found.href)
        if standing is None or not _is_version(standing, found):
            raise Conflict("the calendar item was changed meanwhile")
        body = revise(standing.body, event, datetime.now(UTC))
        answer = self._put(found.href, body, _if_match(standing, found))
        status = _inner_status(answer)
        if status in (404, 409, 410, 412):
            raise Conflict("the calendar item was changed meanwhile")
        if status >= 300:
            self._explain(answer, status, None)
        stored = self._stored(found.href, body, answer)
        if stored is None:
            raise Skippable("the calendar server dropped our mark from the item it stored")
        return stored

    def delete(self, found: FoundEvent) -> None:
        """Looks, then deletes with If-Match: the look is for servers that delete whatever the condition says.

        A 412 may mean that nothing stands there any more (RFC 9110 section 13.1.1), so it is looked at again.
        """
        standing = self._get(found.href)
        if standing is None:
            return
        if not _is_version(standing, found):
            raise Conflict("the calendar item was changed meanwhile")
        answer = self._dav.request("DELETE", found.href, headers=_if_match(standing, found))
        status = _inner_status(answer)
        if status < 300 or status in (404, 410):
            return
        if status != 412:
            self._explain(answer, status, None)
        if self._get(found.href) is not None:
            raise Conflict("the calendar item was changed meanwhile")

    def changes(self, cursor: CalendarCursor | None) -> CalendarChanges:
        """By sync-collection; where the server has none, by ctag and ETags; a forgotten cursor means everything."""
        seen = load(cursor)
        if seen is None:
            return self._everything()
        if not seen.token:
            return self._compare(seen)
        listing = self._sync(seen.token)
        return self._since(listing, seen.unread) if listing is not None else self._everything()

    def close(self) -> None:
        self._dav.close()

    # Reading

    def _everything(self) -> CalendarChanges:
        began, mark = time.time(), self._collection()
        listing = self._sync("")
        versions = listing.etags if listing is not None else self._list()
        looked = self._look_at(versions)
        if listing is not None:
            known = Seen(token=listing.token, unread=tuple(looked.unread))
        else:
            known = _after(Seen(), versions, looked, Mark().then(mark, began))
        return CalendarChanges(found=looked.found, gone=(), cursor=known.dump(), complete=True)

    def _since(self, listing: Listing, unread: Sequence[str]) -> CalendarChanges:
        looked = self._look_at({**dict.fromkeys(unread, ""), **listing.etags})
        cursor = Seen(token=listing.token, unread=tuple(looked.unread)).dump()
        gone = (*listing.gone, *looked.others)
        return CalendarChanges(found=looked.found, gone=gone, cursor=cursor, complete=False)

    def _compare(self, seen: Seen) -> CalendarChanges:
        began, mark = time.time(), self._collection()
        if seen.mark.tells_nothing_new(mark):
            return CalendarChanges(found=(), gone=(), cursor=seen.dump(), complete=False)
        versions = self._list()
        looked = self._look_at(seen.news(versions))
        gone = seen.gone(versions, looked.others)
        cursor = _after(seen, versions, looked, seen.mark.then(mark, began)).dump()
        return CalendarChanges(found=looked.found, gone=gone, cursor=cursor, complete=False)

    def _collection(self) -> str:
        """The ctag ('' if there is none). Raises Fatal if no calendar stands at the address."""
        body = f"<d:propfind {_NAMESPACES}><d:prop><d:resourcetype/><s:getctag/></d:prop></d:propfind>"
        answer = self._dav.request("PROPFIND", self._root, body=body, headers={"Depth": "0", **_XML})
        if answer.status != 207:
            raise no_calendar(answer.status)
        own = next((resource for resource in resources(answer) if resource.properties), None)
        kinds = own.properties.get(f"{DAV}resourcetype") if own is not None else None
        if own is None or kinds is None or kinds.find(f"{CAL}calendar") is None:
            raise Fatal(
                "the address is not that of a calendar",
                advice="give the address of one calendar, not of the account: `crm-agent doctor` names them",
            )
        self._names.add(own.href if own.href.endswith("/") else own.href + "/")
        self._asked_its_name = True
        return own.text(CTAG)

    def _sync(self, token: str) -> Listing | None:
        """Everything since the token, all of it if ''. None: the server has forgotten it, or knows no such report."""
        listing = Listing(token=token)
        for _ in range(_ROUNDS):
            body = (
                f"<d:sync-collection {_NAMESPACES}><d:sync-token>{escape(listing.token)}</d:sync-token>"
                "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
            )
            answer = self._dav.request("REPORT", self._root, body=body, headers={"Depth": "0", **_XML})
            if answer.status == 404:
                raise no_calendar(404)
            if answer.status != 207:
                return None
            if not self._take(listing, answer):
                return listing if listing.token else None
        raise Retriable("the calendar server never comes to the end of its changes")

    def _take(self, listing: Listing, answer: Answer) -> bool:
        """Adds one answer to the listing; True if the server has more to tell (RFC 6578 section 3.6)."""
        more = False
        for resource in resources(answer):
            if resource.href in self._names:
                more = more or resource.status == 507
            elif self._is_item(resource.href):
                listing.note(resource)
        check_size(len(listing.etags))
        token = sync_token(answer)
        more = more and token != listing.token
        listing.token = token
        return more

    def _list(self) -> dict[str, str]:
        body = f"<d:propfind {_NAMESPACES}><d:prop><d:getetag/><d:resourcetype/></d:prop></d:propfind>"
        answer = self._dav.request("PROPFIND", self._root, body=body, headers={"Depth": "1", **_XML})
        if answer.status != 207:
            raise no_calendar(answer.status)
        etags = {
            resource.href: resource.text(f"{DAV}getetag")
            for resource in resources(answer)
            if self._is_item(resource.href) and resource.status == 200 and not is_folder(resource)
        }
        check_size(len(etags))
        return etags

    def _look_at(self, hrefs: Iterable[str]) -> Looked:
        wanted, looked = list(hrefs), Looked()
        for start in range(0, len(wanted), _BATCH):
            self._multiget(wanted[start : start + _BATCH], looked)
        return looked

    def _multiget(self, hrefs: Sequence[str], looked: Looked) -> None:
        """By halves where an answer becomes too long; what is too long alone is nothing of ours."""
        try:
            told = self._report(hrefs)
        except TooLong:
            if len(hrefs) == 1:
                looked.note(hrefs[0], None)
                return
            middle = len(hrefs) // 2
            self._multiget(hrefs[:middle], looked)
            self._multiget(hrefs[middle:], looked)
            return
        for href in hrefs:
            try:
                looked.note(href, self._item(href, told.get(href)))
            except Skippable:
                looked.cannot_show(href)

    def _report(self, hrefs: Sequence[str]) -> dict[str, Resource]:
        names = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
        body = (
            f"<c:calendar-multiget {_NAMESPACES}><d:prop><d:getetag/><c:calendar-data/></d:prop>"
            f"{names}</c:calendar-multiget>"
        )
        answer = self._dav.request("REPORT", self._root, body=body, headers={"Depth": "1", **_XML})
        return {resource.href: resource for resource in resources(answer)} if answer.status == 207 else {}

    def _item(self, href: str, told: Resource | None) -> FoundEvent | None:
        """From the report; asked for singly where the report could not tell, so that a hiccup is no deletion.

        Raises Skippable for one that the server cannot show, which may be as broken as the program that made it.
        """
        if told is not None and told.status in (404, 410):
            return None
        data = told.text(f"{CAL}calendar-data") if told is not None else ""
        if told is not None and data:
            return read(data.encode(), href=href, etag=told.text(f"{DAV}getetag"))
        answer = self._dav.request("GET", href, headers={"Accept": "text/calendar"}, bear=_NOT_SHOWN)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise Skippable(f"the calendar server answered {answer.status} for an item")
        return read(answer.body, href=href, etag=answer.etag)

    def _search(self, uid: str) -> FoundEvent | None:
        body = (
            f"<c:calendar-query {_NAMESPACES}><d:prop><d:getetag/><c:calendar-data/></d:prop>"
            '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:prop-filter name="UID">'
            f'<c:text-match collation="i;octet">{escape(uid)}</c:text-match>'
            "</c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
        )
        answer = self._dav.request("REPORT", self._root, body=body, headers={"Depth": "1", **_XML})
        if answer.status == 404:
            raise no_calendar(404)
        if answer.status != 207:
            return None
        items = (self._item(told.href, told) for told in resources(answer) if self._is_item(told.href))
        return next((item for item in items if item is not None and item.uid == uid), None)

    def _get(self, href: str) -> Answer | None:
        answer = self._dav.request("GET", href, headers={"Accept": "text/calendar"})
        if answer.status in (404, 410):
            return None
        if answer.status in (401, 403):
            raise forbidden()
        if answer.status != 200:
            raise Skippable(f"the calendar server answered {answer.status} for an item")
        return answer

    # Writing

    def _put(self, href: str, body: bytes, condition: dict[str, str]) -> Answer:
        headers = {"Content-Type": "text/calendar; charset=utf-8", **condition}
        return self._dav.request("PUT", href, body=body, headers=headers)

    def _made(self, href: str, body: bytes, answer: Answer) -> FoundEvent:
        """The item just created. The first is looked at whatever its ETag says: one without our mark goes at once."""
        stored = self._stored(href, body, answer if self._keeps_marks else replace(answer, headers={}))
        if stored is None:
            self._dav.request("DELETE", href)
            raise unmarked()
        self._keeps_marks = True
        return stored

    def _stored(self, href: str, body: bytes, answer: Answer) -> FoundEvent | None:
        """As the server holds it: a strong ETag says that it stored our bytes (RFC 4791 section 5.3.4)."""
        etag = answer.etag
        if not etag or etag.startswith("W/"):
            standing = self._get(href)
            if standing is None:
                raise Retriable("the calendar server took the item, and then did not have it")
            body, etag = standing.body, standing.etag
        return read(body, href=href, etag=etag)

    def _explain(self, answer: Answer, status: int, uid: str | None) -> None:
        """Raises what a refused write means; a uid that stands elsewhere is a conflict, not a refusal."""
        named = refusal(answer)
        if named is not None:
            raise named
        if uid is not None and status in (400, 403, 409) and self._search(uid) is not None:
            raise taken()
        if status == 403:
            raise forbidden()
        self._collection()
        raise Skippable(f"the calendar server refused the item with status {status}")

    def _href(self, uid: str) -> str:
        name = uid if _PLAIN_UID.fullmatch(uid) else hashlib.sha256(uid.encode()).hexdigest()
        return self._root + quote(name, safe="") + ".ics"

    def _is_item(self, href: str) -> bool:
        """Whether it stands in the calendar itself, under whatever name: an alias, or where a redirect leads."""
        folder, _, name = href.rpartition("/")
        if f"{folder}/" not in self._names and name and not self._asked_its_name:
            self._collection()
        return f"{folder}/" in self._names and bool(name)


def _password(calendar: CaldavCalendar) -> str | None:
    try:
        return calendar.password.read() if calendar.password is not None else None
    except SecretError as error:
        raise Fatal(str(error)) from error


def _after(seen: Seen, versions: Mapping[str, str], looked: Looked, mark: Mark) -> Seen:
    """What is known after a comparison; where something could not be shown, the next one is not left out."""
    return seen.then(versions, looked.found, looked.others, Mark() if looked.unread else mark)


def _inner_status(answer: Answer) -> int:
    """The status of a write; xandikos wraps a refusal in a 207."""
    if answer.status != 207:
        return answer.status
    return max((resource.status for resource in resources(answer)), default=207)


def _is_version(standing: Answer, found: FoundEvent) -> bool:
    """Whether that is the version we know; so is one without an ETag, because nothing tells otherwise.

    A weak one counts: what compresses an answer on its way makes the ETag weak.
    """
    return not standing.etag or standing.etag.removeprefix("W/") == found.etag.removeprefix("W/")


def _if_match(standing: Answer, found: FoundEvent) -> dict[str, str]:
    """The condition of a write; none with a weak ETag, which never fulfils it (RFC 9110 section 13.1.1)."""
    strong = (etag for etag in (standing.etag, found.etag) if etag and not etag.startswith("W/"))
    etag = next(strong, None)
    return {"If-Match": etag} if etag is not None else {}


def open_meetings(calendar: Calendar, other: str | None = None) -> CalDavMeetings:
    """For `connectors.registry`. other: the address of another calendar of the account. Raises Fatal."""
    if not isinstance(calendar, CaldavCalendar):
        raise Fatal("the mailbox has no CalDAV calendar", advice='write type = "caldav" in [calendar]')
    if other is not None and not on_same_server(calendar.url, other):
        raise Fatal(
            "the appointments are said to be on another server than the reminders, whose password is not for it",
            advice="name a calendar of the same account in reminders.meetings",
        )
    there = calendar if other is None else calendar.model_copy(update={"url": other})
    dav = DavClient(
        there.url, username=there.username, password=_password(there), ca_file=there.ca_file, timeouts=Timeouts()
    )
    return CalDavMeetings(there, dav)


def open_calendar(calendar: Calendar) -> CalDavSink:
    """For `connectors.registry`. Raises Fatal if it is no CalDAV calendar."""
    if not isinstance(calendar, CaldavCalendar):
        raise Fatal("the mailbox has no CalDAV calendar", advice='write type = "caldav" in [calendar]')
    return CalDavSink(calendar)
