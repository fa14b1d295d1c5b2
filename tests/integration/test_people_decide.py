"""What a person decides on the command line about mail on a real server, and that no later pass undoes it."""

from collections.abc import Callable
from typing import Any

from tests.integration.firm import Firm
from tests.integration.people_desk import id_of, ok
from tests.servers.dovecot import DovecotUser


def named(firm: Firm, message: str) -> list[tuple[str, str]]:
    """(name, rule) of everyone the message is linked to."""
    (one,) = (one for one in firm.rows("interactions", "list") if one["message_id"] == message)
    return [(who["name"], who["rule"]) for who in one["contacts"]]


def interaction(firm: Firm, message: str) -> str:
    (told,) = explained(firm, message)
    return str(told["interaction_id"])


def explained(firm: Firm, message: str) -> list[dict[str, Any]]:
    return firm.rows("explain", message)


def read_all_again(firm: Firm, user: DovecotUser, validity: int) -> None:
    """The directory changes, and the server renumbers the folder: everything is decided anew, twice."""
    ok(firm, "contacts", "add", f"new{validity}@elsewhere.example")
    ok(firm, "sync")
    user.set_uidvalidity("INBOX", validity)
    ok(firm, "sync")


def test_a_moved_message_stays_with_the_contact_whom_people_named(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    message = deliver("1@acme.example", "jane@acme.example")
    assert named(firm, message) == [("Jane Doe", "address")]

    ok(firm, "interactions", "move", interaction(firm, message)[:12], id_of(firm, "Max One"))
    read_all_again(firm, user, 77)

    assert named(firm, message) == [("Max One", "manual")]
    assert firm.rows("interactions", "list", "--contact", "jane@acme.example") == []
    assert explained(firm, message)[0]["rule"] == "manual"
    (moved,) = (row for row in firm.rows("feed") if row["event"] == "moved")
    assert (moved["entity"], moved["body"]["to"]) == (interaction(firm, message), id_of(firm, "Max One"))


def test_a_moved_message_can_be_moved_on_and_back(firm: Firm, user: DovecotUser, deliver: Callable[..., str]) -> None:
    message = deliver("1@acme.example", "jane@acme.example")
    for number, name in enumerate(("Max One", "Mia Two", "Jane Doe", "Mia Two")):
        ok(firm, "interactions", "move", interaction(firm, message), id_of(firm, name))
        read_all_again(firm, user, 77 + number)
        assert named(firm, message) == [(name, "manual")]


def test_a_moved_message_stays_although_its_address_is_shared_later(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    """By the rules alone it would wait for a decision then, and leave the history."""
    message = deliver("1@acme.example", "jane@acme.example")
    ok(firm, "interactions", "move", interaction(firm, message), id_of(firm, "Max One"))
    assert "shared" in firm.run("contacts", "add", "jane@acme.example", "--name", "Joan Doe").stderr
    read_all_again(firm, user, 77)
    assert named(firm, message) == [("Max One", "manual")]


def test_a_moved_reply_of_a_stranger_stays_although_its_conversation_is_removed(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    """By the rules alone nobody in it is a contact then."""
    first = deliver("1@acme.example", "jane@acme.example")
    reply = deliver("2@strange.example", "who@strange.example", more=f"In-Reply-To: <{first}>\r\n")
    assert named(firm, reply) == [("Jane Doe", "thread")]
    ok(firm, "interactions", "move", interaction(firm, reply), id_of(firm, "Max One"))
    ok(firm, "interactions", "remove", interaction(firm, first))
    read_all_again(firm, user, 77)
    assert named(firm, reply) == [("Max One", "manual")]


def test_of_several_contacts_people_say_who_is_not_meant(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    ok(firm, "contacts", "add", "joe@acme.example", "--name", "Joe Roe")
    message = deliver("1@acme.example", "jane@acme.example", to="joe@acme.example")
    unclear = firm.run("interactions", "move", interaction(firm, message), id_of(firm, "Max One"))
    assert unclear.returncode == 2
    assert all(id_of(firm, name) in unclear.stderr for name in ("Jane Doe", "Joe Roe"))

    ok(firm, "interactions", "move", interaction(firm, message), id_of(firm, "Max One"), "--from", "joe@acme.example")
    read_all_again(firm, user, 77)
    assert named(firm, message) == [("Jane Doe", "address"), ("Max One", "manual")]


def test_list_and_show_tell_the_firms_time_and_the_first_names_of_many(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    crowd = [f"w{number}@many.example" for number in range(4)]
    (firm.folder / "many.csv").write_text("name,email\n" + "".join(f"W {address[:2]},{address}\n" for address in crowd))
    ok(firm, "contacts", "import", str(firm.folder / "many.csv"))
    message = deliver("1@acme.example", "jane@acme.example", to=", ".join(crowd))
    written = firm.config.read_text(encoding="utf-8")
    firm.config.write_text(written.replace("domains =", 'timezone = "Europe/Berlin"\ndomains =', 1), encoding="utf-8")

    listed = ok(firm, "interactions", "list")
    shown = ok(firm, "interactions", "show", interaction(firm, message))
    assert "2026-11-20 10:00+01:00" in listed
    assert "2026-11-20 10:00+01:00" in shown
    assert "2 more" in listed
    assert all(address in shown for address in crowd)


def test_a_note_moves_too(firm: Firm, user: DovecotUser) -> None:
    added = ok(firm, "interactions", "add", "--contact", "jane@acme.example", "--kind", "note", "--text", "likes tea")
    ok(firm, "interactions", "move", added.split()[1], id_of(firm, "Mia Two"))
    (note,) = firm.rows("interactions", "list", "--contact", id_of(firm, "Mia Two"))
    assert (note["text"], [who["name"] for who in note["contacts"]]) == ("likes tea", ["Mia Two"])


def test_an_accepted_message_is_logged_with_its_text_at_the_next_pass(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    message = deliver("3@globex.example", "office@globex.example")
    (item,) = firm.rows("review", "list")
    assert (item["message_id"], {one["name"] for one in item["candidates"]}) == (message, {"Max One", "Mia Two"})
    assert firm.run("review", "accept", item["id"], "office@globex.example").returncode == 2

    ok(firm, "review", "accept", item["id"][:10], id_of(firm, "Mia Two"))
    ok(firm, "sync")
    (logged,) = firm.rows("interactions", "list")
    assert (logged["text"], logged["contacts"][0]["name"]) == ("Can you send the offer?", "Mia Two")
    read_all_again(firm, user, 77)

    assert named(firm, message) == [("Mia Two", "manual")]
    assert firm.rows("review", "list") == []
    assert firm.run("review", "accept", item["id"], id_of(firm, "Mia Two")).returncode == 1


def test_a_rejected_message_is_not_logged_and_not_asked_about_again(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    message = deliver("3@globex.example", "office@globex.example")
    (item,) = firm.rows("review", "list")
    ok(firm, "review", "reject", item["id"])
    read_all_again(firm, user, 77)

    assert (firm.rows("review", "list"), firm.rows("interactions", "list")) == ([], [])
    assert [(one["outcome"], one["reason"]) for one in explained(firm, message)] == [("skipped", "no-contact")]
    assert firm.run("reconcile").returncode == 0


def test_a_doubt_on_a_logged_message_is_settled_at_once(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    message = deliver("5@globex.example", "office@globex.example", to="jane@acme.example")
    assert named(firm, message) == [("Jane Doe", "address")]
    (item,) = firm.rows("review", "list")
    ok(firm, "review", "accept", item["id"], id_of(firm, "Max One"))
    assert sorted(named(firm, message)) == [("Jane Doe", "address"), ("Max One", "manual")]
    (told,) = (row for row in firm.rows("feed") if row["event"] == "updated" and row["kind"] == "interaction")
    assert told["body"] == {"contacts": sorted([id_of(firm, "Jane Doe"), id_of(firm, "Max One")])}
    read_all_again(firm, user, 77)
    assert sorted(named(firm, message)) == [("Jane Doe", "address"), ("Max One", "manual")]
    assert firm.rows("review", "list") == []


def test_a_removed_message_is_not_logged_again(firm: Firm, user: DovecotUser, deliver: Callable[..., str]) -> None:
    message = deliver("1@acme.example", "jane@acme.example")
    ok(firm, "interactions", "remove", interaction(firm, message))
    read_all_again(firm, user, 77)

    assert firm.rows("interactions", "list") == []
    assert [(one["outcome"], one["reason"]) for one in explained(firm, f"<{message}>")] == [("skipped", "removed")]
    assert firm.run("interactions", "remove", "nothing").returncode == 1
