"""Whatever a header holds, it is decided; and the order of people, contacts and messages decides nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.message import Address, Envelope, Flags
from matchers.address import normalise
from matchers.chain import MatchPolicy, Own, match_page, read_heading, wanted
from matchers.contact import Answers, CompanyRef, Holder, ThreadView
from matchers.filters import FILTER_HEADERS
from matchers.inside import above_quotes, failed_addresses, forwarded_senders
from matchers.match import Decision, Log, Reason, Review, Skip
from matchers.names import full_name, may_shorten, name_key
from matchers.participants import participants
from matchers.thread import thread_ids

CALM = settings(deadline=None)
"""The suffix list is read at first use, and machines are busy: time is no fault here."""

OWN = Own(addresses=frozenset({"me@ourfirm.example"}), domains=frozenset({"ourfirm.example"}))
POLICY = MatchPolicy(never_log=("*@lawyer.example",))
COMPANIES = {
    "cust.example": CompanyRef(company_id="c1", name="Customer", domain="cust.example"),
    "buyer.example": CompanyRef(company_id="c2", name="Buyer", domain="buyer.example"),
}
KNOWN = [
    "me@ourfirm.example",
    "cem@ourfirm.example",
    "bob@cust.example",
    "eve@cust.example",
    "info@cust.example",
    "new@cust.example",
    "new@buyer.example",
    "ann@gmail.com",
    "A.n.n+x@googlemail.com",
    "stranger@else.example",
    "x@lawyer.example",
]
ANYTHING = st.text(alphabet=st.characters(exclude_categories=()), max_size=30)
NAMES = st.sampled_from(["", "Bob", "Bob Birch", "Birch, Rob", "Eve Elm", "B. Birch", "Birch, R. J.", "Elm"])
BROKEN = st.builds(Address, address=st.one_of(ANYTHING, st.sampled_from(KNOWN)), name=ANYTHING)
PLAIN = st.builds(Address, address=st.sampled_from(KNOWN), name=NAMES)
ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
TIMES = st.none() | st.datetimes(timezones=ZONES)
FLAGS = st.builds(
    Flags,
    draft=st.booleans(),
    private=st.booleans(),
    categories=st.frozensets(st.sampled_from(["CRM", "Private", "not_crm", "x"]), max_size=2),
)
HEADERS = st.dictionaries(
    st.sampled_from(sorted(FILTER_HEADERS)),
    st.one_of(ANYTHING, st.sampled_from(["<>", "bulk", "auto-replied", "bob@cust.example", "text/calendar"])),
    max_size=3,
)


def fields(addresses: st.SearchStrategy[Address]) -> dict[str, st.SearchStrategy[tuple[Address, ...]]]:
    few = st.lists(addresses, max_size=3).map(tuple)
    return dict.fromkeys(("from_", "sender", "reply_to", "to", "cc", "bcc"), few)


ENVELOPES = st.builds(
    Envelope,
    id=st.uuids().map(str),
    server_time=TIMES,
    date=TIMES,
    message_id=st.none() | ANYTHING,
    subject=ANYTHING,
    references=st.lists(ANYTHING, max_size=3).map(tuple),
    in_reply_to=st.lists(ANYTHING, max_size=2).map(tuple),
    headers=HEADERS,
    flags=FLAGS,
    **fields(BROKEN),
)
MAILS = st.builds(
    Envelope,
    id=st.uuids().map(str),
    server_time=st.just(datetime(2026, 5, 5, tzinfo=UTC)),
    headers=HEADERS,
    flags=st.just(Flags()) | FLAGS,
    **fields(PLAIN),
)


def holder(key: str, number: int) -> Holder:
    company = COMPANIES.get(key.partition("@")[2])
    return Holder(
        contact_id=f"{key}/{number}", name=key[:3], email=key, company_id=company.company_id if company else None
    )


BEARERS = {
    name_key(name): [
        Holder(contact_id=f"{name}/{company}", name=name, email=email, company_id=company)
        for company, email in ((None, ""), ("c1", "b@cust.example"), ("c2", "b@buyer.example"))
    ]
    for name in ("Bob Birch", "Eve Elm")
}
NAMED = st.fixed_dictionaries({}, optional={key: st.sets(st.integers(0, 2), min_size=1) for key in BEARERS}).map(
    lambda chosen: {key: tuple(BEARERS[key][one] for one in sorted(which)) for key, which in chosen.items()}
)
SHORTENED = {
    (company, short): tuple(
        Holder(contact_id=f"{name}/{company}", name=name, email=f"b@{company}.example", company_id=company)
        for name in names
    )
    for company in ("c1", "c2")
    for short, names in (("r birch", ("Bob Birch", "Rita Birch", "R. Birch")), ("e elm", ("Eve Elm",)))
}
SHORT = st.sets(st.sampled_from(sorted(SHORTENED))).map(lambda pairs: {pair: SHORTENED[pair] for pair in pairs})
DIRECTORIES = st.builds(
    lambda found, named, shortened: Answers(
        holders={key: tuple(holder(key, n) for n in range(count)) for key, count in found.items()},
        companies=COMPANIES,
        named=named,
        shortened=shortened,
    ),
    st.dictionaries(
        st.sampled_from([normalise(address).match_key for address in KNOWN]), st.integers(1, 3), max_size=6
    ),
    NAMED,
    SHORT,
)
THREADS = st.none() | st.lists(
    st.sampled_from(["bob@cust.example", "eve@cust.example", "new@buyer.example", "cem@ourfirm.example"]), max_size=3
).map(
    lambda emails: ThreadView(
        thread_id="t", contacts=tuple(holder(email, 0) for email in emails), companies=tuple(COMPANIES.values())
    )
)


def decide(mails: list[Envelope], answers: Answers, thread: ThreadView | None = None) -> list[Decision]:
    threads = {mail.id: thread for mail in mails} if thread else {}
    return match_page(
        [read_heading(mail) for mail in mails], own=OWN, policy=POLICY, answers=answers, threads=threads, tombstones={}
    )


@given(st.lists(ENVELOPES, max_size=3), DIRECTORIES, THREADS)
@settings(max_examples=120, deadline=None)
def test_no_header_raises(mails: list[Envelope], answers: Answers, thread: ThreadView | None) -> None:
    asked = wanted([read_heading(mail) for mail in mails])
    assert "" not in asked.keys | asked.domains
    assert len(decide(mails, answers, thread)) == len(mails)
    for mail in mails:
        assert all(thread_ids(mail))
        assert len(participants(mail)) <= 15


PEOPLE = ("from_", "reply_to", "to", "cc", "bcc")


@given(st.lists(MAILS, max_size=4), DIRECTORIES, THREADS, st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_the_order_of_people_contacts_and_messages_decides_nothing(
    mails: list[Envelope], answers: Answers, thread: ThreadView | None, random: Random
) -> None:
    def shuffled(items: tuple) -> tuple:  # type: ignore[type-arg]  # any tuple
        mixed = list(items)
        random.shuffle(mixed)
        return tuple(mixed)

    mixed_mails = shuffled(
        tuple(
            replace(mail, **{name: shuffled(getattr(mail, name)) for name in PEOPLE})  # type: ignore[arg-type]  # tuples
            for mail in mails
        )
    )
    mixed_answers = Answers(
        holders={key: shuffled(answers.holders[key]) for key in shuffled(tuple(answers.holders))},
        companies=answers.companies,
        named={key: shuffled(answers.named[key]) for key in shuffled(tuple(answers.named))},
        shortened={key: shuffled(answers.shortened[key]) for key in shuffled(tuple(answers.shortened))},
    )
    mixed_thread = replace(thread, contacts=shuffled(thread.contacts)) if thread else None
    one = dict(zip([mail.id for mail in mails], decide(mails, answers, thread), strict=True))
    other = dict(
        zip([mail.id for mail in mixed_mails], decide(list(mixed_mails), mixed_answers, mixed_thread), strict=True)
    )
    assert one == other


@given(st.lists(MAILS, max_size=4), DIRECTORIES, THREADS)
@CALM
def test_an_unrelated_contact_changes_no_decision(
    mails: list[Envelope], answers: Answers, thread: ThreadView | None
) -> None:
    stranger = holder("unrelated@nowhere.example", 0)
    company = CompanyRef(company_id="c9", name="Nowhere", domain="nowhere.example")
    more = Answers(
        holders={**answers.holders, "unrelated@nowhere.example": (stranger,)},
        companies={**answers.companies, "nowhere.example": company},
        named={**answers.named, name_key("Una Related"): (stranger,)},
        shortened={**answers.shortened, ("c9", "r birch"): (stranger,), ("c1", "u related"): (stranger,)},
    )
    assert decide(mails, answers, thread) == decide(mails, more, thread)


@given(st.lists(MAILS, min_size=2, max_size=5), DIRECTORIES)
@CALM
def test_a_page_decides_like_its_messages_one_by_one(mails: list[Envelope], answers: Answers) -> None:
    assert decide(mails, answers) == [decision for mail in mails for decision in decide([mail], answers)]


@given(st.lists(MAILS, max_size=4), DIRECTORIES)
@CALM
def test_the_answers_that_wanted_asks_for_are_enough(mails: list[Envelope], answers: Answers) -> None:
    asked = wanted([read_heading(mail) for mail in mails])
    answered = Answers(
        holders={key: found for key, found in answers.holders.items() if key in asked.keys},
        companies={domain: found for domain, found in answers.companies.items() if domain in asked.domains},
    )
    names = asked.names(answered)
    answered = replace(
        answered,
        named={key: found for key, found in answers.named.items() if key in names.full},
        shortened={key: found for key, found in answers.shortened.items() if key in names.short},
    )
    assert decide(mails, answers) == decide(mails, answered)


@given(MAILS, DIRECTORIES, THREADS)
@CALM
def test_a_skip_says_nothing_of_anybody(mail: Envelope, answers: Answers, thread: ThreadView | None) -> None:
    named = replace(mail, subject="Subject of a stranger")
    (decision,) = decide([named], answers, thread)
    if isinstance(decision, Skip):
        assert not any("@" in fact or "Subject of" in fact or ".example" in fact for fact in decision.evidence)


@given(MAILS, DIRECTORIES, THREADS)
@CALM
def test_a_kept_mail_says_why_and_is_about_nobody_of_ours_when_others_take_part(
    mail: Envelope, answers: Answers, thread: ThreadView | None
) -> None:
    (decision,) = decide([mail], answers, thread)
    if isinstance(decision, Log):
        assert decision.evidence and decision.rule and (decision.links or decision.companies)
        outsiders = any(not seat.address.endswith("@ourfirm.example") for seat in participants(mail))
        ours = [link for link in decision.links if link.email.endswith("@ourfirm.example")]
        assert not (outsiders and ours)
    if isinstance(decision, Review):
        assert decision.evidence and decision.rule
        assert all(len(doubt.candidates) != 1 or decision.rule == "name" for doubt in decision.doubts)


@given(MAILS, DIRECTORIES)
@CALM
def test_a_tombstone_always_wins(mail: Envelope, answers: Answers) -> None:
    for reason in (Reason.ERASED, Reason.REMOVED):
        (decision,) = match_page(
            [read_heading(mail)], own=OWN, policy=POLICY, answers=answers, threads={}, tombstones={mail.id: reason}
        )
        assert isinstance(decision, Skip)
        assert decision.reason is reason


@given(MAILS, DIRECTORIES, THREADS)
@CALM
def test_a_name_alone_never_links(mail: Envelope, answers: Answers, thread: ThreadView | None) -> None:
    """Every link by name is to the one bearer of the name, at the company whose domain the address has."""
    (decision,) = decide([mail], answers, thread)
    for link in decision.links if isinstance(decision, Log) else ():
        if link.rule == "name":
            (one,) = answers.named[name_key(link.name)]
            assert (one.contact_id, link.address) == (link.contact_id, link.address)
            assert COMPANIES[link.address.partition("@")[2]].company_id == one.company_id
            assert normalise(link.address).match_key not in answers.holders


@given(st.lists(MAILS, max_size=4), DIRECTORIES)
@CALM
def test_initials_never_link_and_a_family_name_never_asks(mails: list[Envelope], answers: Answers) -> None:
    """Who is asked about by initials works at the company whose domain the address has."""
    for decision in decide(mails, answers):
        for doubt in () if isinstance(decision, Skip) else decision.doubts:
            if "initials" in doubt.evidence[0]:
                company = COMPANIES[doubt.address.partition("@")[2]].company_id
                people = {one for (firm, _), found in SHORTENED.items() if firm == company for one in found}
                assert {one.contact_id for one in doubt.candidates} <= {one.contact_id for one in people}
                names = {seat.name for mail in mails for seat in participants(mail) if seat.address == doubt.address}
                assert names & {"B. Birch", "Birch, R. J."}
        for link in decision.links if isinstance(decision, Log) else ():
            assert link.rule != "name" or name_key(link.name)


@given(ANYTHING | st.text(st.sampled_from("Bob Birch,.()\"'|- ÄßøЯ山"), max_size=40))
@CALM
def test_every_name_is_read_and_white_space_around_it_says_nothing(name: str) -> None:
    read = full_name(name)
    assert read.key == " ".join(sorted(read.key.split()))
    assert full_name(f" {name} ") == read
    assert {read.short, read.inner} - {""} <= set(read.asks)
    assert not read.short or may_shorten(read, read)


@given(ANYTHING | st.text(st.sampled_from("From: <a@b>\n>*-OnTo "), max_size=200))
@CALM
def test_every_text_is_read(text: str) -> None:
    for person in forwarded_senders(text):
        assert person.address
    assert all("@" in one for one in failed_addresses(text))
    assert text.startswith(above_quotes(text))
