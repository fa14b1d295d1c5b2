"""What `doctor` makes of permissions and of ways to sign in, decided without any server."""

import pytest

from agent.doctor.exchange import judge_closed, judge_offers
from agent.doctor.finding import Verdict
from agent.doctor.permissions import judge_permissions

GROUP = {"GroupMember.Read.All", "User.ReadBasic.All"}


@pytest.mark.parametrize(
    ("granted", "needs_group", "verdict"),
    [
        (set(), False, Verdict.OK),
        (set(), True, Verdict.FAILED),
        (GROUP, True, Verdict.OK),
        ({"GroupMember.Read.All"}, True, Verdict.FAILED),
        ({"Directory.Read.All"}, True, Verdict.OK),
        ({"Mail.Read"}, False, Verdict.WARNING),
        (GROUP | {"Calendars.ReadWrite"}, True, Verdict.WARNING),
        ({"Mail.ReadWrite"}, False, Verdict.WARNING),
        ({"Mail.Send"}, False, Verdict.WARNING),
    ],
)
def test_consent_is_judged_by_what_it_opens(granted: set[str], needs_group: bool, verdict: Verdict) -> None:
    said = judge_permissions(granted, needs_group=needs_group)
    assert said.ok is verdict
    assert bool(said.advice) is (verdict is not Verdict.OK)


def test_what_is_more_than_needed_is_named() -> None:
    assert judge_permissions({"Mail.Send", "Mail.ReadWrite"}, needs_group=False).detail == (
        "Mail.ReadWrite, Mail.Send is more than is needed: mail is only read"
    )


def test_a_server_that_offers_another_way_to_sign_in_is_told_apart_from_one_that_says_nothing() -> None:
    assert judge_offers(("ntlm", "basic"), "basic").ok is Verdict.OK
    assert judge_offers((), "ntlm").ok is Verdict.SKIPPED
    said = judge_offers(("basic",), "ntlm")
    assert (said.ok, said.advice) == (Verdict.FAILED, 'write auth = "basic", or enable ntlm for EWS')


def test_a_mailbox_that_can_be_read_and_must_not_is_a_failure() -> None:
    assert judge_closed("board@x.example", is_closed=True).ok is Verdict.OK
    assert judge_closed("board@x.example", is_closed=False).ok is Verdict.FAILED
