"""What applies to one mailbox: its own value beats the connector's defaults, and these beat the connector's own keys.

Tables merge key by key. Some do not: a secret is one reference, a choice of folders is one choice, and a table of
another type or provider has nothing to inherit.
"""

from collections.abc import Collection
from dataclasses import replace

from config.node import Node

_WHOLE = frozenset({"password", "client_secret", "key", "folders", "master"})
_KINDS = ("type", "provider")
_CREDENTIALS = ("password", "oauth")


def layered(connector: Node, mailbox: Node, shared: Collection[str]) -> Node:
    """The keys of `shared` as they apply to the mailbox, in one table that stands where the mailbox stands."""
    result: dict[str, Node] = {}
    defaults = connector.table().get("defaults")
    for layer in filter(None, (connector, defaults, mailbox)):
        written = {name: node for name, node in layer.table().items() if name in shared}
        _drop_other_credentials(result, written)
        for name, node in written.items():
            result[name] = merged(result.get(name), node)
    return replace(mailbox, value=result)


def _drop_other_credentials(below: dict[str, Node], above: dict[str, Node]) -> None:
    """A password nearer to the mailbox means: no token from farther away; and the other way round."""
    for name in _CREDENTIALS:
        if name in above:
            for other in _CREDENTIALS:
                if other not in above:
                    below.pop(other, None)


def merged(below: Node | None, above: Node) -> Node:
    """The value above, completed from below where both are tables of one kind. `true` leaves a table as it is."""
    if below is None:
        return above
    if above.value is True and isinstance(below.value, dict):
        return below
    if not _mergeable(below, above):
        return above
    entries = dict(below.table())
    for name, node in above.table().items():
        entries[name] = merged(entries.get(name), node)
    return replace(above, value=entries)


def _mergeable(below: Node, above: Node) -> bool:
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return False
    if above.key.rpartition(".")[2] in _WHOLE:
        return False
    return not any(_differ(below.value.get(kind), above.value.get(kind)) for kind in _KINDS)


def _differ(one: Node | None, other: Node | None) -> bool:
    return one is not None and other is not None and one.value != other.value
