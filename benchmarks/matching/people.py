"""Slices of mail that people write: how contacts look in headers, and who is mistaken for them."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from benchmarks.matching.letters import ANNA, Letter, Writer, ids, mailbox, said, written
from benchmarks.matching.names import double_names, entered_by_initials, initials, parts_of_a_name
from benchmarks.matching.picking import a_contact, domain_of, entered
from benchmarks.matching.world import FREE_MAIL, LEFT, Person, World, employee, person_name, plain, private
from connectors.message import Address
from matchers.address import normalise
from matchers.contact import Holder, ThreadView
from matchers.names import name_key

NICKNAMES = {"William": "Bill", "Robert": "Bob", "Elizabeth": "Liz", "Katherine": "Kate", "James": "Jim"} | {
    "Jennifer": "Jenny", "Michael": "Mike", "Thomas": "Tom", "Anthony": "Tony", "Samuel": "Sammy", "Edward": "Ed"
}  # fmt: skip


def exact(world: World, random: Random) -> Letter:
    """The address as it is known."""
    one = a_contact(world, random)
    if random.random() < 0.4:
        return said(written(from_=ANNA, to=mailbox(one)), one)
    return said(written(from_=mailbox(one, encoded=random.random() < 0.3)), one)


def spellings(world: World, random: Random) -> Letter:
    """Capitals, comments, quotes, groups, encoded words, several senders, a missing name."""
    one = a_contact(world, random)
    email = random.choice([one.email.upper(), one.email.title()])
    forms: list[dict[str, Any]] = [
        {"from_": mailbox(one, email=email)},
        {"from_": f"<{email}> (from the road)"},
        {"from_": f"'{email}'"},
        {"from_": f"{mailbox(one)}, {mailbox(random.choice(world.strangers))}"},
        {"from_": ANNA, "to": f"Our friends: {mailbox(one)};"},
        {"from_": ANNA, "to": "undisclosed-recipients:;", "bcc": one.email},
        {"from_": mailbox(one, email=email), "to": ""},
        {"from_": mailbox(random.choice(world.strangers)), "cc": f"{mailbox(one)}, broken@, @nowhere, <>"},
    ]
    return said(written(**random.choice(forms)), one)


def gmail_dots(world: World, random: Random) -> Letter:
    """Dots mean nothing at Gmail, and googlemail.com is the same."""
    local = f"{plain(person_name(random)).replace(' ', '')}{random.randrange(10**6)}"
    one = world.know(entered(world, Person(name=person_name(random), email=f"{local}@gmail.com")))
    dotted = local[:2] + "." + local[2:]
    return said(written(from_=mailbox(one, email=f"{dotted}@{random.choice(['gmail.com', 'googlemail.com'])}")), one)


def dots_elsewhere(world: World, random: Random) -> Letter:
    """Everywhere else they tell two people apart."""
    local, domain = f"jo.anne{random.randrange(10**6)}", random.choice(["gmx.de", "web.de", "yahoo.fr"])
    world.know(entered(world, Person(name=person_name(random), email=f"{local}@{domain}")))
    other = Person(name=person_name(random), email=f"{local.replace('.', '')}@{domain}")
    return said(written(from_=mailbox(other)))


def plus_tags(world: World, random: Random) -> Letter:
    """A tag at a provider that is known to drop it."""
    local = f"{plain(person_name(random)).replace(' ', '')}{random.randrange(10**6)}"
    domain = random.choice(["gmail.com", "outlook.com", "fastmail.com", "icloud.com"])
    one = world.know(entered(world, Person(name=person_name(random), email=f"{local}@{domain}")))
    return said(written(from_=mailbox(one, email=f"{local}+shop@{domain}")), one)


def plus_elsewhere(world: World, random: Random) -> Letter:
    """A tag where nobody knows what it means, without a name beside it."""
    one = a_contact(world, random, at_work=True)
    local, _, domain = one.email.partition("@")
    return said(written(from_=f"{local}+{random.choice(['a', 'b'])}@{domain}"), one, linkable=False)


def look_alikes(world: World, random: Random) -> Letter:
    """A Cyrillic а, or a domain that looks like the customer's: somebody who wants to be taken for a contact."""
    one = a_contact(world, random, at_work=True)
    local, _, domain = one.email.partition("@")
    fakes = [f"{local}@{domain.replace('i', 'і')}", f"{local}а@{domain}", f"{local}@{domain}.attacker.example"]
    return said(written(from_=mailbox(one, email=random.choice(fakes))))


