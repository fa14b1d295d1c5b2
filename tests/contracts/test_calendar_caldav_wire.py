"""What CalDAV servers and the wire do differently: lost answers, odd answers, hostile answers."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from connectors.caldav import CalDavSink
from connectors.errors import Conflict, ConnectorError, Fatal, NeedsSignIn, Retriable, Skippable
from tests.contracts.calendar_sink import an_event, meaning
from tests.contracts.dav import DavDesk, calendar, sink
from tests.servers.http_proxy import HttpProxy, Request, Response
from tests.servers.radicale import DavCalendar

__all__ = ["calendar", "sink"]


def without(*names: str) -> Callable[[Request, Response], Response]:
    """An answer without these headers."""

    def change(request: Request, response: Response) -> Response:
        kept = {name: value for name, value in response.headers.items() if name.lower() not in names}
        return replace(response, headers=kept)

    return change


def weakened(request: Request, response: Response) -> Response:
    """Every ETag made weak, on a server that compares them as it should."""
    headers = {name: f"W/{value}" if name.lower() == "etag" else value for name, value in response.headers.items()}
    if request.headers.get("if-match", "").startswith("W/"):
        return Response(412, {}, b"")
    return replace(response, headers=headers, body=response.body.replace(b"<getetag>", b"<getetag>W/"))


def without_etags_in_listings(request: Request, response: Response) -> Response:
    return replace(response, body=re.sub(rb"<getetag>.*?</getetag>", b"", response.body))


class TestLostAnswers:
    def test_a_create_whose_answer_was_lost_has_happened_and_is_found(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        dav_proxy.lose_answer("PUT")
        with pytest.raises(Retriable):
            sink.create(an_event())
        found = sink.find(an_event().uid)
        assert found is not None
        assert found.title == an_event().title
        with pytest.raises(Conflict):
            sink.create(an_event())
        assert len(calendar.items()) == 1

    def test_a_create_that_was_lost_on_the_way_can_be_repeated(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        dav_proxy.lose_request("PUT")
        with pytest.raises(Retriable):
            sink.create(an_event())
        assert sink.find(an_event().uid) is None
        assert sink.create(an_event()).uid == an_event().uid

    def test_an_update_whose_answer_was_lost_conflicts_when_repeated(
        self, sink: CalDavSink, dav_proxy: HttpProxy
    ) -> None:
        created = sink.create(an_event())
        dav_proxy.lose_answer("PUT")
        with pytest.raises(Retriable):
            sink.update(an_event(title="New"), created)
        with pytest.raises(Conflict):
            sink.update(an_event(title="New"), created)
        found = sink.find(created.uid)
        assert found is not None
        assert found.title == "New"

    def test_a_delete_whose_answer_was_lost_is_no_error_when_repeated(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        created = sink.create(an_event())
        dav_proxy.lose_answer("DELETE")
        with pytest.raises(Retriable):
            sink.delete(created)
        sink.delete(created)
        assert calendar.items() == []

    def test_a_user_who_saves_between_our_look_and_our_write_wins(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        created = sink.create(an_event())
        desk = DavDesk(calendar)
        text = desk.text(created).replace("SUMMARY:Waiting", "SUMMARY:Mine")
        dav_proxy.on_request(lambda: desk.replace(created, text), "PUT")
        with pytest.raises(Conflict):
            sink.update(an_event(title="Ours"), created)
        found = sink.find(created.uid)
        assert found is not None
        assert found.title.startswith("Mine")


class TestStatuses:
    @pytest.mark.parametrize("status", [408, 423, 429, 500, 502, 503, 504, 507])
    def test_what_may_pass_is_retriable_and_the_wait_asked_for_is_told(
        self, sink: CalDavSink, dav_proxy: HttpProxy, status: int
    ) -> None:
        dav_proxy.answer(status, "PUT", headers={"Retry-After": "7"})
        with pytest.raises(Retriable) as caught:
            sink.create(an_event())
        assert caught.value.after == (3600 if status == 507 else 7)

    @pytest.mark.parametrize(
        ("asked", "expected"), [("99999999999999999999", 3600), ("soon", None), ("", None), ("-5", None)]
    )
    def test_a_senseless_wait_is_bounded_or_ignored(
        self, sink: CalDavSink, dav_proxy: HttpProxy, asked: str, expected: float | None
    ) -> None:
        dav_proxy.answer(503, headers={"Retry-After": asked})
        with pytest.raises(Retriable) as caught:
            sink.changes(None)
        assert caught.value.after == expected

    def test_a_wait_may_be_a_date(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        dav_proxy.answer(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
        with pytest.raises(Retriable) as caught:
            sink.changes(None)
        assert caught.value.after == 0

    @pytest.mark.parametrize("method", ["PUT", "GET", "PROPFIND"])
    def test_a_calendar_that_may_not_be_used_is_fatal(
        self, sink: CalDavSink, dav_proxy: HttpProxy, method: str
    ) -> None:
        dav_proxy.answer(403, method, times=None)
        with pytest.raises(Fatal) as caught:
            sink.changes(None) if method == "PROPFIND" else sink.create(an_event())
        assert "right" in caught.value.advice

    def test_a_refusal_wrapped_in_a_multistatus_is_a_conflict(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        body = (
            b'<multistatus xmlns="DAV:"><response><href>/x</href>'
            b"<status>HTTP/1.1 412 Precondition Failed</status></response></multistatus>"
        )
        dav_proxy.answer(207, "PUT", body=body)
        with pytest.raises(Conflict):
            sink.create(an_event())

    @pytest.mark.parametrize("precondition", ["no-uid-conflict", "unique-scheduling-object-resource"])
    def test_an_uid_that_stands_in_another_calendar_of_the_account_is_a_conflict(
        self, sink: CalDavSink, dav_proxy: HttpProxy, precondition: str
    ) -> None:
        """As Cyrus says it: the user has moved the item there, and the account lacks no right."""
        error = f'<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:{precondition}/></d:error>'
        dav_proxy.answer(403, "PUT", body=error.encode())
        with pytest.raises(Conflict):
            sink.create(an_event())

    def test_one_item_that_the_server_refuses_is_skipped(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        dav_proxy.answer(415, "PUT")
        with pytest.raises(Skippable):
            sink.create(an_event())
        assert sink.create(an_event(2)).uid == an_event(2).uid

    def test_a_server_that_wants_digest_gets_it_once(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        challenge = {"WWW-Authenticate": 'Digest realm="x", nonce="abc", qop="auth", algorithm=MD5'}
        dav_proxy.answer(401, headers=challenge, times=None)
        with pytest.raises(NeedsSignIn):
            sink.changes(None)
        sent = [request.headers.get("authorization", "").split(" ")[0] for request in dav_proxy.requests]
        assert sent[0] == "Basic"
        assert "Digest" in sent
        assert len(sent) <= 4


class TestOddServers:
    def test_without_an_etag_after_a_write_the_item_is_read_again(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        dav_proxy.rewrite(without("etag"), "PUT")
        created = sink.create(an_event())
        assert created.etag
        assert meaning(sink.update(an_event(title="New"), created)) == meaning(sink.find(created.uid))

    def test_a_server_that_knows_no_if_none_match_makes_nothing_twice(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        sink.create(an_event())
        dav_proxy.reset_counters()
        with pytest.raises(Conflict):
            sink.create(an_event(title="Again"))
        assert dav_proxy.methods["PUT"] == 0

    def test_a_server_that_deletes_whatever_the_condition_says_removes_no_edit(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        """As SOGo does, which knows the condition of a PUT only."""
        created = sink.create(an_event())
        desk = DavDesk(calendar)
        desk.replace(created, desk.text(created).replace("Note:", "Note:\\nShe calls back"))
        with pytest.raises(Conflict):
            sink.delete(created)
        assert dav_proxy.methods["DELETE"] == 0

    def test_weak_etags_hold_up_no_write(self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar) -> None:
        """They never fulfil If-Match; what compresses answers on their way makes them."""
        dav_proxy.rewrite(weakened)
        created = sink.create(an_event())
        cursor = sink.changes(None).cursor
        updated = sink.update(an_event(title="New"), created)
        assert [found.title for found in sink.changes(cursor).found] == ["New"]
        desk = DavDesk(calendar)
        desk.replace(updated, desk.text(updated).replace("SUMMARY:New", "SUMMARY:Mine"))
        with pytest.raises(Conflict):
            sink.update(an_event(title="Newer"), updated)
        found = sink.find(updated.uid)
        assert found is not None
        sink.delete(found)
        assert calendar.items() == []

    def test_without_any_etag_items_are_written_and_read_all_the_same(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        dav_proxy.rewrite(without("etag"))
        dav_proxy.rewrite(without_etags_in_listings)
        dav_proxy.answer(501, "REPORT", times=None)
        created = sink.create(an_event())
        cursor = sink.changes(None).cursor
        updated = sink.update(an_event(title="New"), created)
        assert [found.title for found in sink.changes(cursor).found] == ["New"]
        sink.delete(updated)
        assert sink.changes(cursor).gone == (created.href,)

    def test_a_forgotten_token_means_everything(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        created = sink.create(an_event())
        cursor = sink.changes(None).cursor
        body = b'<error xmlns="DAV:"><valid-sync-token/></error>'
        dav_proxy.answer(403, "REPORT", body=body)
        changes = sink.changes(cursor)
        assert changes.complete
        assert [found.uid for found in changes.found] == [created.uid]

    def test_a_server_without_multiget_is_asked_item_by_item(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        created = [sink.create(an_event(number)).uid for number in range(3)]

        def refuse(request: Request, response: Response) -> Response:
            return Response(501, {}, b"") if b"multiget" in request.body else response

        dav_proxy.rewrite(refuse, "REPORT")
        assert {found.uid for found in sink.changes(None).found} == set(created)

    def test_a_hiccup_on_one_item_is_no_deletion(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        created = sink.create(an_event())

        def hiccup(request: Request, response: Response) -> Response:
            body = response.body
            if b"multiget" in request.body:
                body = body.replace(b"200 OK", b"500 Oops")
            return replace(response, body=body)

        dav_proxy.rewrite(hiccup, "REPORT")
        assert [found.uid for found in sink.changes(None).found] == [created.uid]

    def test_a_long_list_of_changes_is_read_to_its_end(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        created = sink.create(an_event())
        more = b"<response><href>%s</href><status>HTTP/1.1 507 More</status></response></multistatus>"

        def cut(request: Request, response: Response) -> Response:
            if b"sync-collection" not in request.body or b"<d:sync-token></d:sync-token>" not in request.body:
                return response
            own = more % request.path.encode()
            body = b'<multistatus xmlns="DAV:">' + own.replace(b"</multistatus>", _token(response) + b"</multistatus>")
            return replace(response, body=body)

        first = sink.changes(None)
        assert [found.uid for found in first.found] == [created.uid]
        dav_proxy.rewrite(cut, "REPORT")
        sink.changes(None)
        asked = [request for request in dav_proxy.requests if b"sync-collection" in request.body]
        assert len(asked) == 3

    def test_broken_and_foreign_items_block_nothing(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        created = sink.create(an_event())

        def spoil(request: Request, response: Response) -> Response:
            extra = (
                b'<response><href>%sbroken.ics</href><propstat><prop><getetag>"x"</getetag></prop>'
                b"<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
            )
            path = request.path.encode()
            if b"sync-collection" not in request.body:
                return response
            body = response.body.replace(b"</multistatus>", extra % path)
            return replace(response, body=body)

        dav_proxy.rewrite(spoil, "REPORT")
        dav_proxy.answer(200, "GET", "broken", body=b"BEGIN:VCALENDAR\r\nX-CRM-REMINDER", times=None)
        assert [found.uid for found in sink.changes(None).found] == [created.uid]


def _token(response: Response) -> bytes:
    start, end = response.body.find(b"<sync-token>"), response.body.find(b"</sync-token>")
    return response.body[start : end + len(b"</sync-token>")]


class TestHostileServers:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<",
            b"not xml",
            b"\xff\xfe\x00",
            b'<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>',
            b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x"><a/>',
            '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>'.encode("utf-16"),
            b'<?xml version="1.0" encoding="no-such-charset"?><a/>',
        ],
    )
    def test_an_answer_that_is_no_plain_xml_is_refused(
        self, sink: CalDavSink, dav_proxy: HttpProxy, body: bytes
    ) -> None:
        dav_proxy.answer(207, "PROPFIND", body=body)
        with pytest.raises(ConnectorError):
            sink.changes(None)

    @pytest.mark.parametrize(
        "target", ["http://127.0.0.1:9/", "https://127.0.0.1/", "//evil.example/", "file:///etc/passwd", "http://[bad"]
    )
    def test_credentials_never_follow_a_redirect_to_another_server(
        self, sink: CalDavSink, dav_proxy: HttpProxy, target: str
    ) -> None:
        dav_proxy.answer(302, headers={"Location": target})
        with pytest.raises(ConnectorError):
            sink.changes(None)
        assert len(dav_proxy.requests) == 1

    def test_a_redirect_on_the_same_server_is_followed(
        self, sink: CalDavSink, dav_proxy: HttpProxy, calendar: DavCalendar
    ) -> None:
        path = calendar.through(dav_proxy.port).url
        dav_proxy.answer(301, "PROPFIND", headers={"Location": path})
        assert sink.changes(None).complete

    def test_a_redirect_in_a_circle_ends(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        dav_proxy.answer(302, headers={"Location": "/again/"}, times=None)
        with pytest.raises(Fatal, match="circle"):
            sink.changes(None)
        assert len(dav_proxy.requests) < 10

    def test_an_href_on_another_server_is_never_asked(self, sink: CalDavSink) -> None:
        created = sink.create(an_event())
        with pytest.raises(ConnectorError):
            sink.delete(replace(created, href="//127.0.0.1:9/x.ics"))

    def test_hrefs_outside_the_calendar_are_ignored(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        extra = (
            b'<response><href>/other/secret.ics</href><propstat><prop><getetag>"x"</getetag></prop>'
            b"<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
        )

        def spoil(request: Request, response: Response) -> Response:
            return replace(response, body=response.body.replace(b"</multistatus>", extra))

        dav_proxy.rewrite(spoil, "REPORT")
        assert sink.changes(None).found == ()
        assert all("/other/" not in request.path for request in dav_proxy.requests)

    def test_an_answer_without_end_is_cut_off(
        self, sink: CalDavSink, dav_proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.dav.ANSWER_LIMIT", 100_000)
        dav_proxy.answer(207, "PROPFIND", body=b"<a>" + b" " * 1_000_000)
        with pytest.raises(Retriable, match="longer"):
            sink.changes(None)

    def test_a_server_that_never_answers_is_given_up(self, sink: CalDavSink, dav_proxy: HttpProxy) -> None:
        dav_proxy.on_request(lambda: time.sleep(3), "PROPFIND")
        with pytest.raises(Retriable, match="in time"):
            sink.changes(None)
