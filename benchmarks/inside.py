"""The agent's own rooms in this process, for what cannot be seen from outside: passes over a mailbox, one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from agent import observe
from agent.bootstrap import House, open_house
from agent.engine.once import run_once
from agent.engine.runner import Ending, Runner
from agent.store import roll
from config.load import load
from connectors.imap import ImapSource


class Agent:
    """A daemon whose passes are made when told. Connections are kept between them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._runner = Runner(database=house.database, work=house.work(eager=False))
        roll.settle(house.database, house.settings, house.hasher, self._runner.clock())

    def read(self, address: str) -> None:
        """One pass over one mailbox. Raises what it failed with."""
        chosen = [one for one in self.house.settings.mailboxes if one.address == address]
        (passed,) = run_once(self._runner, chosen, Event())
        if passed.ended.ending is not Ending.DONE:
            raise passed.ended.error or AssertionError(passed.ended.ending)

    def round_trips(self, address: str) -> int:
        """Flights of commands on the kept connection of a mailbox since its sign-in."""
        (mailbox,) = (one for one in self.house.settings.mailboxes if one.address == address)

        def count(source: object) -> int:
            assert isinstance(source, ImapSource)
            return source.round_trips

        return self.house.sources.use(mailbox, count)


@contextmanager
def open_agent(config: Path) -> Iterator[Agent]:
    """The agent of this configuration."""
    observe.configure("json", "warning")
    with open_house(load(config)) as house:
        yield Agent(house)
