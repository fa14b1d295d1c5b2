"""Whom a text names: who wrote what was forwarded, and whom returned mail did not reach; in bounded time."""

from typing import Any

import pytest

from connectors.message import Envelope
from matchers.chain import MatchPolicy, read_heading
from matchers.contact import ThreadView
from matchers.inside import (
    LONGEST_TEXT,
    MOST_BLOCKS,
    MOST_FAILED,
    above_quotes,
    failed_addresses,
    forwarded_senders,
    is_forward,
)
from matchers.late import decide_by_text, named, wants_text
from matchers.match import Decision, Reason, Review, Signal, Skip
from tests.unit.test_match_chain import BOB, OWN, PEOPLE, decide, mail, skipped

GMAIL = """Can you take this one?

---------- Forwarded message ---------
From: Bob Birch <bob@cust.example>
Date: Mon, 4 May 2026 at 10:00
Subject: Offer
To: Anna <anna@ourfirm.example>

Hello, from: nobody@else.example is a word of mine.
"""
OUTLOOK = """
________________________________
Von: Bob Birch [mailto:bob@cust.example]
Gesendet: Montag, 4. Mai 2026 10:00
An: Anna
Betreff: Angebot

Hallo
"""
APPLE = """
Début du message transféré :

> De: Bob Birch <bob@cust.example>
> Objet: Offre
> Date: 4 mai 2026
>
> Bonjour
"""
BOLD = "*From:* Bob Birch <bob@cust.example<mailto:bob@cust.example>>\r\n*Sent:* Monday\r\n*To:* Anna\r\n"
CHINESE = "发件人：Bob <bob@cust.example>\n发送时间：2026年5月4日\n收件人：Anna\n"
POLISH = "-------- Przekazana wiadomość --------\nTemat: \tOferta\nNadawca: \tBob <bob@cust.example>\nAdresat: \tAnna\n"
POSTFIX = """This is the mail system at host mx.ourfirm.example.

I'm sorry to have to inform you that your message could not be delivered.

<bob@cust.example>: host mx.cust.example said: 550 5.1.1 User unknown

--- Below this line is a copy of the message.
To: eve@cust.example
"""
QMAIL = """Hi. This is the qmail-send program at ourfirm.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<bob@cust.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <me@ourfirm.example>
Cc: eve@cust.example
"""
EXCHANGE = """Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:

Bob Birch (bob@cust.example)<mailto:bob@cust.example>
Die eingegebene E-Mail-Adresse konnte nicht gefunden werden.

Diagnoseinformationen für Administratoren:
eve@cust.example
"""
STATUS = "Reporting-MTA: dns; mx.ourfirm.example\nFinal-Recipient: rfc822; bob@cust.example\nAction: failed\n"


@pytest.mark.parametrize("text", [GMAIL, OUTLOOK, APPLE, BOLD, CHINESE, POLISH])
def test_finds_who_wrote_what_was_forwarded(text: str) -> None:
    assert [one.address for one in forwarded_senders(text)] == ["bob@cust.example"]


@pytest.mark.parametrize("text", ["", "From: bob@cust.example", "from: my side, bob@cust.example\n\nthank you"])
def test_a_word_of_the_text_is_no_header(text: str) -> None:
    assert forwarded_senders(text) == ()


@pytest.mark.parametrize("text", [POSTFIX, QMAIL, EXCHANGE, STATUS])
def test_finds_whom_a_mail_did_not_reach(text: str) -> None:
    assert "bob@cust.example" in failed_addresses(text)
    assert "eve@cust.example" not in failed_addresses(text)


def test_nobody_is_given_up_while_it_is_tried_again() -> None:
    assert failed_addresses("Delivery to bob@cust.example has been delayed; it will be retried") == ()


@pytest.mark.parametrize(
    "subject",
    [
        *("Fwd: x", "FW: x", "WG: x", "TR : x", "[Fwd: x]", "RV: x", "转发：x", "Doorst: x"),
        *("WG: AW: x", "Fwd: Re: x", "I: R: x", "ENC: RES: x", "VB: SV: x", "ΠΡΘ: ΑΠ: x", "İLT: YNT: x", "Fwd[2]: x"),
    ],
)
def test_subjects_of_forwards(subject: str) -> None:
    assert is_forward(subject)


@pytest.mark.parametrize(
    "subject",
    [
        *("", "Re: Fwd: x", "Forward planning: x", "Transport: x", "Ihre Anfrage", "[EXT] x", "RE[2]: FW: x"),
        *("AW: WG: x", "RE: FW: x", "R: I: x", "RIF: I: x", "Rif: x", "RES: ENC: x", "SV: VB: x", "ΑΠ: ΠΡΘ: x"),
        *("απ: x", "YNT: İLT: x", "Odp: PD: x", "Antw: Doorst: x", "回复: 转发: x"),
    ],
)
def test_subjects_of_other_mail(subject: str) -> None:
    assert not is_forward(subject)


def forward(author: str = "cem@ourfirm.example", subject: str = "WG: Angebot", **more: Any) -> Envelope:
    return mail(author, subject=subject, **more)


def inside(envelope: Envelope, text: str, policy: MatchPolicy | None = None) -> Decision:
    policy = policy or MatchPolicy()
    before = decide(envelope, policy=policy)
    if not wants_text(read_heading(envelope), before, own=OWN, policy=policy):
        return before
    return decide_by_text(envelope, before, named(envelope, text, OWN), policy=policy, answers=PEOPLE)


