"""What archives meet on real disks: other layouts, links, files that move while they are read, files without mail."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from config.model import FolderChoice, ImapAccess, Mailbox, Reminders
from config.secrets import Secret
from connectors.errors import Fatal
from connectors.maildir import ArchiveSource, open_source
from connectors.message import Flags, Folder, Message, Page, Withheld
from tests.contracts.archive_owner import EmlOwner, MaildirOwner, MboxOwner, mailbox_at
from tests.contracts.mail_source import START, envelopes, letter, message_ids, names


def source_at(path: Path, **choice: tuple[str, ...]) -> ArchiveSource:
    mailbox = mailbox_at(path)
    return open_source(mailbox.model_copy(update={"folders": FolderChoice(**choice)}))


def first(source: ArchiveSource, name: str = "INBOX") -> tuple[Folder, Page]:
    folder = next(folder for folder in source.folders() if folder.name == name)
    (page,) = source.changes(folder, None)
    return folder, page


def history(source: ArchiveSource, name: str = "INBOX") -> list[Page]:
    folder, page = first(source, name)
    assert page.history is not None
    return list(source.history(folder, page.history, None))


def message_in(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(letter(number))


class TestMaildirLayouts:
    def test_subfolders_of_maildir_plus_plus_have_readable_names_and_roles(self, tmp_path: Path) -> None:
        message_in(tmp_path / "cur" / "1700000001.M1P1.x:2,S", 1)
        for number, name in enumerate((".Sent", ".Projekte.Entw&APw-rfe", ".Papierkorb", ".Papierkorb.Alt"), start=2):
            message_in(tmp_path / name / "cur" / f"1700000001.M{number}P1.x:2,", number)
        found = {folder.name: folder.role for folder in source_at(tmp_path).folders()}
        assert found == {"INBOX": "inbox", "Sent": "sent", "Projekte/Entwürfe": None}

    def test_folders_inside_one_another_are_found(self, tmp_path: Path) -> None:
        message_in(tmp_path / "Customers" / "cur" / "1700000001.M1P1.x", 1)
        message_in(tmp_path / "Customers" / "Acme" / "new" / "1700000001.M2P1.x", 2)
        (tmp_path / "Customers" / "Acme" / "cur").mkdir()
        source = source_at(tmp_path)
        assert [folder.name for folder in source.folders()] == ["Customers", "Customers/Acme"]
        assert message_ids(history(source, "Customers/Acme")) == names(2)

    def test_the_choice_of_folders_holds_for_archives(self, tmp_path: Path) -> None:
        for name in (".Sent", ".Private.Diary", ".Customers"):
            message_in(tmp_path / name / "cur" / "1700000001.M1P1.x", 1)
        chosen = source_at(tmp_path, names=("Sent", "Private*"), exclude=("*Diary",)).folders()
        assert [folder.name for folder in chosen] == ["Sent"]

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        message_in(outside / "cur" / "1700000009.M1P1.x", 9)
        message_in(outside / "secret.eml", 8)
        inside = tmp_path / "Maildir"
        message_in(inside / "cur" / "1700000001.M1P1.x", 1)
        (inside / "cur" / "1700000002.M1P1.x").symlink_to(outside / "secret.eml")
        (inside / ".Linked").symlink_to(outside)
        source = source_at(inside)
        assert [folder.name for folder in source.folders()] == ["INBOX"]
        assert message_ids(history(source)) == names(1)

    def test_a_link_to_the_archive_itself_is_the_archive(self, tmp_path: Path) -> None:
        message_in(tmp_path / "Maildir" / "cur" / "1700000001.M1P1.x", 1)
        (tmp_path / "link").symlink_to(tmp_path / "Maildir")
        assert message_ids(history(source_at(tmp_path / "link"))) == names(1)

    def test_what_is_no_regular_file_is_no_message(self, tmp_path: Path) -> None:
        message_in(tmp_path / "cur" / "1700000001.M1P1.x", 1)
        os.mkfifo(tmp_path / "cur" / "1700000002.M1P1.x")
        (tmp_path / "cur" / ".nfs000001").write_bytes(letter(3))
        assert message_ids(history(source_at(tmp_path))) == names(1)


class TestMaildirMessages:
    @pytest.fixture
    def owner(self, tmp_path: Path) -> MaildirOwner:
        return MaildirOwner(tmp_path / "Maildir")

    def test_a_message_renamed_after_the_listing_is_read_under_its_new_name(self, owner: MaildirOwner) -> None:
        id = owner.append("INBOX", letter(1), START)
        source = owner.open()
        folder, page = first(source)
        reading = source.bodies(folder, page.validity, [id, id])
        assert isinstance(next(reading), Message)
        owner.flag("INBOX", id, Flags(flagged=True))
        assert isinstance(next(reading), Message)

    def test_mail_put_in_with_an_older_name_is_hinted_at(self, owner: MaildirOwner) -> None:
        owner.append("INBOX", letter(2), START)
        source = owner.open()
        folder, page = first(source)
        message_in(owner.root / "cur" / "1700000001.M1P1.x:2,S", 1)
        pages = list(source.changes(folder, page.cursor))
        assert [page.verify for page in pages] == [True]
        assert len(source.ids(folder, None).ids) == 2
        assert list(source.changes(folder, pages[-1].cursor)) == []

    @pytest.mark.parametrize(
        ("saved", "modified", "expected"),
        [
            (1_790_000_000, 1_700_000_000, 1_700_000_000),  # an import that kept the server's time
            (1_700_000_000, 1_790_000_000, 1_700_000_000),  # a copy that did not keep the file's time
        ],
    )
    def test_the_server_time_is_the_earlier_of_name_and_file(
        self, owner: MaildirOwner, saved: int, modified: int, expected: int
    ) -> None:
        path = owner.root / "cur" / f"{saved}.M1P1.x:2,"
        message_in(path, 1)
        os.utime(path, (modified, modified))
        (envelope,) = envelopes(history(owner.open()))
        assert envelope.server_time == datetime.fromtimestamp(expected, UTC)

    def test_a_file_name_that_is_no_text_is_an_id_all_the_same(self, owner: MaildirOwner) -> None:
        path = os.fsencode(owner.root / "cur") + b"/1700000001.M1P1.\xff\xfe:2,"
        Path(os.fsdecode(path)).write_bytes(letter(1))
        source = owner.open()
        (envelope,) = envelopes(history(source))
        envelope.id.encode("utf-8")
        folder, page = first(source)
        (body,) = source.bodies(folder, page.validity, [envelope.id])
        assert isinstance(body, Message)

    def test_a_message_that_cannot_be_read_stops_only_itself(self, owner: MaildirOwner) -> None:
        good = owner.append("INBOX", letter(1), START)
        bad = owner.append("INBOX", letter(2), START)
        source = owner.open()
        folder, page = first(source)
        path = owner.root / "new" / bad
        path.unlink()
        path.symlink_to("/etc/passwd")
        read = {found.id: found for found in source.bodies(folder, page.validity, [good, bad])}
        assert isinstance(read[good], Message)
        assert isinstance(read[bad], Withheld)


class TestMbox:
    @pytest.fixture
    def owner(self, tmp_path: Path) -> MboxOwner:
        return MboxOwner(tmp_path / "inbox.mbox")

    def test_a_from_line_in_a_text_ends_no_message(self, owner: MboxOwner) -> None:
        owner.path.write_bytes(
            b"From jane@x.example Tue Mar  3 10:11:12 2026\nMessage-ID: <m1@lab.example>\n\n"
            b"Hello\n\nFrom now on we order more.\n\n>From here too.\n>>From there.\n\n"
            b"From bob@x.example Tue Mar  3 10:11:13 2026 +0100\nMessage-ID: <m2@lab.example>\n\nBye\n"
        )
        source = owner.open()
        folder, page = first(source)
        old = envelopes(history(source))
        assert [envelope.message_id for envelope in old] == names(2, 1)
        assert old[0].server_time == datetime(2026, 3, 3, 9, 11, 13, tzinfo=UTC)
        (body,) = source.bodies(folder, page.validity, [old[1].id])
        assert isinstance(body, Message)
        assert body.text == "Hello\n\nFrom now on we order more.\n\nFrom here too.\n>From there."

    def test_a_separator_with_a_year_that_no_calendar_has_leaves_the_files_time(self, owner: MboxOwner) -> None:
        owner.path.write_bytes(
            b"From jane@x.example Fri Dec 31 23:59:59 9999 -1200\nMessage-ID: <m1@lab.example>\n\nHi\n"
        )
        os.utime(owner.path, (START.timestamp(), START.timestamp()))
        (envelope,) = envelopes(history(owner.open()))
        assert envelope.server_time == START

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            *(("T", Flags(draft=True)), ("AF", Flags(flagged=True))),
            *(("RT", Flags()), ("RGT", Flags(flagged=True)), ("OFT", Flags())),
        ],
    )
    def test_kmail_means_an_attachment_where_others_mean_a_draft(
        self, owner: MboxOwner, status: str, expected: Flags
    ) -> None:
        head = f"From jane@x.example Tue Mar  3 10:11:12 2026\nX-Status: {status}\nMessage-ID: <m1@lab.example>\n\nHi\n"
        owner.path.write_bytes(head.encode())
        (envelope,) = envelopes(history(owner.open()))
        assert envelope.flags == expected

    def test_ids_survive_appending_compacting_and_a_change_of_status(self, owner: MboxOwner) -> None:
        ids = [owner.append("INBOX", letter(number), START) for number in range(1, 6)]
        owner.expunge("INBOX", ids[1])
        owner.flag("INBOX", ids[3], Flags(flagged=True))
        last = owner.append("INBOX", letter(6), START)
        source = owner.open()
        folder, _ = first(source)
        assert source.ids(folder, None).ids == {ids[0], ids[2], ids[3], ids[4], last}

    def test_messages_that_are_alike_are_counted(self, owner: MboxOwner) -> None:
        ids = [owner.append("INBOX", letter(1), START) for _ in range(3)]
        assert len(set(ids)) == 3
        assert message_ids(history(owner.open())) == names(1, 1, 1)

    def test_one_open_source_sees_what_is_appended_and_what_is_taken_out(self, owner: MboxOwner) -> None:
        ids = [owner.append("INBOX", letter(number), START) for number in range(1, 4)]
        source = owner.open()
        folder, page = first(source)
        owner.append("INBOX", letter(4), START)
        pages = list(source.changes(folder, page.cursor))
        assert message_ids(pages) == names(4)
        owner.expunge("INBOX", ids[0])
        owner.append("INBOX", letter(5), START)
        later = list(source.changes(folder, pages[-1].cursor))
        assert message_ids(later) == names(5)
        assert later[0].verify

    def test_separators_are_found_wherever_a_block_ends(
        self, owner: MboxOwner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(1, 31):
            owner.append("INBOX", letter(number), START)
        expected = owner._ids()
        for block in (64, 97, 256, 1000):
            monkeypatch.setattr("connectors.archive.mbox._BLOCK", block)
            assert owner._ids() == expected

    def test_another_file_in_its_place_is_read_anew(self, owner: MboxOwner) -> None:
        old = owner.append("INBOX", letter(1), START)
        source = owner.open()
        folder, page = first(source)
        owner.path.unlink()
        other = MboxOwner(owner.path)
        new = other.append("INBOX", letter(2), START)
        pages = list(source.changes(folder, page.cursor))
        assert any(page.verify for page in pages)
        assert source.ids(folder, None).ids == {new}
        assert source.flags(folder, page.validity, [old, new]).gone == (old,)


class TestEml:
    def test_folders_of_eml_files_are_folders_and_other_files_are_not_mail(self, tmp_path: Path) -> None:
        message_in(tmp_path / "one.EML", 1)
        message_in(tmp_path / "2024" / "Acme" / "two.eml", 2)
        (tmp_path / "2024" / "notes.txt").write_text("no mail")
        source = source_at(tmp_path)
        assert [folder.name for folder in source.folders()] == ["INBOX", "2024/Acme"]
        assert message_ids(history(source, "2024/Acme")) == names(2)

    def test_the_floor_is_the_time_of_the_file(self, tmp_path: Path) -> None:
        owner = EmlOwner(tmp_path / "mail")
        for number in range(1, 4):
            owner.append("INBOX", letter(number), START + timedelta(days=number))
        source = owner.open()
        folder, page = first(source)
        assert page.history is not None
        assert message_ids(source.history(folder, page.history, date(2026, 3, 4))) == names(3, 2)


class TestWrongPaths:
    @pytest.mark.parametrize(
        ("make", "says"),
        [
            (lambda path: None, "is not there"),
            (lambda path: path.mkdir(), "holds no mail"),
            (lambda path: path.write_text("hello\n"), "no mbox"),
            (lambda path: path.write_bytes(letter(1)), "no mbox"),
            (lambda path: path.symlink_to(path), "is not there"),
        ],
    )
    def test_a_path_without_archive_is_refused_in_one_sentence(self, tmp_path: Path, make, says: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # one of the lambdas above
        make(tmp_path / "archive")
        with pytest.raises(Fatal, match=says) as refused:
            source_at(tmp_path / "archive").folders()
        assert refused.value.advice

    def test_a_mailbox_of_another_type_is_refused(self) -> None:
        access = ImapAccess(host="imap.x.example", username="anna", password=Secret(env="X"))
        mailbox = Mailbox(
            address="a@x.example",
            connector="c",
            access=access,
            timezone="UTC",
            capture="full",
            reminders=Reminders(),
        )
        with pytest.raises(Fatal, match="no archive"):
            open_source(mailbox)
