"""Change tracking: rounds of pages that end in a deltaLink, for messages, folders and calendar views alike.

State tokens are opaque and may be used again: the same link gives the same page. They can be made to expire. The
documentation: "Use delta query to track changes", "Get incremental changes to messages in a folder".
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.servers.graph import refusals
from tests.servers.graph.odata import Call
from tests.servers.graph.web import Answer

DEFAULT_PAGE, LARGEST_PAGE = 10, 1000


@dataclass(frozen=True, kw_only=True)
class LinkExpiry:
    """How a link that is not kept any more is refused. located: with the Location of a full round."""

    status: int = 410
    code: str = "syncStateNotFound"
    located: bool = False


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """A collection whose changes are asked for.

    resource: names it. context: for `@odata.context`. sequence: of the newest change. start: what a first round lists;
    changes: what changed after a sequence; show: an entry as JSON, None if it is not there any more.
    """

    resource: str
    path: str
    context: str
    sequence: int
    start: Callable[[Call], Sequence[Any]]
    changes: Callable[[Call, int], Sequence[Any]]
    show: Callable[[Call, Any], str | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _State:
    """What a token stands for. entries, round, offset: within a round; without entries one begins after `until`.

    paused: the page before was an empty one, at the same place.
    """

    resource: str
    query: Mapping[str, str]
    until: int
    entries: Sequence[Any] | None = None
    round: int = 0
    offset: int = 0
    paused: bool = False


@dataclass(eq=False)
class Tokens:
    """The tokens that a mailbox keeps."""

    states: dict[str, _State] = field(default_factory=dict)
    salt: str = field(default_factory=lambda: secrets.token_hex(8))
    rounds: int = 0

    def keep(self, state: _State, kind: str) -> str:
        """A token for this state; the same one while nothing is different."""
        named = (
            kind,
            state.resource,
            sorted(state.query.items()),
            state.until,
            state.round,
            state.offset,
            state.paused,
        )
        token = hashlib.sha256(f"{self.salt} {named!r}".encode()).hexdigest()[:40]
        self.states[token] = state
        return token

    def next_round(self) -> int:
        """The number of another round."""
        self.rounds += 1
        return self.rounds

    def expire(self, *, next_links: bool, delta_links: bool) -> None:
        """Forget what the tokens stand for."""
        kept = {
            token: state
            for token, state in self.states.items()
            if not (next_links if state.entries is not None else delta_links)
        }
        self.states = kept


def page(call: Call, tracked: Tracked, tokens: Tokens, expiry: LinkExpiry) -> Answer:
    """One page. expiry: how an expired link is refused."""
    token = call.query.get("$skiptoken") or call.query.get("$deltatoken")
    state = _begin(call, tracked, tokens) if not token else _resume(call, token, tracked, tokens, expiry)
    asked = replace(call, query=state.query)
    size = call.page_size(asked.page_size(DEFAULT_PAGE, LARGEST_PAGE), LARGEST_PAGE)
    entries = state.entries or ()
    pauses = call.tenant.faults.empty_pages and not state.paused and state.offset < len(entries)
    chosen, offset = ((), state.offset) if pauses else _slice(call, entries, state.offset, size)
    shown = [text for entry in chosen if (text := tracked.show(asked, entry)) is not None]
    if offset < len(entries):
        link = "@odata.nextLink", f"$skiptoken={tokens.keep(replace(state, offset=offset, paused=pauses), 'skip')}"
    else:
        link = (
            "@odata.deltaLink",
            f"$deltatoken={tokens.keep(replace(state, entries=None, round=0, offset=0, paused=False), 'delta')}",
        )
    return _written(call.base, tracked, shown, *link)


def _begin(call: Call, tracked: Tracked, tokens: Tokens) -> _State:
    entries = _order(call, tracked.start(call))
    return _State(
        resource=tracked.resource,
        query={name: value for name, value in call.query.items() if not name.endswith("token")},
        until=tracked.sequence,
        entries=entries,
        round=tokens.next_round(),
    )


def _resume(call: Call, token: str, tracked: Tracked, tokens: Tokens, expiry: LinkExpiry) -> _State:
    if len(token) != 40 or set(token) - set("0123456789abcdef"):
        raise refusals.bad_request("Badly formed token.")
    state = tokens.states.get(token)
    if state is None or state.resource != tracked.resource:
        location = f"{call.base}{tracked.path}?$deltatoken=" if expiry.located else None
        raise refusals.links_expired(expiry.status, expiry.code, location)
    if state.entries is not None:
        return state
    asked = replace(call, query=state.query)
    entries = _order(call, tracked.changes(asked, state.until))
    return replace(state, entries=entries, until=tracked.sequence, round=tokens.next_round())


def _order(call: Call, entries: Sequence[Any]) -> Sequence[Any]:
    if not call.tenant.faults.shuffle:
        return entries
    return call.tenant.faults.dice.sample(list(entries), len(entries))


def _slice(call: Call, entries: Sequence[Any], offset: int, size: int) -> tuple[Sequence[Any], int]:
    """The entries of a page and where the next one begins."""
    faults = call.tenant.faults
    chosen = entries[offset : offset + size]
    if faults.replay and offset:
        chosen = [*entries[max(0, offset - 3) : offset], *chosen, *chosen[:1]]
    return chosen, offset + size


def _written(base: str, tracked: Tracked, shown: Sequence[str], name: str, token: str) -> Answer:
    head = f'{{"@odata.context":"{base}/$metadata#{tracked.context}","{name}":"{base}{tracked.path}?{token}","value":['
    return Answer(200, (head + ",".join(shown) + "]}").encode("utf-8", "replace"))
