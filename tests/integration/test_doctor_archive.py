"""`crm-agent doctor` looks at an archive on disk, too."""

import shutil
from pathlib import Path

import pytest

from agent.doctor.finding import Verdict
from tests.integration.firm import Firm
from tests.integration.test_doctor import examined, failures


@pytest.fixture
def firm(tmp_path: Path, ca_file: Path) -> Firm:
    return Firm(tmp_path, ca_file)


def test_an_archive_is_looked_at_where_it_lies(firm: Firm) -> None:
    archive = firm.folder / "archive"
    for part in ("cur", "new", "tmp"):
        (archive / part).mkdir(parents=True)
    (archive / "cur" / "1.host:2,S").write_bytes(b"From: a@b.example\r\nMessage-ID: <1@b.example>\r\n\r\nhello\r\n")
    firm.write(
        '[[connectors]]\nname = "archive"\ntype = "maildir"\n'
        f'mailboxes = [{{ address = "di@lab.example", path = "{archive}" }}]\n'
    )
    found = examined(firm)
    assert [(check, each.ok) for (subject, check), each in found.items() if subject == "di"] == [
        ("folders", Verdict.OK),
        ("read", Verdict.OK),
    ]
    shutil.rmtree(archive)
    gone = examined(firm)
    assert failures(gone) == {"folders"}
    assert gone["di", "read"].ok is Verdict.SKIPPED
