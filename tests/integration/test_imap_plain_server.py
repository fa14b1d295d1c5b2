"""The same promises on pymap: no CONDSTORE, ESEARCH, LIST-STATUS or SPECIAL-USE."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.imap import ImapSource
from connectors.message import Message
from tests.integration.imap_lab import Lab, envelopes, first_contact, inbox, mail, news, past
from tests.servers.pymap import Pymap, PymapUser


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


@pytest.fixture
def user(pymap: Pymap) -> PymapUser:
    return pymap.user(["Sent", "Papierkorb", "Año & Ü"])


@pytest.fixture
def source(lab: Lab, user: PymapUser, pymap: Pymap) -> ImapSource:
    return lab.source(user, pymap)


def test_folders_have_roles_by_name(source: ImapSource) -> None:
    assert [(f.name, f.role, f.mark) for f in source.folders()] == [
        ("INBOX", "inbox", None),
        ("Sent", "sent", None),
        ("Año & Ü", None, None),
    ]


def test_both_lanes_flags_ids_and_texts(source: ImapSource, user: PymapUser) -> None:
    for number in range(1, 6):
        user.append("INBOX", mail(number))
    folder = inbox(source)
    forward, history = first_contact(source, folder)
    old, history = past(source, folder, history)
    assert [e.message_id for e in old] == [f"m{n}@lab.example" for n in range(5, 0, -1)]
    user.append("INBOX", mail(6))
    user.flag("INBOX", 1, r"\Flagged")
    user.expunge("INBOX", 2)
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == ["m6@lab.example"]
    assert pages[-1].verify
    assert news(source, folder, forward)[0] == []
    assert not source.flags_in_changes
    ids = source.ids(folder, None)
    assert ids.ids == {"1", "3", "4", "5", "6"}
    flags = source.flags(folder, ids.validity, ["1", "2", "3"])
    assert ({c.id: c.flags.flagged for c in flags.flags}, flags.gone) == ({"1": True, "3": False}, ("2",))
    found = list(source.bodies(folder, ids.validity, sorted(ids.ids)))
    assert [m.text for m in found if isinstance(m, Message)] == ["Hello."] * 5
