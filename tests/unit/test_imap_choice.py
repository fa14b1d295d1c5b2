"""Which folders are read: roles by name in many languages, and the admin's choice."""

import pytest

from config.model import FolderChoice
from connectors.folders.choice import Chosen, Seen, choose
from connectors.folders.roles import role_by_name


def seen(name: str, role: str | None = None, *, path: tuple[str, ...] | None = None) -> Seen:
    return Seen(key=name, name=name, path=path or tuple(name.split("/")), delimiter="/", role=role, mark=None)


def chosen(
    *folders: Seen, choice: FolderChoice | None = None, gmail: bool = False, exchange: bool = False
) -> list[str]:
    return [f.name for f in decide(*folders, choice=choice, gmail=gmail, exchange=exchange).folders]


def decide(*folders: Seen, choice: FolderChoice | None, gmail: bool = False, exchange: bool = False) -> Chosen:
    return choose(folders, choice or FolderChoice(), gmail=gmail, exchange=exchange)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Papierkorb", "trash"),
        ("Gelöschte Elemente", "trash"),
        ("Éléments supprimés", "trash"),
        ("DELETED ITEMS", "trash"),
        ("ゴミ箱", "trash"),
        ("Корзина", "trash"),
        ("Junk-E-Mail", "junk"),
        ("Courrier indésirable", "junk"),
        ("Entwürfe", "drafts"),
        ("Brouillons", "drafts"),
        ("Gesendete Objekte", "sent"),
        ("Posta inviata", "sent"),
        ("已发送", "sent"),
        ("Archiv", "archive"),
        ("Customers", None),
        ("Trash can designs", None),
    ],
)
def test_roles_are_known_by_name_in_many_languages(name: str, role: str | None) -> None:
    assert role_by_name(name) == role


def test_no_name_stands_for_two_roles_and_none_is_empty() -> None:
    from connectors.folders import roles

    names = [name for group in roles._NAMES.values() for name in roles._folded(group)]
    assert len(names) == len(set(names))
    assert "" not in names


def test_a_name_counts_at_the_top_only_and_what_lies_in_the_trash_is_trash() -> None:
    folders = [seen("INBOX", "inbox"), seen("Papierkorb"), seen("Papierkorb/Alt"), seen("Projects/Trash")]
    assert chosen(*folders) == ["INBOX", "Projects/Trash"]


def test_a_second_trash_beside_the_servers_own_is_left_out_too() -> None:
    assert chosen(seen("INBOX", "inbox"), seen("Trash", "trash"), seen("Deleted Items")) == ["INBOX"]


def test_all_mail_is_read_instead_of_labels_on_gmail_only() -> None:
    folders = [seen("INBOX", "inbox"), seen("[Gmail]/All Mail", "all"), seen("Label")]
    assert chosen(*folders, gmail=True) == ["[Gmail]/All Mail"]
    assert chosen(*folders) == ["INBOX", "Label"]
    assert chosen(seen("INBOX", "inbox"), seen("Label"), gmail=True) == ["INBOX", "Label"]


def test_folders_that_hold_no_mail_are_left_out_where_it_is_exchange() -> None:
    folders = [seen("INBOX", "inbox"), seen("Calendar"), seen("Notes"), seen("Notes/Sub"), seen("Work")]
    assert chosen(*folders, exchange=True) == ["INBOX", "Work"]
    assert chosen(*folders) == ["INBOX", "Calendar", "Notes", "Notes/Sub", "Work"]
    assert chosen(*folders, seen("Sync Issues")) == ["INBOX", "Work"]


def test_a_folder_chosen_by_name_is_read_whatever_its_role() -> None:
    folders = [seen("INBOX", "inbox"), seen("Trash", "trash")]
    assert chosen(*folders, choice=FolderChoice(names=("Trash",))) == ["Trash"]


def test_a_name_with_glob_characters_means_itself() -> None:
    choice = FolderChoice(names=("[Gmail]/Sent",))
    assert chosen(seen("[Gmail]/Sent"), seen("G/Sent"), choice=choice) == ["[Gmail]/Sent"]


def test_names_match_without_regard_to_case_and_composition() -> None:
    choice = FolderChoice(names=("u\u0308bung",))
    assert chosen(seen("Übung"), choice=choice) == ["Übung"]


def test_every_name_that_nobody_has_is_told_and_an_excluded_one_is_not_missing() -> None:
    choice = FolderChoice(names=("A", "B*", "C"), exclude=("A",))
    decision = decide(seen("A"), seen("Bee"), choice=choice)
    assert [f.name for f in decision.folders] == ["Bee"]
    assert decision.missing == ("C",)
