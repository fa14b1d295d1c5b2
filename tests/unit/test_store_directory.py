"""The directory answers for a whole page at once, and says when an older answer does not hold any more."""

from datetime import date

from agent.store.database import Database
from agent.store.directory import lookup as directory
from agent.store.directory.contact_writes import Draft
from agent.store.directory.contacts import Email
from agent.store.hashes import Hasher
from matchers.contact import MOST_NAMESAKES
from matchers.names import name_key
from tests.unit.store_room import add_contacts, draft


def test_finds_every_holder_of_an_address(database: Database, hasher: Hasher) -> None:
    jane, john = add_contacts(
        database, hasher, draft("Jane", "office@acme.example"), draft("John", "j@acme.example", "Office@ACME.example")
    )

    with database.read() as connection:
        answers = directory.look_up(connection, ["office@acme.example", "nobody@acme.example"], [])

    assert {holder.contact_id for holder in answers.holders["office@acme.example"]} == {jane, john}
    assert {holder.email for holder in answers.holders["office@acme.example"]} == {
        "office@acme.example",
        "Office@ACME.example",
    }
    assert "nobody@acme.example" not in answers.holders


def test_tells_from_when_to_when_an_address_was_theirs(database: Database, hasher: Hasher) -> None:
    email = Email(address="jane@acme.example", valid_from=date(2024, 1, 1), valid_to=date(2025, 6, 30))
    add_contacts(database, hasher, Draft(name="Jane", emails=(email,)))

    with database.read() as connection:
        (holder,) = directory.look_up(connection, ["jane@acme.example"], []).holders["jane@acme.example"]

    assert (holder.valid_from, holder.valid_to) == (date(2024, 1, 1), date(2025, 6, 30))


def test_answers_for_more_addresses_than_one_query_takes(database: Database, hasher: Hasher) -> None:
    add_contacts(database, hasher, *(draft(f"N{i}", f"n{i}@acme.example") for i in range(0, 70_000, 10_000)))

    with database.read() as connection:
        keys = [f"n{i}@acme.example" for i in range(70_000)]
        found = directory.look_up(connection, keys, [f"d{i}.example" for i in range(70_000)])

    assert len(found.holders) == 7
    assert found.companies == {}


def test_empty_keys_match_nobody(database: Database, hasher: Hasher) -> None:
    add_contacts(database, hasher, draft("Without address"))

    with database.read() as connection:
        assert directory.look_up(connection, [""], [""]).holders == {}


def test_domain_of_a_contacts_primary_address_leads_to_their_company(database: Database, hasher: Hasher) -> None:
    add_contacts(database, hasher, draft("Jane", "jane@mail.acme.example", "jane@other.example", company="Acme"))

    with database.read() as connection:
        found = directory.look_up(connection, [], ["acme.example", "other.example"]).companies

    assert found["acme.example"].name == "Acme"
    assert "other.example" not in found


def test_free_mail_leads_to_no_company(database: Database, hasher: Hasher) -> None:
    add_contacts(
        database,
        hasher,
        draft("Jane", "jane@gmail.com", company="Acme"),
        draft("John", "john@acme.example", company="Acme", company_domain="gmail.com"),
    )

    with database.read() as connection:
        assert directory.look_up(connection, [], ["gmail.com"]).companies == {}


def test_domain_seen_at_two_companies_is_nobodys(database: Database, hasher: Hasher) -> None:
    add_contacts(
        database,
        hasher,
        draft("Jane", "jane@agency.example", company="Acme"),
        draft("John", "john@agency.example", company="Globex"),
    )

    with database.read() as connection:
        assert directory.look_up(connection, [], ["agency.example"]).companies == {}


def test_what_a_person_states_beats_what_addresses_show(database: Database, hasher: Hasher) -> None:
    add_contacts(
        database,
        hasher,
        draft("Jane", "jane@acme.example", company="Agency"),
        draft("John", "john@gmail.com", company="Acme", company_domain="www.acme.example"),
    )

    with database.read() as connection:
        assert directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].name == "Acme"


def test_says_when_contacts_changed_since_an_answer(database: Database, hasher: Hasher) -> None:
    with database.read() as connection:
        before = directory.stamp(connection)
    add_contacts(database, hasher, draft("Jane", "jane@acme.example"))

    with database.read() as connection:
        assert directory.changed_since(connection, before)
        assert not directory.changed_since(connection, directory.stamp(connection))


def test_finds_everybody_of_a_full_name_however_it_is_written(database: Database, hasher: Hasher) -> None:
    one, other = add_contacts(
        database,
        hasher,
        draft("Bob Birch", "bob@acme.example", "b@acme.example", company="Acme"),
        draft("BIRCH, Robert"),
        draft("Bob Burch", "bb@acme.example"),
    )[:2]

    with database.read() as connection:
        found = directory.named(connection, [name_key("Robert Birch"), ""])

    assert {(holder.contact_id, holder.email) for holder in found["birch robert"]} == {
        (one, "bob@acme.example"),
        (other, ""),
    }