def test_a_forward_by_one_of_us_asks_whether_the_customer_is_meant() -> None:
    review = inside(forward(), GMAIL)
    assert isinstance(review, Review)
    assert (review.rule, review.doubts[0].address) == ("forward", "bob@cust.example")
    assert [one.contact_id for one in review.doubts[0].candidates] == ["bob"]


FINNISH = "Lähettäjä: Bob Birch <bob@cust.example>\nLähetetty: 4. toukokuuta 2026\nVastaanottaja: Anna\nAihe: Tarjous\n"
NORWEGIAN = "Fra: Bob Birch <bob@cust.example>\nSendt: 4. mai 2026\nTil: Anna\nEmne: Tilbud\n"


@pytest.mark.parametrize(
    ("subject", "text", "asks"),
    [
        ("VS: Tarjous", FINNISH, False),
        ("VS: VL: Tarjous", FINNISH, False),
        ("VL: Tarjous", FINNISH, True),
        ("VL: VS: Tarjous", FINNISH, True),
        ("VS: Tilbud", NORWEGIAN, True),
        ("VS: SV: Tilbud", NORWEGIAN + FINNISH, True),
    ],
)
def test_what_is_quoted_tells_whether_vs_is_a_forward_or_an_answer(subject: str, text: str, asks: bool) -> None:
    """A Finnish program writes it before an answer, a Danish or Norwegian one before a forward."""
    assert isinstance(inside(forward(subject=subject), text), Review if asks else Skip)


def test_a_chain_of_forwards_leads_past_our_own_people() -> None:
    ours = "From: Anna <anna@ourfirm.example>\nTo: Cem\nSubject: x\n\n"
    assert isinstance(inside(forward(), ours + GMAIL), Review)


@pytest.mark.parametrize(
    "envelope",
    [
        forward("stranger@else.example"),
        forward(subject="Angebot"),
        forward(headers={"auto-submitted": "auto-generated"}),
        forward(headers={"list-id": "<all.ourfirm.example>"}),
    ],
)
def test_other_mail_is_not_opened(envelope: Envelope) -> None:
    assert not wants_text(read_heading(envelope), decide(envelope), own=OWN, policy=MatchPolicy())


def test_the_firm_may_forbid_it() -> None:
    assert isinstance(inside(forward(), GMAIL, MatchPolicy(read_forwards=False)), Skip)


def test_what_is_forwarded_from_a_logged_conversation_is_in_the_history_already() -> None:
    before, policy = decide(forward()), MatchPolicy()
    known, empty = ThreadView(thread_id="t", contacts=(BOB,)), ThreadView(thread_id="t")
    assert not wants_text(read_heading(forward()), before, own=OWN, policy=policy, thread=known)
    assert wants_text(read_heading(forward()), before, own=OWN, policy=policy, thread=empty)


def test_a_forward_of_somebody_unknown_stays_aside() -> None:
    assert skipped(inside(forward(), GMAIL.replace("bob@", "unknown@"))).reason is Reason.INTERNAL_ONLY


def test_a_forward_of_somebody_never_to_be_logged_stays_aside() -> None:
    skip = skipped(inside(forward(), GMAIL, MatchPolicy(never_log=("bob@cust.example",))))
    assert skip.reason is Reason.NEVER_LOG


def test_the_erased_stay_forgotten() -> None:
    before = decide(forward())
    erased = {"bob@cust.example"}
    people = named(forward(), GMAIL, OWN)
    after = decide_by_text(forward(), before, people, policy=MatchPolicy(), answers=PEOPLE, erased_keys=erased)
    assert after is before


@pytest.mark.parametrize("text", [POSTFIX, QMAIL, EXCHANGE, STATUS])
def test_a_bounce_leaves_a_signal_for_whom_its_text_names(text: str) -> None:
    skip = skipped(inside(mail("MAILER-DAEMON@ourfirm.example"), text))
    assert (skip.reason, skip.signals) == (Reason.BOUNCE, (Signal(kind="bounce", contact_id="bob"),))


def test_a_bounce_that_names_its_contact_in_the_header_is_not_opened() -> None:
    envelope = mail("MAILER-DAEMON@mx.example", headers={"x-failed-recipients": "bob@cust.example"})
    assert not wants_text(read_heading(envelope), decide(envelope), own=OWN, policy=MatchPolicy())


@pytest.mark.parametrize(
    "piece", ["On ", ">", "a@", "From: ", "From: a@\n", "From: a@b\nTo: c\n", "[mailto:", "<", "From: <\n", "\n"]
)
def test_hostile_texts_are_read_to_an_end(piece: str) -> None:
    """The time they cost is measured by `python -m benchmarks match-speed`; without an end this test has none."""
    text = piece * (100_000 // len(piece))
    assert len(forwarded_senders(text)) <= MOST_BLOCKS
    assert len(failed_addresses(text)) <= MOST_FAILED
    assert len(above_quotes(text)) <= LONGEST_TEXT


def test_nothing_behind_the_limit_is_read() -> None:
    assert forwarded_senders("x" * LONGEST_TEXT + GMAIL) == ()
    assert failed_addresses("x\n" * LONGEST_TEXT + POSTFIX) == ()