def aliases(world: World, random: Random) -> Letter:
    """A contact from an address nobody entered, with the full name beside it."""
    one = a_contact(world, random, at_work=True)
    given, _, family = one.name.partition(" ")
    shown = random.choice(
        [
            one.name,
            f"{family}, {given}",
            one.name.upper(),
            f"{NICKNAMES.get(given, given)} {family}",
            f"{one.name} (Sales)",
        ]
    )
    email = f"{plain(given)}.{plain(family)}.{random.randrange(10**6)}@{domain_of(one)}"
    alone = len(world.named.get(_key(one), ())) == 1
    if random.random() < 0.3:
        return said(written(from_=ANNA, to=mailbox(one, name=shown, email=email)), one, linkable=alone)
    return said(written(from_=mailbox(one, name=shown, email=email)), one, linkable=alone)


def _key(person: Person) -> str:
    return name_key(person.name)


def strangers_at_work(world: World, random: Random) -> Letter:
    """Everybody else at a customer, with the names people have."""
    one = random.choice(world.strangers)
    return said(written(from_=mailbox(one)))


def namesakes(world: World, random: Random) -> Letter:
    """Two contacts of one name at one company, and a third address with that name."""
    firm = random.randrange(len(world.companies))
    first = world.know(entered(world, employee(random, firm, f"firm{firm}.example")))
    second = world.know(entered(world, first, email=f"x{random.randrange(10**6)}@{domain_of(first)}"))
    envelope = written(from_=mailbox(first, email=f"y{random.randrange(10**6)}@{domain_of(first)}"))
    return said(envelope, first, linkable=False, asks=ids(first, second))


def namesake_elsewhere(world: World, random: Random) -> Letter:
    """A contact of another company moved to one where a contact has the same name."""
    one = a_contact(world, random, at_work=True)
    other = (one.firm + 1) % len(world.companies)
    before = f"m{random.randrange(10**6)}@firm{other}.example"
    mover = world.know(entered(world, Person(name=one.name, email=before, firm=other)))
    after = f"z{random.randrange(10**6)}@{domain_of(one)}"
    return said(written(from_=mailbox(mover, email=after)), mover, linkable=False, asks=ids(one))


def role_of_one(world: World, random: Random) -> Letter:
    """info@ given to exactly one contact."""
    firm = random.randrange(len(world.companies))
    email = f"{random.choice(['info', 'office', 'sales'])}@r{random.randrange(10**6)}.example"
    one = world.know(entered(world, replace(private(random), firm=firm)), email)
    return said(written(from_=mailbox(one, name=random.choice(["", "Office", one.name]), email=email)), one)


def role_unknown(world: World, random: Random) -> Letter:
    """info@ of a customer in nobody's name, sometimes with a contact's name beside it."""
    one = a_contact(world, random, at_work=True)
    name = random.choice([one.name, "Info", ""])
    role = random.choice(["info", "office", "support", "noreply", "buchhaltung", "jira"])
    return said(written(from_=mailbox(one, name=name, email=f"{role}@{domain_of(one)}")))


def shared(world: World, random: Random) -> Letter:
    """One address of two contacts."""
    firm = random.randrange(len(world.companies))
    email = f"desk{random.randrange(10**6)}@firm{firm}.example"
    pair = [world.know(entered(world, employee(random, firm, f"firm{firm}.example")), email) for _ in range(2)]
    return said(written(from_=f"{pair[0].name} <{email}>"), pair[0], linkable=False, asks=ids(*pair))


def duplicates(world: World, random: Random) -> Letter:
    """The same person twice in the address book."""
    firm = random.randrange(len(world.companies))
    one = world.know(entered(world, employee(random, firm, f"firm{firm}.example")))
    two = world.know(entered(world, one))
    return said(written(from_=mailbox(one)), one, two, linkable=False, asks=ids(one, two))


