"""Who a message is about: tiers, doubts, direction, and what stays open for a person to say."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from connectors.message import Address, Envelope, Flags
from matchers.chain import MatchPolicy, Own, Wanted, match_page, read_heading, wanted
from matchers.contact import Answers, CompanyRef, Holder, ThreadView
from matchers.match import Decision, Direction, Log, Reason, Review, Role, Skip

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)
OWN = Own(addresses=frozenset({"me@ourfirm.example"}), domains=frozenset({"ourfirm.example"}))
CUST = CompanyRef(company_id="c1", name="Customer Ltd", domain="cust.example")
BOB = Holder(contact_id="bob", name="Bob Birch", email="bob@cust.example", company_id="c1")
EVE = Holder(contact_id="eve", name="Eve Elm", email="eve@cust.example", company_id="c1")
ZOE = Holder(contact_id="zoe", name="Zoe Zorn", email="zoe@gmail.com")
PEOPLE = Answers(
    holders={
        "bob@cust.example": (BOB,),
        "eve@cust.example": (EVE,),
        "zoe@gmail.com": (ZOE,),
        "info@cust.example": (BOB, EVE),
    },
    companies={"cust.example": CUST},
)


def mail(author: str = "", recipients: str = "me@ourfirm.example", **more: object) -> Envelope:
    plain = Envelope(id="1", server_time=NOON, date=NOON, from_=people(author), to=people(recipients))
    return replace(plain, **more)  # type: ignore[arg-type]  # one helper for every field


def people(text: str) -> tuple[Address, ...]:
    return tuple(Address(address=one) for one in text.split())


def decide(
    envelope: Envelope,
    *,
    answers: Answers = PEOPLE,
    thread: ThreadView | None = None,
    policy: MatchPolicy | None = None,
    own: Own = OWN,
    erased: frozenset[str] = frozenset(),
) -> Decision:
    threads = {envelope.id: thread} if thread else {}
    policy = policy or MatchPolicy()
    (decision,) = match_page(
        [read_heading(envelope)],
        own=own,
        policy=policy,
        answers=answers,
        threads=threads,
        tombstones={},
        erased_keys=erased,
    )
    return decision


def asked_of(*mails: Envelope) -> Wanted:
    """What the directory is asked for them."""
    return wanted([read_heading(one) for one in mails])


def logged(decision: Decision) -> Log:
    assert isinstance(decision, Log), decision
    return decision


def reviewed(decision: Decision) -> Review:
    assert isinstance(decision, Review), decision
    return decision


def skipped(decision: Decision) -> Skip:
    assert isinstance(decision, Skip), decision
    return decision


def contacts(decision: Decision) -> list[str]:
    return [link.contact_id for link in logged(decision).links]


def test_a_contact_who_writes_is_logged_with_evidence() -> None:
    log = logged(decide(mail("Bob@Cust.Example")))
    (link,) = log.links
    assert (link.contact_id, link.role, link.rule, link.confidence) == ("bob", Role.FROM, "address", 1.0)
    assert link.evidence == ("From bob@cust.example is an address of Bob Birch",)
    assert link.address == "Bob@Cust.Example"
    assert (log.direction, log.rule, log.companies) == (Direction.INBOUND, "address", ())


def test_another_spelling_of_the_mailbox_is_said_in_the_evidence() -> None:
    (link,) = logged(decide(mail("z.o.e+crm@googlemail.com"))).links
    assert link.contact_id == "zoe"
    assert "z.o.e+crm@googlemail.com is the same mailbox as zoe@gmail.com" in link.evidence[0]


@pytest.mark.parametrize(
    ("field", "role"),
    [("from_", Role.FROM), ("reply_to", Role.REPLY_TO), ("to", Role.TO), ("cc", Role.CC), ("bcc", Role.BCC)],
)
def test_everyone_counts_in_every_role(field: str, role: Role) -> None:
    envelope = mail("stranger@else.example", **{field: people("bob@cust.example")})  # type: ignore[arg-type]  # fields of people
    assert [link.role for link in logged(decide(envelope)).links] == [role]


def test_a_contact_has_the_first_role_that_applies() -> None:
    two = Answers(holders={"bob@cust.example": (BOB,), "bob@home.example": (replace(BOB, email="bob@home.example"),)})
    envelope = mail("bob@home.example", cc=people("bob@cust.example"))
    assert [(link.role, link.email) for link in logged(decide(envelope, answers=two)).links] == [
        (Role.FROM, "bob@home.example")
    ]


def test_nobody_known_is_no_contact_and_names_no_stranger() -> None:
    skip = skipped(decide(mail("stranger@else.example", subject="Secret")))
    assert skip.reason is Reason.NO_CONTACT
    assert not any("stranger" in fact or "Secret" in fact for fact in skip.evidence)


def test_several_holders_of_the_only_address_wait_for_a_person() -> None:
    review = reviewed(decide(mail("info@cust.example")))
    (doubt,) = review.doubts
    assert [c.contact_id for c in doubt.candidates] == ["bob", "eve"]
    assert review.rule == "shared-address"


def test_a_certain_participant_is_logged_and_the_ambiguous_one_stays_a_doubt() -> None:
    log = logged(decide(mail("zoe@gmail.com", cc=people("info@cust.example"))))
    assert contacts(log) == ["zoe"]
    assert [doubt.address for doubt in log.doubts] == ["info@cust.example"]


def test_an_address_belongs_to_its_holder_of_the_mails_day() -> None:
    old = replace(BOB, valid_to=date(2026, 5, 4))
    new = replace(EVE, valid_from=date(2026, 5, 5))
    answers = Answers(holders={"sales@cust.example": (old, new)})
    assert contacts(decide(mail("sales@cust.example"), answers=answers)) == ["eve"]
    before = mail("sales@cust.example", date=datetime(2026, 5, 4, 12, tzinfo=UTC))
    assert contacts(decide(before, answers=answers)) == ["bob"]


def test_an_unbelievable_date_gives_way_to_the_servers_time() -> None:
    answers = Answers(holders={"bob@cust.example": (replace(BOB, valid_from=date(2026, 5, 1)),)})
    for year in (1970, 2099):
        assert contacts(decide(mail("bob@cust.example", date=NOON.replace(year=year)), answers=answers)) == ["bob"]


def test_an_address_nobody_holds_that_day_still_speaks_for_its_company() -> None:
    gone = {"bob@cust.example": (replace(BOB, valid_to=date(2020, 1, 1)),)}
    log = logged(decide(mail("bob@cust.example"), answers=Answers(holders=gone, companies={"cust.example": CUST})))
    assert (log.links, [company.company_id for company in log.companies]) == ((), ["c1"])
    assert skipped(decide(mail("bob@cust.example"), answers=Answers(holders=gone))).reason is Reason.NO_CONTACT


def test_sender_stands_in_for_a_missing_from() -> None:
    assert [link.role for link in logged(decide(mail("", sender=people("bob@cust.example")))).links] == [Role.FROM]
    with_from = mail("stranger@else.example", sender=people("bob@cust.example"))
    assert skipped(decide(with_from)).reason is Reason.NO_CONTACT


def test_a_stranger_in_a_thread_with_one_contact_is_logged_and_suggested() -> None:
    thread = ThreadView(thread_id="t", contacts=(BOB,))
    log = logged(decide(mail("assistant@else.example"), thread=thread))
    (link,) = log.links
    assert (link.contact_id, link.rule, link.role, link.address) == (
        "bob",
        "thread",
        Role.FROM,
        "assistant@else.example",
    )
    assert log.suggestions == (("assistant@else.example", "bob"),)


def test_our_answer_to_the_only_stranger_of_a_thread_is_logged_and_suggested() -> None:
    thread = ThreadView(thread_id="t", contacts=(BOB,))
    log = logged(decide(mail("me@ourfirm.example", "bob.birch@home.example"), thread=thread))
    assert log.direction is Direction.OUTBOUND
    assert log.suggestions == (("bob.birch@home.example", "bob"),)


def test_no_alias_is_suggested_among_several_strangers_or_for_a_role() -> None:
    thread = ThreadView(thread_id="t", contacts=(BOB,))
    assert logged(decide(mail("me@ourfirm.example", "a@x.example b@x.example"), thread=thread)).suggestions == ()
    assert logged(decide(mail("noreply@x.example"), thread=thread)).suggestions == ()
    assert logged(decide(mail("/O=FIRM/CN=CEM"), thread=thread)).suggestions == (), "Cem may be one of us"


def test_a_name_that_exchange_gave_a_mailbox_is_whose_somebody_said_it_is() -> None:
    """A contact's, our own, or nobody's: never whose the name beside it or Sender seem to say."""
    name, key = "/O=Firm/CN=Recipients/CN=Bob", "/o=firm/cn=recipients/cn=bob"
    beside = mail(from_=(Address(address=name, name="bob@cust.example"),), sender=people("bob@cust.example"))
    assert skipped(decide(beside)).reason is Reason.NO_CONTACT
    known = replace(PEOPLE, holders={**PEOPLE.holders, key: (BOB,)})
    assert contacts(decide(beside, answers=known)) == ["bob"]
    own = Own(addresses=OWN.addresses | {key}, domains=OWN.domains)
    assert logged(decide(mail(name, "bob@cust.example"), own=own)).direction is Direction.OUTBOUND


def test_a_known_participant_is_not_overruled_by_the_thread() -> None:
    assert contacts(decide(mail("zoe@gmail.com"), thread=ThreadView(thread_id="t", contacts=(BOB,)))) == ["zoe"]
    shared = decide(mail("info@cust.example"), thread=ThreadView(thread_id="t", contacts=(BOB,)))
    assert reviewed(shared).rule == "shared-address"


def test_a_thread_of_colleagues_at_one_company_leads_to_the_company() -> None:
    thread = ThreadView(thread_id="t", contacts=(EVE, BOB), companies=(CUST,))
    log = logged(decide(mail("new@else.example"), thread=thread))
    assert log.links == ()
    assert [(c.company_id, c.rule) for c in log.companies] == [("c1", "thread")]


def test_a_conversation_of_several_asks_about_those_whose_the_address_may_be() -> None:
    thread = ThreadView(thread_id="t", contacts=(ZOE, BOB))
    refused = {"new@else.example": frozenset({"zoe"})}
    (doubt,) = reviewed(
        decide(mail("new@else.example"), thread=thread, answers=replace(PEOPLE, refused=refused))
    ).doubts
    assert [one.contact_id for one in doubt.candidates] == ["bob"]
    refused = {"new@else.example": frozenset({"zoe", "bob"})}
    left = skipped(decide(mail("new@else.example"), thread=thread, answers=replace(PEOPLE, refused=refused)))
    assert left.reason is Reason.NO_CONTACT


def test_a_thread_of_people_from_several_companies_waits_for_a_person() -> None:
    thread = ThreadView(thread_id="t", contacts=(ZOE, BOB), companies=(CUST,))
    review = reviewed(decide(mail("new@else.example"), thread=thread))
    assert [c.contact_id for c in review.doubts[0].candidates] == ["bob", "zoe"]
    assert review.rule == "thread"


def test_colleagues_in_a_thread_are_not_its_customers() -> None:
    colleague = Holder(contact_id="cem", name="Cem", email="cem@ourfirm.example")
    assert contacts(decide(mail("new@else.example"), thread=ThreadView(thread_id="t", contacts=(colleague, BOB)))) == [
        "bob"
    ]


def test_a_stranger_at_a_companys_domain_is_logged_to_the_company() -> None:
    log = logged(decide(mail("new@mail.cust.example")))
    assert [(c.company_id, c.rule) for c in log.companies] == [("c1", "domain")]
    assert log.rule == "domain"
    assert log.companies[0].evidence == ("From is at cust.example, the domain of Customer Ltd",)


def test_a_companys_link_is_left_out_where_its_contact_is_linked() -> None:
    assert logged(decide(mail("bob@cust.example", cc=people("new@cust.example")))).companies == ()
    assert len(logged(decide(mail("zoe@gmail.com", cc=people("new@cust.example")))).companies) == 1


def test_free_mail_and_our_own_domain_name_no_company() -> None:
    claims = Answers(
        companies={
            "gmail.com": CompanyRef(company_id="g", name="G", domain="gmail.com"),
            "ourfirm.example": CompanyRef(company_id="o", name="O", domain="ourfirm.example"),
        }
    )
    envelope = mail("new@gmail.com", "me@ourfirm.example cem@ourfirm.example")
    assert skipped(decide(envelope, answers=claims)).reason is Reason.NO_CONTACT


def test_the_senders_side_gives_the_direction() -> None:
    assert logged(decide(mail("bob@cust.example"))).direction is Direction.INBOUND
    assert logged(decide(mail("me@ourfirm.example", "bob@cust.example"))).direction is Direction.OUTBOUND
    assert logged(decide(mail("cem@ourfirm.example", "bob@cust.example"))).direction is Direction.OUTBOUND
    assert logged(decide(mail("bob@cust.example cem@ourfirm.example"))).direction is Direction.OUTBOUND


def test_addresses_outside_our_domains_that_are_ours_are_inside() -> None:
    own = Own(addresses=frozenset({"ed@provider.example"}), colleagues=frozenset({"anna@gmail.com"}))
    assert logged(decide(mail("anna@gmail.com", "bob@cust.example"), own=own)).direction is Direction.OUTBOUND
    inside = skipped(decide(mail("anna@gmail.com", "ed@provider.example"), own=own))
    assert inside.reason is Reason.INTERNAL_ONLY


def test_a_colleague_who_is_a_contact_makes_no_mail_a_customers() -> None:
    cem = Holder(contact_id="cem", name="Cem", email="cem@ourfirm.example")
    me = Holder(contact_id="me", name="Me", email="me@ourfirm.example")
    answers = Answers(holders={"cem@ourfirm.example": (cem,), "me@ourfirm.example": (me,)} | dict(PEOPLE.holders))
    both = "me@ourfirm.example cem@ourfirm.example"
    assert skipped(decide(mail("stranger@else.example", both), answers=answers)).reason is Reason.NO_CONTACT
    assert contacts(decide(mail("bob@cust.example", both), answers=answers)) == ["bob"]
    keep = MatchPolicy(skip=frozenset())
    inside = decide(mail("cem@ourfirm.example"), answers=answers, policy=keep)
    assert (contacts(inside), logged(inside).direction) == (["cem"], Direction.INTERNAL)


def test_below_our_domain_is_inside_unless_a_contact_is_there() -> None:
    lab = Holder(contact_id="lab", name="Lab", email="x@lab.ourfirm.example")
    assert skipped(decide(mail("x@lab.ourfirm.example"))).reason is Reason.INTERNAL_ONLY
    assert contacts(
        decide(mail("x@lab.ourfirm.example"), answers=Answers(holders={"x@lab.ourfirm.example": (lab,)}))
    ) == ["lab"]


def test_the_author_behind_a_list_counts() -> None:
    envelope = mail("list@lists.example", headers={"x-original-from": "Bob Birch <bob@cust.example>"})
    assert [(link.contact_id, link.role) for link in logged(decide(envelope)).links] == [("bob", Role.FROM)]


def test_personal_mail_through_a_list_is_explained() -> None:
    skip = skipped(decide(mail("bob@cust.example", headers={"list-id": "<l.example>"})))
    assert skip.reason is Reason.BULK
    assert "A contact wrote it" in skip.evidence
    assert (
        "A contact wrote it"
        not in skipped(
            decide(mail("x@else.example", cc=people("bob@cust.example"), headers={"list-id": "<l.example>"}))
        ).evidence
    )


def test_the_category_that_keeps_a_mail_of_strangers_asks_who_they_are() -> None:
    envelope = mail("stranger@else.example", flags=Flags(categories=frozenset({"crm"})))
    review = reviewed(decide(envelope))
    assert (review.rule, [d.address for d in review.doubts]) == ("category", ["stranger@else.example"])


def test_an_erased_person_is_no_customer_of_shared_mail() -> None:
    envelope = mail("zoe@gmail.com", cc=people("bob@cust.example new@cust.example"))
    log = logged(decide(envelope, erased=frozenset({"bob@cust.example"})))
    assert contacts(log) == ["zoe"]
    assert not any("bob" in fact for fact in log.evidence)


def test_the_directory_is_asked_for_everybody_and_their_companies() -> None:
    headers = {"x-failed-recipients": "eve@cust.example", "x-original-from": "zoe@gmail.com", "return-path": "<>"}
    asked = asked_of(mail("b.o.b+x@GMAIL.com", "info@mail.cust.example undisclosed", headers=headers))
    assert asked.keys == {"bob@gmail.com", "info@mail.cust.example", "eve@cust.example", "zoe@gmail.com"}
    assert asked.domains == {"cust.example"}


def test_a_hostile_number_of_recipients_asks_a_bounded_number_of_questions() -> None:
    crowd = tuple(Address(address=f"p{n}@else.example") for n in range(5000))
    asked = asked_of(mail("bob@cust.example", "", bcc=crowd))
    assert "bob@cust.example" in asked.keys
    assert len(asked.keys) <= 1001
