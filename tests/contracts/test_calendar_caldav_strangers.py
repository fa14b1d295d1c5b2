"""What CalDAV servers elsewhere do that those of the lab do not, each built with a proxy before Radicale."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from connectors.caldav import CalDavSink, open_meetings
from connectors.caldav_discovery import calendars
from connectors.dav import DavClient, Timeouts
from connectors.errors import Fatal, NeedsSignIn, Retriable, Skippable
from connectors.meeting import Window
from tests.contracts.calendar_sink import an_event
from tests.contracts.dav import DavDesk, access, calendar, sink
from tests.servers.http_proxy import HttpProxy, Request, Response
from tests.servers.radicale import DavCalendar, Radicale

__all__ = ["calendar", "sink"]

FOREIGN = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:dentist\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:20260401T080000Z\r\nSUMMARY:Dentist\r\nDESCRIPTION:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def client(url: str, calendar: DavCalendar) -> DavClient:
    return DavClient(url, username=calendar.username, password=calendar.password, ca_file=None, timeouts=Timeouts())


def body(change: Callable[[bytes], bytes], where: bytes = b"") -> Callable[[Request, Response], Response]:
    """Changes the answers to requests that hold these words."""

    def rewritten(request: Request, response: Response) -> Response:
        return replace(response, body=change(response.body)) if where in request.body else response

    return rewritten


def error(name: str) -> bytes:
    return f'<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:{name}/></d:error>'.encode()


class TestRefusedItems:
    @pytest.mark.parametrize("name", ["valid-calendar-data", "max-date-time", "supported-calendar-component"])
    def test_an_item_that_the_calendar_cannot_keep_is_no_missing_right(
        self, sink: CalDavSink, dav_proxy: HttpProxy, name: str
    ) -> None:
        dav_proxy.answer(403, "PUT", body=error(name))
        with pytest.raises(Skippable, match=name):
            sink.create(an_event())

    def test_a_quota_that_is_used_up_is_a_full_calendar(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        dav_proxy.answer(403, "PUT", body=error("quota-not-exceeded").replace(b"c:", b"d:"))
        with pytest.raises(Retriable, match="full"):
            sink.create(an_event())

    def test_a_server_that_drops_our_mark_keeps_nothing_of_ours(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        """Whatever ETag it gives: what nobody would find again is removed at once, and said."""

        def dropped(request: Request, response: Response) -> Response:
            return replace(response, body=re.sub(rb"X-CRM-REMINDER:[^\r\n]*\r?\n", b"", response.body))

        dav_proxy.rewrite(dropped, "GET")
        with pytest.raises(Fatal, match="drops the property"):
            sink.create(an_event())
        assert calendar.items() == []


class TestForeignItems:
    @pytest.mark.parametrize("status", [400, 403, 500])
    def test_an_item_that_the_server_cannot_show_holds_up_no_other_and_is_asked_for_again(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar, status: int
    ) -> None:
        created = sink.create(an_event(1))
        DavDesk(calendar).add("broken.ics", FOREIGN % "x")
        hidden = sink.create(an_event(2))
        name = hidden.href.rpartition("/")[2]
        missing = body(
            lambda text: re.sub(rb"<response>(?:(?!</response>).)*VCALENDAR.*?</response>", b"", text, flags=re.S)
        )
        dav_proxy.rewrite(missing, "REPORT")
        dav_proxy.answer(status, "GET", "broken", times=None)
        dav_proxy.answer(status, "GET", re.escape(name))
        first = sink.changes(None)
        assert [found.uid for found in first.found] == [created.uid]
        second = sink.changes(first.cursor)
        assert [found.uid for found in second.found] == [hidden.uid]
        assert second.gone == ()

    def test_a_calendar_of_huge_items_is_read_in_smaller_pieces(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.dav.ANSWER_LIMIT", 100_000)
        created = sink.create(an_event())
        desk = DavDesk(calendar)
        for number in range(3):
            desk.add(f"picture{number}.ics", (FOREIGN % ("x" * 60_000)).replace("UID:", f"UID:{number}"))
        desk.add("film.ics", (FOREIGN % ("x" * 150_000)).replace("UID:", "UID:f"))
        assert [found.uid for found in sink.changes(None).found] == [created.uid]


class TestLists:
    def test_a_server_that_wants_to_be_asked_for_less_is_not_full(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        """RFC 6578 section 3.3: 507 to a list of changes that is longer than the server hands out."""
        created = sink.create(an_event())

        def too_many(request: Request, response: Response) -> Response:
            is_asked = b"sync-collection" in request.body
            return Response(507, {}, error("number-of-matches-within-limits")) if is_asked else response

        dav_proxy.rewrite(too_many, "REPORT")
        assert [found.uid for found in sink.changes(None).found] == [created.uid]

    def test_what_changes_in_the_second_of_a_reading_is_seen_by_the_next(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        """SOGo's version of a whole calendar is a time in whole seconds."""
        dav_proxy.answer(501, "REPORT", times=None)
        dav_proxy.rewrite(body(lambda text: re.sub(rb"(getctag>)[^<]*<", rb"\g<1>1790000000<", text)), "PROPFIND")
        created = sink.create(an_event())
        cursor = sink.changes(None).cursor
        desk = DavDesk(calendar)
        desk.replace(created, desk.text(created).replace("SUMMARY:Waiting", "SUMMARY:Mine"))
        assert [found.title[:4] for found in sink.changes(cursor).found] == ["Mine"]

    def test_a_calendar_that_has_moved_on_its_server_is_used_where_it_is_now(
        self, calendar: DavCalendar, dav_proxy: HttpProxy
    ) -> None:
        """Its items are listed under another name than the configured one."""
        there = urlsplit(calendar.url).path

        def moved(request: Request, response: Response) -> Response:
            target = there + request.path.removeprefix("/old/")
            return replace(response, status=308, headers={**response.headers, "Location": target}, body=b"")

        dav_proxy.rewrite(moved, path="^/old/")
        through = calendar.through(dav_proxy.port)
        sink = CalDavSink(access(replace(through, url=through.url.replace(there, "/old/"))))
        created = sink.create(an_event())
        first = sink.changes(None)
        assert [found.uid for found in first.found] == [created.uid]
        updated = sink.update(an_event(title="New"), first.found[0])
        again = CalDavSink(access(replace(through, url=through.url.replace(there, "/old/"))))
        assert [found.title for found in again.changes(first.cursor).found] == ["New"]
        again.delete(updated)
        assert again.changes(first.cursor).gone == (updated.href,)