def job_change(world: World, random: Random) -> Letter:
    """An address that went to another person, and mail from before and after."""
    firm = random.randrange(len(world.companies))
    old = world.know(entered(world, employee(random, firm, f"firm{firm}.example")), to=LEFT)
    heir = entered(world, Person(name=person_name(random), email=old.email, firm=firm))
    if known := random.random() < 0.5:
        world.know(heir, since=LEFT + timedelta(days=1))
    envelope = written(from_=mailbox(heir))
    if random.random() < 0.4:
        before = written(from_=mailbox(old), headers={"date": "Tue, 06 May 2025 12:00:00 +0000"})
        return said(before, old)
    return said(envelope, heir) if known else said(envelope)


def new_firm(world: World, random: Random) -> Letter:
    """A contact who writes from a new employer nobody entered."""
    one = a_contact(world, random, at_work=True)
    return said(
        written(from_=mailbox(one, email=f"hello{random.randrange(10**6)}@newfirm.example")), one, linkable=False
    )


def families(world: World, random: Random) -> Letter:
    """The family of a private contact at the same provider, and somebody with the very name of a contact."""
    one = a_contact(world, random, at_work=False)
    family = one.name.partition(" ")[2]
    if random.random() < 0.5:
        return said(written(from_=f'"Oma {family}" <{plain(family)}{random.randrange(10**6)}@{domain_of(one)}>'))
    other = f"{plain(family)}{random.randrange(10**6)}@{random.choice(FREE_MAIL)}"
    return replace(said(written(from_=mailbox(one, email=other))), asks=ids(one))


def conversations(world: World, random: Random) -> Letter:
    """An assistant without any name we know answers in a conversation with one contact."""
    one = a_contact(world, random)
    email = f"pa{random.randrange(10**6)}@{domain_of(one)}"
    return replace(said(written(from_=email, subject="Re: Offer"), one), thread=_thread(world, one))


def conversations_of_two(world: World, random: Random) -> Letter:
    """The same where two contacts of two companies take part: nobody can say who is meant."""
    one, two = a_contact(world, random, at_work=True), a_contact(world, random, at_work=False)
    letter = said(
        written(from_=f"pa{random.randrange(10**6)}@else.example"), one, two, linkable=False, asks=ids(one, two)
    )
    return replace(letter, thread=_thread(world, one, two))


def _thread(world: World, *people: Person) -> ThreadView:
    holders = [
        Holder(
            contact_id=one.id,
            name=one.name,
            email=one.email,
            company_id=world.companies[one.firm].company_id if one.firm >= 0 else None,
        )
        for one in people
    ]
    return ThreadView(thread_id="t", contacts=tuple(holders))


def delegates(world: World, random: Random) -> Letter:
    """Sent on behalf of a contact: From names the boss, Sender the assistant."""
    one = a_contact(world, random)
    return said(written(from_=mailbox(one), sender=mailbox(random.choice(world.strangers))), one)


def x500(world: World, random: Random) -> Letter:
    """The name an Exchange directory gives, known for a contact or not; from a server of Exchange, or wrapped."""
    number = random.randrange(10**9)
    one, name = a_contact(world, random), f"/o=Org/ou=First Group/cn=Recipients/cn={number}"
    if known := random.random() < 0.5:
        _also(world, one, name)
    if random.random() < 0.5:
        wrapped = f"IMCEAEX-_O=ORG_OU=First+20Group_cn=Recipients_cn={number}@firm.example"
        return said(written(from_=mailbox(one, email=wrapped)), one, linkable=known)
    envelope = replace(written(from_=""), from_=(Address(address=name.upper(), name=one.name),))
    return said(envelope, one, linkable=known)


def _also(world: World, person: Person, address: str) -> None:
    held = next(one for one in world.holders[_match_key(person.email)] if one.contact_id == person.id)
    world.holders[_match_key(address)] = (replace(held, email=address),)


def _match_key(address: str) -> str:
    return normalise(address).match_key


def srs(world: World, random: Random) -> Letter:
    """Forwarded by a server that rewrites the envelope sender; a rewritten From is nobody's."""
    one = a_contact(world, random)
    local, _, domain = one.email.partition("@")
    path = random.choice([f"SRS0=HH=TT={domain}={local}@fwd.example", f"prvs=0123={one.email}"])
    if random.random() < 0.7:
        return said(written(from_=mailbox(one), headers={"return-path": f"<{path}>"}), one)
    return said(written(from_=f"<SRS0=HH=TT={domain}={local}@fwd.example>"), one, linkable=False)