def test_a_name_of_too_many_is_nobodys(database: Database, hasher: Hasher) -> None:
    add_contacts(database, hasher, *(draft("Bob Birch", f"b{i}@acme.example") for i in range(MOST_NAMESAKES + 1)))

    with database.read() as connection:
        assert directory.named(connection, [name_key("Bob Birch")]) == {}


def test_finds_those_of_a_company_whom_initials_may_mean(database: Database, hasher: Hasher) -> None:
    bob, rita = add_contacts(
        database,
        hasher,
        draft("Bob Birch", "bob@acme.example", company="Acme"),
        draft("Birch, Rita", company="Acme"),
        draft("Rob Birch", "rob@globex.example", company="Globex"),
        draft("Ron Burch", company="Acme"),
    )[:2]

    with database.read() as connection:
        companies = directory.look_up(connection, [], ["acme.example", "globex.example"]).companies
        acme, globex = (companies[name].company_id for name in ("acme.example", "globex.example"))
        asked = {(acme, "r birch"), (globex, "b birch"), (globex, "r burch")}
        found = directory.shortened(connection, asked)

    assert found.keys() == {(acme, "r birch")}
    assert {(one.contact_id, one.email) for one in found[acme, "r birch"]} == {(bob, "bob@acme.example"), (rita, "")}


def test_finds_somebody_with_two_family_names_under_either(database: Database, hasher: Hasher) -> None:
    (juan,) = add_contacts(database, hasher, draft("Juan García López", "juan@acme.example", company="Acme"))

    with database.read() as connection:
        company = directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].company_id
        found = directory.shortened(connection, {(company, key) for key in ("j garcia", "j lopez", "j juan", "")})

    assert {key: [one.contact_id for one in people] for (_, key), people in found.items()} == {
        "j garcia": [juan],
        "j lopez": [juan],
    }


def test_first_family_names_of_too_many_at_one_company_mean_nobody(database: Database, hasher: Hasher) -> None:
    """Counted together with those who have it as their last."""
    many = [draft(f"R{chr(97 + i)}x Birch", f"b{i}@acme.example", company="Acme") for i in range(MOST_NAMESAKES)]
    add_contacts(database, hasher, *many, draft("Rob Birch Elm", "rob@acme.example", company="Acme"))

    with database.read() as connection:
        company = directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].company_id
        assert directory.shortened(connection, {(company, "r birch"), (company, "r elm")}).keys() == {
            (company, "r elm")
        }


def test_answers_for_more_initials_than_one_query_takes(database: Database, hasher: Hasher) -> None:
    """A letter may name a thousand people, and a page hold many such letters."""
    add_contacts(database, hasher, draft("Bob Birch", "bob@acme.example", company="Acme"))

    with database.read() as connection:
        company = directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].company_id
        asked = {(company, f"b f{number}") for number in range(35_000)} | {(company, "r birch")}
        assert directory.shortened(connection, asked).keys() == {(company, "r birch")}


def test_initials_of_too_many_at_one_company_mean_nobody(database: Database, hasher: Hasher) -> None:
    many = [draft(f"R{chr(97 + i)}x Birch", f"b{i}@acme.example", company="Acme") for i in range(MOST_NAMESAKES + 1)]
    add_contacts(database, hasher, *many, draft("Rob Birch", "rob@globex.example", company="Globex"))

    with database.read() as connection:
        companies = directory.look_up(connection, [], ["acme.example", "globex.example"]).companies
        pairs = {(one.company_id, "r birch") for one in companies.values()}
        found = directory.shortened(connection, pairs)

    assert [company for company, _ in found] == [companies["globex.example"].company_id]


def test_tells_the_contacts_of_a_company_with_their_numbers(database: Database, hasher: Hasher) -> None:
    add_contacts(
        database,
        hasher,
        Draft(name="Jane", emails=(Email(address="jane@acme.example"),), phones=("+49 30 1234567",), company="Acme"),
        draft("Joe", company="Acme"),
        draft("John", "john@globex.example", company="Globex"),
    )

    with database.read() as connection:
        company = directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].company_id
        (people,) = directory.staff(connection, [company]).values()

    assert {(one.holder.name, one.holder.email, one.phones) for one in people} == {
        ("Jane", "jane@acme.example", ("+49 30 1234567",)),
        ("Joe", "", ()),
    }


def test_a_company_with_too_many_contacts_is_not_told(database: Database, hasher: Hasher) -> None:
    people = (draft(f"N{i}", f"n{i}@acme.example", company="Acme") for i in range(directory.MOST_STAFF + 1))
    add_contacts(database, hasher, *people)

    with database.read() as connection:
        company = directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].company_id
        assert directory.staff(connection, [company]) == {}
