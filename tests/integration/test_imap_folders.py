"""Folders of a real Dovecot: any name, roles, the personal namespace only, and what the admin chose."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.model import FolderChoice
from connectors.errors import Retriable
from connectors.imap import ImapSource
from tests.integration.imap_lab import Lab, first_contact, mail, past
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy

ODD = [
    'Año & "x"/日本',
    "R&D",
    "back\\slash",
    "100%",
    "* star",
    "  spaces ",
    "Übung/Ä/ö",
    "&",
    "123",
    "NIL",
    "{5}",
    "(x)",
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


def names(source: ImapSource) -> list[str]:
    return [folder.name for folder in source.folders()]


def test_any_folder_name_is_listed_and_read(lab: Lab, dovecot: Dovecot) -> None:
    user = dovecot.user(["Sent", *ODD])
    for number, folder in enumerate(ODD):
        user.append(folder, mail(number))
    source = lab.source(user, dovecot)
    found = {folder.name: folder for folder in source.folders()}
    assert set(ODD) <= set(found)
    for number, name in enumerate(ODD):
        _, history = first_contact(source, found[name])
        assert [e.message_id for e in past(source, found[name], history)[0]] == [f"m{number}@lab.example"]


def test_names_that_are_not_modified_utf7_are_kept_as_they_are(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    user = dovecot.user(["Sent", "RD"])
    proxy.rewrite_server(lambda raw: raw.replace(b"RD", b'"R&D"') if raw.startswith(b"* LIST") else raw)
    proxy.rewrite_client(lambda line: line.replace(b'"R&D"', b'"RD"'))
    source = lab.source(user, dovecot, port=proxy.port)
    (folder,) = [folder for folder in source.folders() if folder.name == "R&D"]
    assert first_contact(source, folder)


def test_trash_junk_and_drafts_are_left_out_and_inbox_and_sent_come_first(lab: Lab, dovecot: Dovecot) -> None:
    user = dovecot.user(["Trash", "Junk", "Drafts", "Archive", "Customers", "Sent", "Trash/Old"])
    source = lab.source(user, dovecot)
    assert [(f.name, f.role) for f in source.folders()] == [
        ("INBOX", "inbox"),
        ("Sent", "sent"),
        ("Customers", None),
        ("Archive", "archive"),
    ]


def test_the_admins_choice_counts_and_a_name_nobody_has_is_told(lab: Lab, dovecot: Dovecot) -> None:
    user = dovecot.user(["Sent", "Customers/North", "Customers/South", "Private stuff"])
    chosen = FolderChoice(names=("inbox", "customers/*", "Nowhere"), exclude=("*south",))
    source = lab.source(user, dovecot, folders=chosen)
    assert names(source) == ["INBOX", "Customers/North"]
    assert source.missing_folders == ("Nowhere",)
    by_role = lab.source(user, dovecot, folders=FolderChoice(roles=("sent",)))
    assert names(by_role) == ["Sent"]
    assert by_role.missing_folders == ()
    without = lab.source(user, dovecot, folders=FolderChoice(exclude=("private*",)))
    assert "Private stuff" not in names(without)


def test_names_are_matched_below_the_namespaces_prefix(lab: Lab, make_dovecot: Callable[..., Dovecot]) -> None:
    server = make_dovecot(separator=".", prefix="INBOX.")
    user = server.user(["INBOX.Sent", "INBOX.Papierkorb", "INBOX.Customers"])
    source = lab.source(user, server, folders=FolderChoice(names=("INBOX", "Customers")))
    assert names(source) == ["INBOX", "INBOX.Customers"]
    usual = lab.source(user, server)
    assert [(f.name, f.role) for f in usual.folders()] == [
        ("INBOX", "inbox"),
        ("INBOX.Sent", "sent"),
        ("INBOX.Customers", None),
    ]


def test_other_peoples_and_shared_folders_are_not_read(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    user = dovecot.user(["Sent", "Public/All", "Users/bob", "Publications"])
    proxy.rewrite_server(
        lambda raw: (
            raw.replace(b"NIL NIL", b'(("Users/" "/")) (("Public/" "/"))') if raw.startswith(b"* NAMESPACE") else raw
        )
    )
    source = lab.source(user, dovecot, port=proxy.port)
    assert names(source) == ["INBOX", "Sent", "Publications"]


def test_listing_costs_one_round_trip_and_marks_say_whether_anything_is_new(
    lab: Lab, dovecot: Dovecot, proxy: ImapProxy
) -> None:
    user = dovecot.user(["Sent", *(f"Folder {n}" for n in range(20))])
    source = lab.source(user, dovecot, port=proxy.port)
    before = {folder.key: folder.mark for folder in source.folders()}
    assert all(before.values())
    assert source.round_trips == 1
    user.append("Folder 7", mail(1))
    after = {folder.key: folder.mark for folder in source.folders()}
    assert [key for key in before if before[key] != after[key]] == ["Folder 7"]
    user.flag("Folder 7", 1, r"\Flagged")
    flagged = {folder.key: folder.mark for folder in source.folders()}
    assert [key for key in after if after[key] != flagged[key]] == ["Folder 7"]
    assert source.round_trips == 3
    assert proxy.commands["EXAMINE"] == proxy.commands["STATUS"] == 0


@pytest.mark.parametrize(
    "hidden", [("LIST-STATUS",), ("LIST-STATUS", "LIST-EXTENDED"), ("NAMESPACE",), ("SPECIAL-USE",)]
)
def test_without_extensions_the_folders_are_the_same(
    lab: Lab, dovecot: Dovecot, proxy: ImapProxy, hidden: list[str]
) -> None:
    user = dovecot.user(["Sent", "Trash", "Customers"])
    proxy.hide_capability(*hidden)
    source = lab.source(user, dovecot, port=proxy.port)
    assert [(f.name, f.role) for f in source.folders()] == [("INBOX", "inbox"), ("Sent", "sent"), ("Customers", None)]


def test_an_empty_or_garbled_list_is_an_empty_answer(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    user = dovecot.user(["Sent"])
    source = lab.source(user, dovecot, port=proxy.port)
    proxy.empty_list()
    assert source.folders() == ()
    proxy.clear()
    proxy.garble_list()
    assert source.folders() == ()
    proxy.clear()
    assert names(source) == ["INBOX", "Sent"]


def test_one_garbled_line_hides_only_its_own_folder(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    user = dovecot.user(["Sent", "Bad", "Good"])
    proxy.rewrite_server(lambda raw: raw.replace(b"Bad", b'(("') if raw.startswith(b"* LIST") else raw)
    assert names(lab.source(user, dovecot, port=proxy.port)) == ["INBOX", "Sent", "Good"]


def test_a_list_that_is_refused_is_tried_later(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    proxy.answer(rb"^LIST", b"NO [SERVERBUG] Internal error")
    with pytest.raises(Retriable, match="list the folders"):
        lab.source(dovecot.user(), dovecot, port=proxy.port).folders()


def test_a_renamed_folder_keeps_its_mail_under_another_key(lab: Lab, dovecot: Dovecot) -> None:
    user: DovecotUser = dovecot.user(["Sent", "Old"])
    user.append("Old", mail(1))
    source = lab.source(user, dovecot)
    user.rename("Old", "New")
    (folder,) = [folder for folder in source.folders() if folder.name == "New"]
    _, history = first_contact(source, folder)
    assert [e.message_id for e in past(source, folder, history)[0]] == ["m1@lab.example"]


def test_gmail_is_read_through_all_mail_with_its_ids_and_labels(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    """Dovecot dressed as Gmail: the capability, the \\All attribute and the X-GM items are put in by the proxy."""
    user = dovecot.user(["Sent", "[Gmail]/All Mail", "Label"])
    user.append("[Gmail]/All Mail", mail(1))
    proxy.announce("X-GM-EXT-1")
    proxy.rewrite_server(
        lambda raw: raw.replace(b"* LIST (", rb"* LIST (\All ", 1) if b"All Mail" in raw and b"* LIST" in raw else raw
    )
    proxy.rewrite_client(lambda line: line.replace(b" X-GM-MSGID X-GM-THRID X-GM-LABELS", b""))
    gmail = rb'X-GM-MSGID 1278455344230 X-GM-THRID 1266894439832 X-GM-LABELS ("\\Sent" CRM "Gr&APwA3w-e") UID'
    proxy.rewrite_server(lambda raw: raw.replace(b"(UID", b"(" + gmail, 1) if b" FETCH (UID" in raw else raw)
    source = lab.source(user, dovecot, port=proxy.port)
    (folder,) = source.folders()
    assert (folder.name, folder.role) == ("[Gmail]/All Mail", "all")
    _, history = first_contact(source, folder)
    ((envelope,), _) = past(source, folder, history)
    assert (envelope.provider_id, envelope.provider_thread) == ("1278455344230", "1266894439832")
    assert envelope.flags.categories == {"CRM", "Grüße"}


@pytest.mark.parametrize(("large", "round_trips"), [(20_000, 1), (0, 2)])
def test_marks_tell_of_mail_that_came_into_the_folder_that_is_open(
    lab: Lab, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch, large: int, round_trips: int
) -> None:
    """Dovecot tells of an open folder what it was when the session last looked at it."""
    monkeypatch.setattr("connectors.imap.session.LARGE_FOLDER", large)
    user = dovecot.user(["Sent"])
    source = lab.source(user, dovecot)
    for number in range(5):
        (folder, _) = source.folders()
        first_contact(source, folder)
        user.append("INBOX", mail(number))
        before = source.round_trips
        assert source.folders()[0].mark != folder.mark
        assert source.round_trips - before == round_trips