def via_list(world: World, random: Random) -> Letter:
    """A group address puts itself into From and the writer into Reply-To or X-Original-From; no list header."""
    one = a_contact(world, random)
    group = f'"{one.name} via Team" <team{random.randrange(100)}@groups.example>'
    field = random.choice(["reply-to", "x-original-from"])
    return said(written(from_=group, headers={field: mailbox(one)}), one)


def forwards(world: World, random: Random) -> Letter:
    """A colleague forwards what a contact or a stranger wrote."""
    one = a_contact(world, random) if random.random() < 0.6 else random.choice(world.strangers)
    colleague = random.choice(world.colleagues)
    subject = random.choice(["Fwd: ", "FW: ", "WG: ", "TR: ", "RV: ", "I: ", "Doorst: "]) + "Offer"
    letter = said(written(from_=mailbox(colleague), subject=subject), one, linkable=False, asks=ids(one))
    return replace(letter, text=random.choice(_QUOTES).format(name=one.name, email=one.email))


_QUOTES = (
    "FYI\n\n---------- Forwarded message ---------\nFrom: {name} <{email}>\nDate: Mon\nSubject: Offer\nTo: x\n\nHi\n",
    "\n________________________________\nVon: {name} <{email}>\nGesendet: Montag\nAn: Cem\nBetreff: Angebot\n\nHallo\n",
    "-----Message d'origine-----\nDe : {name} [mailto:{email}]\nEnvoyé : lundi\nÀ : Cem\nObjet : Offre\n\nBonjour\n",
    "Begin forwarded message:\n\n> From: {name} <{email}>\n> Subject: Offer\n> Date: Monday\n>\n> Hi\n",
    "*De:* {name} <{email}>\n*Enviado el:* lunes\n*Para:* Cem\n*Asunto:* Oferta\n\nHola\n",
)


def internal(world: World, random: Random) -> Letter:
    """Mail that stays among us."""
    return said(written(from_=mailbox(random.choice(world.colleagues))))


def unknown(world: World, random: Random) -> Letter:
    """Suppliers, applicants, friends: people of whom we know nothing."""
    del world
    name = person_name(random)
    return said(
        written(from_=f'"{name}" <{plain(name)[:8]}{random.randrange(10**6)}@nobody{random.randrange(500)}.example>')
    )


PEOPLE: dict[str, tuple[Writer, float]] = {
    "exact address": (exact, 0.22),
    "spellings of an address": (spellings, 0.02),
    "gmail dots": (gmail_dots, 0.005),
    "dots elsewhere": (dots_elsewhere, 0.001),
    "plus tags": (plus_tags, 0.005),
    "plus tags elsewhere": (plus_elsewhere, 0.005),
    "look-alikes": (look_alikes, 0.001),
    "aliases with the full name": (aliases, 0.02),
    "strangers at a customer": (strangers_at_work, 0.08),
    "namesakes at one company": (namesakes, 0.001),
    "namesake from elsewhere": (namesake_elsewhere, 0.001),
    "initials": (initials, 0.003),
    "two family names": (double_names, 0.001),
    "entered by initials": (entered_by_initials, 0.001),
    "parts of a name": (parts_of_a_name, 0.002),
    "role address of one": (role_of_one, 0.01),
    "role address of nobody": (role_unknown, 0.03),
    "one address of two contacts": (shared, 0.005),
    "duplicate contacts": (duplicates, 0.003),
    "job change": (job_change, 0.005),
    "new employer": (new_firm, 0.001),
    "families at free mail": (families, 0.005),
    "unknown in a conversation": (conversations, 0.01),
    "conversation of two": (conversations_of_two, 0.002),
    "delegates": (delegates, 0.005),
    "x.500": (x500, 0.002),
    "srs, batv": (srs, 0.01),
    "via a list": (via_list, 0.003),
    "forwards of our own": (forwards, 0.02),
    "internal": (internal, 0.2),
    "unknown people": (unknown, 0.12),
}
"""Slice -> who writes its letters, and its share of a salesperson's day (an estimate of ours)."""
