"""Machine mail is told from headers alone, as one kind: the first of calendar, receipt, bounce, auto-reply, bulk."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.message import Address, Envelope, Message
from connectors.mime.header import HEADER_FIELDS
from matchers.filters import FILTER_HEADERS, late, sign_of
from matchers.match import Reason

CALM = settings(deadline=None)
"""The suffix list is read at first use, and machines are busy: time is no fault here."""

REPORT = "multipart/report; report-type={}; boundary=x"


def envelope(headers: dict[str, str], sender: str = "bob@cust.example", subject: str = "Hello") -> Envelope:
    return Envelope(id="1", from_=(Address(address=sender),), subject=subject, headers=headers)


def kind(headers: dict[str, str], sender: str = "bob@cust.example", subject: str = "Hello") -> Reason | None:
    sign = sign_of(envelope(headers, sender, subject))
    return sign.reason if sign else None


def test_connectors_fetch_every_header_that_filters_read() -> None:
    assert {name.lower() for name in HEADER_FIELDS} >= FILTER_HEADERS


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"auto-submitted": "no"},
        {"auto-submitted": "No; owner=x"},
        {"x-auto-response-suppress": "All"},
        {"precedence": "first-class"},
        {"return-path": "<bob@cust.example>"},
        {"content-type": "multipart/mixed; boundary=list"},
        {"content-type": "text/calendar; method=PUBLISH"},
        {"x-failed-recipients": "anna@cust.example"},
        {"x-autoreply": "no"},
    ],
)
def test_mail_of_people_bears_no_sign(headers: dict[str, str]) -> None:
    assert kind(headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"list-id": "<news.cust.example>"},
        {"list-unsubscribe": "<mailto:x@y>"},
        {"precedence": "Bulk"},
        {"precedence": "list"},
        {"precedence": " junk "},
    ],
)
def test_lists_are_bulk(headers: dict[str, str]) -> None:
    assert kind(headers) is Reason.BULK


@pytest.mark.parametrize(
    "headers",
    [
        {"auto-submitted": "auto-replied"},
        {"auto-submitted": "auto-generated; x=y", "list-id": "<x>"},
        {"x-autoreply": "yes"},
        {"x-autorespond": ""} | {"x-autoreply": "1"},
        {"precedence": "auto_reply"},
        {"return-path": "<>"},
        {"return-path": " < > "},
        {"auto-submitted": "auto-replied", "precedence": "bulk"},
    ],
)
def test_answers_of_machines_are_auto_replies(headers: dict[str, str]) -> None:
    assert kind(headers) is Reason.AUTO_REPLY


@pytest.mark.parametrize(
    ("headers", "sender", "subject"),
    [
        ({}, "MAILER-DAEMON@mx.example", "Hello"),
        ({"content-type": REPORT.format("delivery-status")}, "x@y.example", "Hello"),
        ({"return-path": "<>"}, "Postmaster@cust.example", "Hello"),
        ({"auto-submitted": "auto-replied"}, "postmaster@cust.example", "Hello"),
        ({"x-failed-recipients": "a@b", "return-path": "<>"}, "x@y.example", "Hello"),
        ({"return-path": "<>"}, "x@y.example", "Undeliverable: offer"),
        ({"return-path": "<>"}, "x@y.example", "Unzustellbar: Angebot"),
        ({"return-path": "<x@y.example>"}, "Postmaster@y.example", "Undeliverable: offer"),
        ({"precedence": "bulk"}, "postmaster@y.example", "DELIVERY FAILURE: no such user"),
        ({}, "postmaster@y.example", "Delivery Status Notification (Failure)"),
        ({"return-path": "<>", "precedence": "bulk", "list-id": "<x>"}, "mailer-daemon@x.example", "Hello"),
    ],
)
def test_returned_mail_is_a_bounce(headers: dict[str, str], sender: str, subject: str) -> None:
    assert kind(headers, sender, subject) is Reason.BOUNCE


@pytest.mark.parametrize(
    "subject",
    [
        *("Automatic reply: x", "Réponse automatique : x", "自动答复：x", "ABWESENHEITSNOTIZ: x", "Autosvar: x"),
        *(
            "AUTO: Doe, Jane is out of the office. (returning 03/09/2026)",
            "AUTO: Jane Doe ist außer Haus (Rückkehr 9.3.)",
        ),
    ],
)
def test_what_only_servers_write_over_a_reply_needs_no_header(subject: str) -> None:
    assert kind({}, subject=subject) is Reason.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        *("Re: Automatic reply: x", "Automatic reply machines: x", "Out of office: my week", "Autosvaret", ""),
        *(
            "AUTO: new car for the office (from 03/09/2026)",
            "Auto: Jane is out of the office",
            "Re: AUTO: is out of the office",
        ),
    ],
)
def test_people_may_speak_of_automatic_replies(subject: str) -> None:
    assert kind({}, subject=subject) is None


@pytest.mark.parametrize(
    "subject", ["Niedostarczone: oferta", "Не удается доставить: x", "无法送达: x", "Kan inte levereras: x"]
)
def test_returned_mail_is_told_in_many_languages(subject: str) -> None:
    assert kind({"return-path": "<>"}, subject=subject) is Reason.BOUNCE


def test_a_person_called_postmaster_may_write() -> None:
    for subject in ("Hello", "Re: Undeliverable: offer", "Our returned mail"):
        assert kind({"return-path": "<postmaster@cust.example>"}, "postmaster@cust.example", subject) is None


BARE = ("postmaster@y.example", "MDaemon@y.example")


@pytest.mark.parametrize("sender", BARE)
@pytest.mark.parametrize(
    "subject",
    [
        *("Undeliverable: offer", "Undelivered Mail Returned to Sender", "Returned mail: see transcript for details"),
        *("Permanent Delivery Failure", "MDaemon Warning - delivery failed", "Message undeliverable", "failure notice"),
        *("Mail could not be delivered", "UNZUSTELLBARE NACHRICHT: Angebot", "Non remis : Offre", "配信不能: 見積"),
    ],
)
def test_what_mail_servers_write_over_returned_mail_needs_no_header(sender: str, subject: str) -> None:
    assert kind({}, sender, subject) is Reason.BOUNCE
    assert kind({}, sender, f"Re: {subject}") is None


@pytest.mark.parametrize("subject", ["Delivery failure at our site, sorry", "Undeliverable mails last week"])
def test_a_postmaster_may_write_of_returned_mail_in_words_of_his_own(subject: str) -> None:
    assert kind({}, "postmaster@cust.example", subject) is None


@pytest.mark.parametrize(
    "personal",
    [
        {"from_": (Address(address="postmaster@cust.example", name="Kurt"),)},
        {"references": ("offer@ourfirm.example",)},
        {"in_reply_to": ("offer@ourfirm.example",)},
        {"cc": (Address(address="bob@cust.example"),)},
        {"to": (Address(address="me@ourfirm.example"), Address(address="bob@cust.example"))},
    ],
)
def test_a_postmasters_letter_to_people_or_in_answer_is_mail_whatever_stands_over_it(personal: dict[str, Any]) -> None:
    plain = envelope({}, "postmaster@cust.example", "Undeliverable: offer")
    assert sign_of(plain) is not None
    assert sign_of(replace(plain, **personal)) is None


@pytest.mark.parametrize("name", ["MAILER-DAEMON", "Mail Delivery Subsystem"])
def test_a_daemon_without_an_address_is_one(name: str) -> None:
    """Old servers write `From: MAILER-DAEMON`."""
    bounce = replace(envelope({}), from_=(Address(address="", name=name),))
    assert (sign := sign_of(bounce)) is not None and sign.reason is Reason.BOUNCE


def test_a_subject_alone_is_no_bounce() -> None:
    assert kind({"return-path": "<bob@cust.example>"}, subject="Undeliverable: what now?") is None


def test_read_receipts_are_no_bounces_although_machines_send_them() -> None:
    headers = {
        "content-type": REPORT.format('"disposition-notification"'),
        "return-path": "<>",
        "auto-submitted": "auto-replied",
    }
    assert kind(headers) is Reason.RECEIPT


@pytest.mark.parametrize("subject", ["Successful Mail Delivery Report", "Delivered: offer", "Zugestellt: Angebot"])
def test_reports_of_delivered_mail_are_receipts(subject: str) -> None:
    assert kind({"content-type": REPORT.format("delivery-status")}, "postmaster@x.example", subject) is Reason.RECEIPT


@pytest.mark.parametrize("subject", ["Delayed Mail (still being retried)", "Delivery Status Notification (Delay)"])
def test_a_delay_is_a_bounce_that_is_not_final(subject: str) -> None:
    sign = sign_of(envelope({"content-type": REPORT.format("delivery-status")}, "mailer-daemon@x.example", subject))
    assert sign is not None
    assert (sign.reason, sign.final) == (Reason.BOUNCE, False)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/calendar; charset=utf-8; method=REQUEST"},
        {"content-type": 'text/calendar; method="reply"'},
        {"content-type": "text/calendar"},
        {"content-class": "urn:content-classes:calendarmessage", "auto-submitted": "auto-generated"},
        {"x-ms-exchange-calendar-originator-id": "x"},
    ],
)
def test_invitations_and_their_answers_are_calendar_mail(headers: dict[str, str]) -> None:
    assert kind(headers) is Reason.CALENDAR


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message(id="1", calendar_method="REQUEST"), Reason.CALENDAR),
        (Message(id="1", calendar_method="publish"), None),
        (Message(id="1", report="disposition-notification"), Reason.RECEIPT),
        (Message(id="1", report="delivery-status"), Reason.BOUNCE),
        (Message(id="1", report="feedback-report"), None),
        (Message(id="1", text="hello"), None),
    ],
)
def test_a_body_shows_what_its_header_hid(message: Message, reason: Reason | None) -> None:
    sign = late(message)
    assert (sign.reason if sign else None) is reason


@given(
    st.dictionaries(st.sampled_from(sorted(FILTER_HEADERS)), st.text(max_size=60), max_size=6),
    st.text(max_size=40),
    st.text(max_size=40),
)
@CALM
def test_no_header_raises_and_evidence_quotes_none(headers: dict[str, str], sender: str, subject: str) -> None:
    plain = sign_of(envelope(headers, sender, subject))
    marked = sign_of(envelope(headers, sender, subject + "\0secret"))
    assert plain is None or marked is None or "secret" not in marked.evidence
    assert (plain is None) == (marked is None)
