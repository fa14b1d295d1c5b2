"""Which reason wins: one message that has them all loses them one by one, and the next in the order speaks."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from connectors.message import Envelope, Flags
from matchers.chain import MatchPolicy, match_page, read_heading
from matchers.match import Decision, Log, Reason, Review
from matchers.policy import never_log
from tests.unit.test_match_chain import OWN, PEOPLE, decide, mail, people, reviewed, skipped

SINCE = date(2026, 1, 1)
EVERYTHING = MatchPolicy(never_log=("*@ourfirm.example",), since=SINCE)


def ruled(envelope: Envelope, tombstone: Reason | None = None, policy: MatchPolicy = EVERYTHING) -> Decision:
    tombstones = {envelope.id: tombstone} if tombstone else {}
    (decision,) = match_page(
        [read_heading(envelope)], own=OWN, policy=policy, answers=PEOPLE, threads={}, tombstones=tombstones
    )
    return decision


def test_reasons_win_in_the_order_of_their_list() -> None:
    """Each step takes away what made the reason before it, and nothing else."""
    envelope = mail(
        "cem@ourfirm.example",
        server_time=datetime(2025, 12, 31, tzinfo=UTC),
        headers={"content-type": "text/calendar; method=REQUEST", "list-id": "<x>"},
        flags=Flags(draft=True, private=True, categories=frozenset({"not_crm", "Private"})),
    )
    seen = [ruled(envelope, Reason.ERASED), ruled(envelope, Reason.REMOVED), ruled(envelope)]
    envelope = replace(envelope, flags=replace(envelope.flags, categories=frozenset({"private"})))
    seen.append(ruled(envelope))
    envelope = replace(envelope, flags=replace(envelope.flags, draft=False))
    seen.append(ruled(envelope))
    envelope = replace(envelope, server_time=datetime(2026, 1, 1, tzinfo=UTC))
    seen.append(ruled(envelope))
    envelope = replace(envelope, flags=replace(envelope.flags, private=False))
    seen.append(ruled(envelope))
    envelope = replace(envelope, flags=Flags())
    seen.append(ruled(envelope))
    policy = replace(EVERYTHING, never_log=())
    seen.append(ruled(envelope, policy=policy))
    envelope = replace(envelope, from_=people("bob@cust.example"))
    seen.append(ruled(envelope, policy=policy))
    receipt = {"content-type": "multipart/report; report-type=disposition-notification", "return-path": "<>"}
    envelope = replace(envelope, headers=receipt)
    seen.append(ruled(envelope, policy=policy))
    machine = {"return-path": "<>", "auto-submitted": "auto-replied", "list-id": "<x>"}
    envelope = replace(envelope, headers=machine, from_=people("stranger@else.example"))
    seen.append(ruled(envelope, policy=policy))
    envelope = replace(envelope, from_=people("postmaster@else.example"), cc=people("bob@cust.example"))
    seen.append(ruled(envelope, policy=policy))
    envelope = replace(envelope, from_=people("bob@cust.example"))
    seen.append(ruled(envelope, policy=policy))
    envelope = replace(envelope, headers={"list-id": "<x>"})
    seen.append(ruled(envelope, policy=policy))
    assert [skipped(decision).reason for decision in seen] == [
        Reason.ERASED,
        Reason.REMOVED,
        Reason.REMOVED,
        Reason.DRAFT,
        Reason.BEFORE_START,
        Reason.PRIVATE,
        Reason.PRIVATE,
        Reason.NEVER_LOG,
        Reason.INTERNAL_ONLY,
        Reason.CALENDAR,
        Reason.RECEIPT,
        Reason.NO_CONTACT,
        Reason.BOUNCE,
        Reason.AUTO_REPLY,
        Reason.BULK,
    ]
    assert isinstance(ruled(replace(envelope, headers={}), policy=policy), Log)


KEEP = Flags(categories=frozenset({"CRM"}))


@pytest.mark.parametrize(
    ("envelope", "kind"),
    [
        (mail("bob@cust.example", flags=replace(KEEP, private=True)), Log),
        (mail("bob@cust.example", flags=KEEP, server_time=datetime(2025, 1, 1, tzinfo=UTC)), Log),
        (mail("bob@cust.example", flags=KEEP, headers={"list-id": "<x>"}), Log),
        (mail("bob@cust.example", flags=KEEP, headers={"content-type": "text/calendar"}), Log),
        (mail("bob@cust.example", flags=KEEP, headers={"auto-submitted": "auto-replied"}), Log),
        (mail("cem@ourfirm.example", flags=KEEP), Review),
        (mail("stranger@else.example", flags=KEEP), Review),
    ],
)
def test_the_category_that_keeps_overrides_other_skips(envelope: Envelope, kind: type) -> None:
    assert isinstance(decide(envelope, policy=MatchPolicy(since=SINCE)), kind)


@pytest.mark.parametrize(
    ("envelope", "tombstone", "reason"),
    [
        (mail("bob@cust.example", flags=KEEP), Reason.ERASED, Reason.ERASED),
        (mail("bob@cust.example", flags=KEEP), Reason.REMOVED, Reason.REMOVED),
        (mail("bob@cust.example", flags=Flags(categories=frozenset({"CRM", "NotCRM"}))), None, Reason.REMOVED),
        (
            mail("bob@cust.example", flags=replace(KEEP, private=True), cc=people("x@lawyer.example")),
            None,
            Reason.NEVER_LOG,
        ),
        (mail("bob@cust.example", flags=replace(KEEP, draft=True)), None, Reason.DRAFT),
    ],
)
def test_the_category_that_keeps_brings_nothing_back_that_must_stay_away(
    envelope: Envelope,
    tombstone: Reason | None,
    reason: Reason,
) -> None:
    policy = MatchPolicy(never_log=("*@lawyer.example",))
    assert skipped(ruled(envelope, tombstone, policy)).reason is reason


def test_a_review_of_kept_mail_among_us_names_no_stranger() -> None:
    assert reviewed(decide(mail("cem@ourfirm.example", flags=KEEP))).rule == "category"


@pytest.mark.parametrize("category", ["Private", "private", "PRI VATE", "$Private", "pri_vate"])
def test_categories_are_told_in_the_spellings_of_mail_programs(category: str) -> None:
    envelope = mail("bob@cust.example", flags=Flags(categories=frozenset({category})))
    assert skipped(decide(envelope)).reason is Reason.PRIVATE


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("*@lawyer.example", "Anyone@LAWYER.example"),
        ("HR@ourfirm.example", "hr@ourfirm.example"),
        ("zoe@gmail.com", "z.o.e+x@googlemail.com"),
        ("*@*.lawyer.example", "x@mail.lawyer.example"),
        ("board-*@ourfirm.example", "board-berlin@ourfirm.example"),
        ("lawyer.example", "x@lawyer.example"),
        ("*@münchen.example", "x@xn--mnchen-3ya.example"),
    ],
)
@pytest.mark.parametrize("field", ["from_", "sender", "reply_to", "to", "cc", "bcc"])
def test_never_log_names_people_in_all_roles(pattern: str, address: str, field: str) -> None:
    envelope = replace(mail("bob@cust.example", "me@ourfirm.example"), **{field: people(address)})  # type: ignore[arg-type]  # fields of people
    skip = skipped(decide(envelope, policy=MatchPolicy(never_log=(pattern,))))
    assert skip.reason is Reason.NEVER_LOG
    assert not any("lawyer" in fact or "@" in fact for fact in skip.evidence)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [("*@lawyer.example", "x@mail.lawyer.example"), ("hr@x.example", "chr@x.example"), ("*@x.example", "undisclosed")],
)
def test_never_log_names_nobody_else(pattern: str, address: str) -> None:
    envelope = mail("bob@cust.example", address)
    assert isinstance(decide(envelope, policy=MatchPolicy(never_log=(pattern,))), Log)
    assert never_log((pattern,)) is never_log((pattern,))


def test_a_mail_without_server_time_is_not_before_the_start() -> None:
    envelope = mail("bob@cust.example", server_time=None)
    assert isinstance(decide(envelope, policy=MatchPolicy(since=SINCE)), Log)


def test_the_start_is_a_day_in_the_servers_own_zone() -> None:
    east = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert isinstance(decide(mail("bob@cust.example", server_time=east), policy=MatchPolicy(since=SINCE)), Log)


def test_mail_without_recipients_or_sender_is_not_called_internal() -> None:
    assert skipped(decide(mail("me@ourfirm.example", ""))).reason is Reason.NO_CONTACT
    assert skipped(decide(mail("", "me@ourfirm.example"))).reason is Reason.NO_CONTACT
    assert skipped(decide(mail("me@ourfirm.example", "me@ourfirm.example"))).reason is Reason.INTERNAL_ONLY


def test_a_mail_of_an_erased_person_is_erased_even_before_other_reasons() -> None:
    erased = frozenset({"bob@cust.example"})
    draft = Flags(draft=True)
    assert skipped(decide(mail("bob@cust.example", flags=draft), erased=erased)).reason is Reason.ERASED
    among_strangers = mail("stranger@else.example", cc=people("bob@cust.example"))
    assert skipped(decide(among_strangers, erased=erased)).reason is Reason.ERASED


@pytest.mark.parametrize("author", [True, False])
def test_mail_that_a_contact_shares_with_an_erased_person_is_kept_without_the_person(author: bool) -> None:
    bob, zoe = "bob@cust.example", "zoe@gmail.com"
    shared = mail(bob, cc=people(zoe)) if author else mail(zoe, cc=people(bob))
    log = decide(shared, erased=frozenset({bob}))
    assert isinstance(log, Log)
    assert [link.contact_id for link in log.links] == ["zoe"]
    assert "bob" not in repr(log)
