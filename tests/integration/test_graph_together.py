"""A source that was opened just now asks many folders in one request, and each refusal is its folder's alone."""

from collections import Counter
from pathlib import Path

import pytest

from connectors.errors import Skippable
from connectors.graph.source import GraphSource
from connectors.message import Cursor, Folder
from tests.contracts.mail_owner import letter
from tests.integration.graph_mailroom import MORNING, Lab
from tests.servers.graph import Tenant
from tests.servers.graph.items import Folder as Stored

MANY = 30
"""More than one batch takes."""


@pytest.fixture
def lab(graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> Lab:
    lab = Lab.make(graph_tenant, ca_file, tmp_path)
    for number in range(MANY):
        lab.mailbox.create_folder(f"Project {number:02}")
    return lab


def project(lab: Lab, number: int) -> Stored:
    (found,) = [folder for folder in lab.mailbox.folders.values() if folder.name == f"Project {number:02}"]
    return found


def begun(source: GraphSource) -> list[tuple[Folder, Cursor | None]]:
    """Every folder with the place from which it is read on."""
    folders = source.folders()
    source.expect([(folder, None) for folder in folders])
    return [(folder, page.cursor) for folder in folders for page in source.changes(folder, None)]


def spent(lab: Lab, before: Counter[str]) -> Counter[str]:
    return lab.tenant.http - before


def test_first_contact_with_many_folders_takes_two_requests(lab: Lab) -> None:
    lab.fill(1, 2)
    source = lab.open()
    folders = source.folders()
    before = lab.tenant.http.copy()
    source.expect([(folder, None) for folder in folders])
    pages = [page for folder in folders for page in source.changes(folder, None)]
    assert len(pages) == len(folders) > MANY
    assert spent(lab, before) == Counter({"POST $batch": 2})
    assert all(page.cursor is not None for page in pages)


def test_an_unchanged_mailbox_is_one_request_for_twenty_folders_to_a_program_that_starts(lab: Lab) -> None:
    places = begun(lab.open())
    source = lab.open()
    source.folders()
    before = lab.tenant.http.copy()
    source.expect(places)
    pages = [page for folder, cursor in places for page in source.changes(folder, cursor)]
    assert spent(lab, before) == Counter({"POST $batch": 2})
    assert [page for page in pages if page.envelopes or page.gone or page.withheld] == []


def test_news_come_with_the_answer_and_once(lab: Lab) -> None:
    places = begun(lab.open())
    lab.fill(1)
    lab.mailbox.deliver(letter(2), folder=project(lab, 7), received=MORNING)
    source = lab.open()
    source.expect(places)
    found = {
        folder.name: [one.message_id for page in source.changes(folder, cursor) for one in page.envelopes]
        for folder, cursor in places
    }
    told = {name: ids for name, ids in found.items() if ids}
    assert {name: len(ids) for name, ids in told.items()} == {"Inbox": 1, "Project 07": 1}


def test_a_folder_that_is_gone_holds_up_no_other(lab: Lab) -> None:
    places = begun(lab.open())
    lab.mailbox.delete_folder(project(lab, 3))
    source = lab.open()
    source.expect(places)
    refused = []
    for folder, cursor in places:
        try:
            list(source.changes(folder, cursor))
        except Skippable:
            refused.append(folder.name)
    assert refused == ["Project 03"]


def test_a_link_that_the_server_forgot_begins_its_folder_anew(lab: Lab) -> None:
    places = begun(lab.open())
    lab.mailbox.expire_links()
    source = lab.open()
    source.expect(places)
    assert all(page.history is not None for folder, cursor in places for page in source.changes(folder, cursor))


def test_polls_that_are_told_of_nothing_new_ask_no_folder_by_itself(lab: Lab) -> None:
    source = lab.open()
    places = begun(source)
    folders = source.folders()
    before = lab.tenant.http.copy()
    source.expect(places)
    assert [page for folder, cursor in places for page in source.changes(folder, cursor) if page.envelopes] == []
    assert len(folders) == len(places)
    assert sum(spent(lab, before).values()) == 0
