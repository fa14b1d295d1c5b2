"""Gives new messages their threads, and joins threads that a message connects. Inside the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.mail import threads
from agent.store.tables import thread_members

Node = bytes | str
"""An id hash, or the name of a thread that exists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """names: id hash -> thread id, of every hash asked for. touched: threads that existed before.

    fresh: hashes that belonged to no thread before. merged: threads that took others in. moves: of threads that had
    messages, in order, which one they are a part of now.
    """

    names: Mapping[bytes, str]
    touched: frozenset[str]
    fresh: frozenset[bytes]
    merged: frozenset[str]
    moves: tuple[tuple[str, str], ...]


def join(database: Database, connection: sa.Connection, groups: Sequence[tuple[bytes, ...]]) -> Joined:
    """Each group holds the ids one message has and refers to, its root first; they become one thread."""
    hashes = sorted({one for group in groups for one in group})
    known = threads.threads_of(connection, hashes)
    names: dict[bytes, str] = {}
    moves: dict[str, str] = {}
    for members in components(groups, known):
        name = _name(connection, members)
        names.update((node, name) for node in members if isinstance(node, bytes))
        moves.update((node, name) for node in members if isinstance(node, str) and node != name)
    moved = threads.merge(connection, moves)
    fresh = [one for one in hashes if one not in known]
    met = _claim(database, connection, fresh, names)
    moved += threads.merge(connection, met)
    return Joined(
        names=names,
        touched=frozenset(moves.get(thread, thread) for thread in known.values()),
        fresh=frozenset(fresh),
        merged=frozenset({*moves.values(), *met.values()}),
        moves=tuple(moved),
    )


def components(groups: Iterable[tuple[bytes, ...]], known: Mapping[bytes, str]) -> list[list[Node]]:
    """Connected sets of ids and threads, members in order of appearance. Pure."""
    parent: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for group in groups:
        first = root(group[0])
        for one in group:
            parent[root(one)] = first
            if one in known:
                parent[root(known[one])] = first
    found: dict[Node, list[Node]] = {}
    for node in list(parent):
        found.setdefault(root(node), []).append(node)
    return list(found.values())


def _name(connection: sa.Connection, members: Sequence[Node]) -> str:
    existing = [node for node in members if isinstance(node, str)]
    if len(existing) > 1:
        return threads.oldest(connection, existing)[0]
    if existing:
        return existing[0]
    return next(node for node in members if isinstance(node, bytes)).hex()


def _claim(
    database: Database, connection: sa.Connection, fresh: Sequence[bytes], names: dict[bytes, str]
) -> dict[str, str]:
    """Enters new ids; where another worker was first, its thread is ours too. Returns the moves that follow."""
    rows = [{"id_hash": one, "thread_id": names[one]} for one in fresh]
    database.insert_new(connection, thread_members, rows)
    if database.is_sqlite:
        return {}  # one writer at a time: nobody can have been first
    theirs = threads.threads_of(connection, fresh)
    moves = {names[one]: thread for one, thread in theirs.items() if thread != names[one]}
    for one, name in names.items():
        names[one] = moves.get(name, name)
    return moves
