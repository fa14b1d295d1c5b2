"""Microsoft Graph keeps the contract of mailboxes: folders that fit into one page, and folders that take many."""

from pathlib import Path

import pytest

from tests.contracts.graph_owner import GraphOwner, access_to
from tests.contracts.mail_source import MailSourceContract
from tests.servers.graph import Tenant


class TestGraph(MailSourceContract):
    can_renumber = False
    knows_size = False
    replays = True
    test_broken_mail_is_read_as_it_is_read_from_its_bytes = None  # type: ignore[assignment]  # the server reads mail for us

    @pytest.fixture
    def owner(self, graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> GraphOwner:
        mailbox = graph_tenant.mailbox("anna@lab.example", names={"inbox": "INBOX"})
        access = access_to(graph_tenant, mailbox.address, ca_file, tmp_path)
        return GraphOwner(tenant=graph_tenant, mailbox=mailbox, access=access, page=100)