class TestAppointments:
    WINDOW = Window(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 5, 1, tzinfo=UTC), zone="Europe/Berlin")

    def test_an_appointment_made_in_the_second_of_a_reading_is_seen_by_the_next(
        self, calendar: DavCalendar, dav_proxy: HttpProxy
    ) -> None:
        dav_proxy.rewrite(body(lambda text: re.sub(rb"(getctag>)[^<]*<", rb"\g<1>1790000000<", text)), "PROPFIND")
        source = open_meetings(access(calendar.through(dav_proxy.port)))
        first = source.meetings(None, self.WINDOW, ())
        DavDesk(calendar).add("dentist.ics", FOREIGN % "x")
        second = source.meetings(first.cursor, self.WINDOW, ())
        assert [one.href.rpartition("/")[2] for one in second.found] == ["dentist.ics"]

    def test_huge_appointments_are_read_in_smaller_pieces(
        self, calendar: DavCalendar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.dav.ANSWER_LIMIT", 100_000)
        desk = DavDesk(calendar)
        for number, size in enumerate((60_000, 60_000, 150_000)):
            desk.add(f"{number}.ics", (FOREIGN % ("x" * size)).replace("UID:", f"UID:{number}"))
        found = open_meetings(access(calendar)).meetings(None, self.WINDOW, ()).found
        assert sorted(one.href.rpartition("/")[2] for one in found) == ["0.ics", "1.ics"]


class TestDiscovery:
    @pytest.mark.parametrize("start", ["/", "/{user}/"], ids=["server", "account"])
    def test_the_calendars_of_an_account_are_found_from_any_address_of_it(
        self, radicale: Radicale, calendar: DavCalendar, start: str
    ) -> None:
        other = radicale.calendar(name="other", username=calendar.username)
        url = radicale.url + start.format(user=calendar.username)
        offered = {(one.url, one.name) for one in calendars(client(url, calendar), url)}
        assert offered == {(calendar.url, "Reminders"), (other.url, "Reminders")}

    def test_where_no_principal_is_told_the_well_known_address_leads_to_them(
        self, calendar: DavCalendar, dav_proxy: HttpProxy
    ) -> None:
        dav_proxy.answer(404, path="^/$")
        through = calendar.through(dav_proxy.port)
        url = f"http://127.0.0.1:{dav_proxy.port}/"
        assert [one.url for one in calendars(client(url, calendar), url)] == [through.url]
        assert any(request.path == "/.well-known/caldav" for request in dav_proxy.requests)

    def test_a_server_that_leads_nowhere_offers_nothing(self, calendar: DavCalendar, dav_proxy: HttpProxy) -> None:
        dav_proxy.answer(405, times=None)
        url = calendar.through(dav_proxy.port).url
        assert calendars(client(url, calendar), url) == ()


class TestSessions:
    def test_a_session_of_the_servers_own_that_ended_is_no_wrong_password(
        self, sink: CalDavSink, dav_proxy: HttpProxy
    ) -> None:
        created = sink.create(an_event())

        def with_session(request: Request, response: Response) -> Response:
            if "cookie" in request.headers:
                return replace(response, status=401, body=b"")
            return replace(response, headers={**response.headers, "Set-Cookie": "session=1; Path=/"})

        dav_proxy.rewrite(with_session)
        assert [found.uid for found in sink.changes(None).found] == [created.uid]

    def test_a_wrong_password_is_tried_once_though_its_refusal_begins_a_session(
        self, sink: CalDavSink, dav_proxy: HttpProxy
    ) -> None:
        dav_proxy.answer(401, headers={"Set-Cookie": "session=1; Path=/"}, times=None)
        with pytest.raises(NeedsSignIn):
            sink.changes(None)
        assert len(dav_proxy.requests) == 1

    def test_a_password_may_have_any_letters(self, radicale: Radicale, monkeypatch: pytest.MonkeyPatch) -> None:
        calendar = radicale.calendar(password="pässwört €")
        monkeypatch.setenv("DAV_PASSWORD", calendar.password)
        assert CalDavSink(access(calendar)).create(an_event()).uid == an_event().uid
