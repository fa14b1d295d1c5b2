"""Whatever an owner does between rounds, a client that follows the rounds of a folder knows what stands in it."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.graph_lab import IMMUTABLE, Asker, mail
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox

_NUMBERS = count(1)
_WHAT = ("deliver", "deliver", "away", "back", "read", "delete", "expire", "page", "round")
_ACTIONS = st.lists(st.tuples(st.sampled_from(_WHAT), st.integers(0, 9)), min_size=4, max_size=20)


class Follower:
    """A client that keeps what the rounds of the inbox tell, by id, and begins anew when its links are gone."""

    def __init__(self, asker: Asker, address: str, headers: dict[str, str]) -> None:
        self.asker, self.headers = asker, {**headers, "Prefer": ", ".join([*headers.values(), "odata.maxpagesize=3"])}
        self.start = f"/users/{address}/mailFolders/inbox/messages/delta?$select=isRead"
        self.link = self.start
        self.known: dict[str, bool] = {}
        self.fresh: dict[str, bool] | None = {}

    def page(self) -> bool:
        """Take one page; True if the round is over. In a first round nothing is known to be gone before its end."""
        answer = self.asker.ask("GET", self.link, headers=self.headers)
        if answer.status_code == 410:
            self.link, self.fresh = self.start, {}
            return False
        content = answer.json()
        for entry in content["value"]:
            self._take(entry)
        self.link = content.get("@odata.nextLink") or content["@odata.deltaLink"]
        if "@odata.deltaLink" in content and self.fresh is not None:
            self.known, self.fresh = self.fresh, None
        return "@odata.deltaLink" in content

    def round(self) -> None:
        """Take pages until the round is over."""
        while not self.page():
            pass

    def _take(self, entry: dict[str, Any]) -> None:
        kept = self.known if self.fresh is None else self.fresh
        if "@removed" in entry:
            kept.pop(entry["id"], None)
        else:
            kept[entry["id"]] = entry["isRead"]


def owner_actions(mailbox: Mailbox) -> dict[str, Callable[[int], object]]:
    """What the owner does, to one of the messages if there are any."""

    def some(folder: str, act: Callable[[Any], object]) -> Callable[[int], object]:
        def chosen(number: int) -> None:
            messages = list(mailbox.folder(folder).messages.values())
            if messages:
                act(messages[number % len(messages)])

        return chosen

    return {
        "deliver": lambda number: mailbox.deliver(mail(f"mail {number}")),
        "away": some("inbox", lambda message: mailbox.move(message, "archive")),
        "back": some("archive", lambda message: mailbox.move(message, "inbox")),
        "read": some("inbox", lambda message: mailbox.change(message, isRead=not message.fields["isRead"])),
        "delete": some("inbox", mailbox.delete),
        "expire": lambda _: mailbox.expire_links(),
    }


@pytest.mark.parametrize("headers", [IMMUTABLE, {}], ids=["immutable", "ordinary"])
@given(actions=_ACTIONS, replay=st.booleans(), shuffle=st.booleans(), empty=st.booleans())
@settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_a_client_that_follows_the_rounds_knows_the_folder(
    graph_client: Asker,
    graph_tenant: Tenant,
    headers: dict[str, str],
    actions: list[tuple[str, int]],
    replay: bool,
    shuffle: bool,
    empty: bool,
) -> None:
    """By either kind of id, through replays, mixed and empty pages, expired links and changes in mid-round."""
    mailbox = graph_tenant.mailbox(f"user{next(_NUMBERS)}@firm.example")
    faults = graph_tenant.faults
    faults.replay, faults.shuffle, faults.empty_pages = replay, shuffle, empty
    client, acts = Follower(graph_client, mailbox.address, headers), owner_actions(mailbox)
    for what, number in actions:
        if what in acts:
            acts[what](number)
        else:
            getattr(client, what)()
    client.round()
    client.round()
    standing = mailbox.folder("inbox").messages.values()
    assert client.known == {m.immutable_id if headers else m.id: m.fields["isRead"] for m in standing}
