"""What the filters skip of a contact's mail, and the signal that stays of it."""

from dataclasses import replace

import pytest

from connectors.message import Flags, Message
from matchers.chain import MatchPolicy, late_skip
from matchers.contact import ThreadView
from matchers.match import Reason
from tests.unit.test_match_chain import BOB, ZOE, contacts, decide, mail, skipped
from tests.unit.test_match_filters import REPORT


def test_a_crowd_is_bulk_unless_a_contact_wrote_it() -> None:
    crowd = " ".join(f"p{n}@else.example" for n in range(120)) + " bob@cust.example"
    assert skipped(decide(mail("stranger@else.example", crowd))).reason is Reason.BULK
    assert skipped(decide(mail("me@ourfirm.example", crowd))).reason is Reason.BULK
    assert contacts(decide(mail("zoe@gmail.com", crowd))) == ["zoe", "bob"]


def test_an_automatic_reply_of_a_contact_leaves_a_signal() -> None:
    skip = skipped(decide(mail("bob@cust.example", headers={"auto-submitted": "auto-replied"})))
    assert skip.reason is Reason.AUTO_REPLY
    assert [(s.kind, s.contact_id) for s in skip.signals] == [("auto-reply", "bob")]


def test_our_own_automatic_reply_is_no_signal_of_the_contact() -> None:
    skip = skipped(decide(mail("me@ourfirm.example", "bob@cust.example", headers={"auto-submitted": "auto-replied"})))
    assert (skip.reason, skip.signals) == (Reason.AUTO_REPLY, ())


def test_a_bounce_leaves_a_signal_for_whom_it_could_not_reach() -> None:
    headers = {"x-failed-recipients": "eve@cust.example", "return-path": "<>"}
    skip = skipped(decide(mail("mailer-daemon@ourfirm.example", headers=headers)))
    assert skip.reason is Reason.BOUNCE
    assert [(s.kind, s.contact_id) for s in skip.signals] == [("bounce", "eve")]


def test_a_bounce_that_names_nobody_is_about_the_one_contact_of_its_thread() -> None:
    thread = ThreadView(thread_id="t", contacts=(BOB,))
    envelope = mail("postmaster@ourfirm.example", headers={"content-type": REPORT.format("delivery-status")})
    assert [s.contact_id for s in skipped(decide(envelope, thread=thread)).signals] == ["bob"]
    two = ThreadView(thread_id="t", contacts=(BOB, ZOE))
    assert skipped(decide(envelope, thread=two)).signals == ()


def test_a_bounce_for_a_stranger_is_no_signal_about_the_threads_contact() -> None:
    headers = {"x-failed-recipients": "stranger@else.example"}
    thread = ThreadView(thread_id="t", contacts=(BOB,))
    skip = skipped(decide(mail("mailer-daemon@x.example", headers=headers), thread=thread))
    assert (skip.reason, skip.signals) == (Reason.BOUNCE, ())


def test_a_delayed_delivery_is_no_signal_yet() -> None:
    headers = {"x-failed-recipients": "bob@cust.example", "content-type": REPORT.format("delivery-status")}
    skip = skipped(
        decide(mail("mailer-daemon@x.example", headers=headers, subject="Delayed Mail (still being retried)"))
    )
    assert (skip.reason, skip.signals) == (Reason.BOUNCE, ())


@pytest.mark.parametrize("reason", [Reason.BULK, Reason.AUTO_REPLY, Reason.BOUNCE])
def test_a_filter_the_policy_leaves_out_skips_nothing(reason: Reason) -> None:
    headers = {
        Reason.BULK: {"list-id": "<x>"},
        Reason.AUTO_REPLY: {"auto-submitted": "auto-replied", "precedence": "bulk"},
        Reason.BOUNCE: {
            "return-path": "<>",
            "auto-submitted": "auto-replied",
            "x-failed-recipients": "eve@cust.example",
        },
    }[reason]
    envelope = mail("bob@cust.example", headers=headers)
    assert skipped(decide(envelope)).reason is reason
    assert "bob" in contacts(decide(envelope, policy=MatchPolicy(skip=frozenset(Reason) - {reason})))


def test_an_automatic_mail_of_a_list_is_bulk_where_auto_replies_are_kept() -> None:
    envelope = mail("bob@cust.example", headers={"auto-submitted": "auto-generated", "list-id": "<x>"})
    keep = MatchPolicy(skip=frozenset({Reason.BULK}))
    assert skipped(decide(envelope, policy=keep)).reason is Reason.BULK


def test_a_body_that_shows_an_invitation_takes_the_mail_back() -> None:
    envelope = mail("bob@cust.example")
    decision = decide(envelope)
    invitation = Message(id="1", calendar_method="REQUEST")
    skip = late_skip(envelope, invitation, decision, MatchPolicy())
    assert skip is not None
    assert skip.reason is Reason.CALENDAR
    asked = replace(envelope, flags=Flags(categories=frozenset({"CRM"})))
    assert late_skip(asked, invitation, decision, MatchPolicy()) is None
    assert late_skip(envelope, Message(id="1", text="hi"), decision, MatchPolicy()) is None


def test_a_body_that_shows_a_bounce_leaves_its_signal_where_bounces_are_skipped() -> None:
    envelope = mail("bob@cust.example")
    report = Message(id="1", report="delivery-status")
    skip = late_skip(envelope, report, decide(envelope), MatchPolicy())
    assert skip is not None
    assert [s.contact_id for s in skip.signals] == ["bob"]
    assert late_skip(envelope, report, decide(envelope), MatchPolicy(skip=frozenset())) is None
