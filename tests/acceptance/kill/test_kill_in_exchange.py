"""Scenario 10, and 37, for both Exchanges: killed at any durable step, the next pass comes to the undisturbed outcome.

One mailbox is read by all installations, which know nothing of each other; the calendar is made by each of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.kill import state
from tests.acceptance.kill.exchange_places import Installations, Online, Server
from tests.acceptance.kill.installations import kill_and_compare
from tests.servers.ews import EwsServer
from tests.servers.graph.server import GraphServer

PARTS = 4
"""Steps are spread over so many tests, so that they run side by side."""

Undisturbed = tuple[state.Rows, list[str]]


@pytest.fixture(scope="module", params=["graph", "exchange"])
def installations(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ca_file: Path
) -> Iterator[Installations]:
    """Where kills happen."""
    folder = tmp_path_factory.mktemp("kill")
    if request.param == "graph":
        server: GraphServer = request.getfixturevalue("graph_server")
        tenant = server.tenant()
        yield Online(folder, tenant, ca_file)
        assert not tenant.violations, "\n".join(tenant.violations)
    else:
        exchange: EwsServer = request.getfixturevalue("ews_server")
        exchange.reset()
        yield Server(folder, exchange)
        broken = list(exchange.violations)
        exchange.reset()
        assert not broken


@pytest.fixture(scope="module")
def undisturbed(installations: Installations) -> Undisturbed:
    """The outcome of a pass that nothing disturbs, and its durable steps."""
    place = installations.fresh("undisturbed")
    ended = place.run("sync")
    assert ended.code == 0, ended.said
    return place.outcome(), ended.steps


def test_the_undisturbed_pass_holds_every_outcome(installations: Installations, undisturbed: Undisturbed) -> None:
    """The comparison is worth something: every table that a pass writes has rows, and the calendar has items."""
    found, steps = undisturbed
    wanted = ("interactions", "participants", "links", "texts", "locations", "reviews", "thread_members", "reminders")
    assert [table for table in (*wanted, "calendar", "changes", "message_refs") if not found[table]] == []
    assert steps.count(f"after {installations.writes}") >= len(found["calendar"]) > 0


@pytest.mark.parametrize("part", range(PARTS))
def test_scenario_10_killed_at_every_durable_step(
    part: int, installations: Installations, undisturbed: Undisturbed
) -> None:
    """SIGKILL at step N, a second process: the same state as if nothing had happened, for every N."""
    expected, steps = undisturbed
    for number in range(1 + part, len(steps) + 1, PARTS):
        kill_and_compare(installations, number, expected, steps)
