"""Many uniform rows, or many values to look for, in one statement at the driver's own speed.

SQLAlchemy compiles the statement and knows how each column is written; what it does for every row and value on top
of that takes longer than SQLite needs to store them, so here whole columns are converted at once.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic_core import to_json

from agent.store import arrays
from agent.store.columns import Instant, microseconds

CHUNK = 10_000
"""Values of one query; SQLite takes 32,766 (sqlite.org/limits.html), PostgreSQL's protocol 65,535."""

LIST = re.compile(r"__\[POSTCOMPILE_\w+\]")
"""What SQLAlchemy leaves where an expanding list is to stand."""
IN_LIST = re.compile(rf"IN \({LIST.pattern}\)")

Value = TypeVar("Value", str, bytes, tuple[str, str])
Convert = Callable[[Any], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """An INSERT as the driver takes it.

    order: its columns; convert: how their values are written, None as they are; constants: of columns that no row
    names. by_row: whether the driver takes rows, else whole columns, each written as an array by `as_arrays`.
    """

    sql: str
    order: tuple[str, ...]
    convert: Mapping[str, Convert | None]
    constants: Mapping[str, object]
    by_row: bool
    as_arrays: Mapping[str, arrays.Array] = field(default_factory=dict)


def plan(statement: sa.Insert, names: Sequence[str], dialect: sa.Dialect) -> Plan:
    """For `statement`, an INSERT without values of its own, into the columns `names`.

    PostgreSQL gets one statement with an array a column: a row each costs its driver ten times as much, and arrays
    that the driver writes cost twice what these here do.
    """
    compiled = statement.inline().compile(dialect=dialect, column_keys=list(names))
    columns = statement.table.c
    order = tuple(compiled.params)
    return Plan(
        sql=str(compiled)
        if dialect.positional
        else _from_arrays(str(compiled), [columns[name] for name in order], dialect),
        order=order,
        convert={name: binding(columns[name].type, dialect) for name in order},
        constants={name: columns[name].default.arg for name in order if name not in names},
        by_row=dialect.positional,
        as_arrays={} if dialect.positional else {name: arrays.array_of(columns[name].type) for name in order},
    )


def returning(plan: Plan, column: str) -> Plan:
    """The same INSERT, telling the value of `column` of those rows that were new."""
    return replace(plan, sql=f"{plan.sql} RETURNING {column}")


def _from_arrays(sql: str, columns: Sequence[sa.ColumnElement[Any]], dialect: sa.Dialect) -> str:
    """The same INSERT from arrays: `… SELECT * FROM unnest(%s::VARCHAR[], …) ON CONFLICT …`, in the arrays' order."""
    head, _, rest = sql.partition(" VALUES (")
    marks = ", ".join(f"%s::{column.type.compile(dialect)}[]" for column in columns)
    conflict = rest.rpartition(" ON CONFLICT ")
    return f"{head} SELECT * FROM unnest({marks}){conflict[1]}{conflict[2]}"  # noqa: S608 - names of our own tables


def binding(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Convert | None:
    """None too for octets: they are taken as they are."""
    if isinstance(kind, sa.JSON):
        return json_text
    if isinstance(kind, Instant):
        return microseconds
    if isinstance(kind, sa.types.TypeDecorator) and isinstance(kind.impl, sa.LargeBinary):
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)


def json_text(value: object) -> str:
    """As both databases take it. In a fifth of the time that the standard library needs."""
    return to_json(value).decode()


def execute(connection: sa.Connection, plan: Plan, rows: Sequence[Mapping[str, object]]) -> sa.CursorResult[Any]:
    """Inserts all rows. Each names the columns that the plan was made for."""
    columns = [_column(plan, name, rows) for name in plan.order]
    if plan.by_row:
        return connection.exec_driver_sql(plan.sql, list(zip(*columns, strict=True)))
    written = (plan.as_arrays[name](column) for name, column in zip(plan.order, columns, strict=True))
    return connection.exec_driver_sql(plan.sql, tuple(written))


def _column(plan: Plan, name: str, rows: Sequence[Mapping[str, object]]) -> list[object]:
    if name in plan.constants:
        return [plan.constants[name]] * len(rows)
    convert = plan.convert[name]
    return [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]


def among(connection: sa.Connection, statement: sa.Select[Any], values: Collection[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of `statement`, whose one parameter is an expanding list, for distinct values however many they are.

    What is selected comes as the driver gives it: for numbers, texts and octets alone.
    """
    if connection.dialect.positional:
        yield from _among_marks(connection, statement, values)
        return
    sql = _any_of(statement, connection.dialect)
    for chunk in chunks(values):
        written = arrays.octets(chunk) if isinstance(chunk[0], bytes) else arrays.words(chunk)
        for row in connection.exec_driver_sql(sql, (written,)):
            yield tuple(row)


def _among_marks(
    connection: sa.Connection, statement: sa.Select[Any], values: Collection[Any]
) -> Iterator[tuple[Any, ...]]:
    head, tail = _around_list(statement, connection.dialect)
    for chunk in chunks(values):
        marks = ",".join("?" * len(chunk))
        for row in connection.exec_driver_sql(f"{head}{marks}{tail}", tuple(chunk)):
            yield tuple(row)


@lru_cache(maxsize=64)
def values_of(column: "sa.Column[Any]") -> sa.Select[Any]:
    """Asks `among` which of some values a column holds."""
    return sa.select(column).where(column.in_(sa.bindparam("values", expanding=True)))


@lru_cache(maxsize=64)
def _around_list(statement: sa.Select[Any], dialect: sa.Dialect) -> tuple[str, str]:
    """The SQL before and behind the list of values. Statements are module constants: each is compiled once."""
    head, tail = LIST.split(str(statement.compile(dialect=dialect)))
    return head, tail


@lru_cache(maxsize=64)
def _any_of(statement: sa.Select[Any], dialect: sa.Dialect) -> str:
    """The SQL with `= ANY (an array)` in place of the list: a mark a value costs the driver more than the query."""
    compiled = str(statement.compile(dialect=dialect))
    kind = next(iter(statement.compile(dialect=dialect).binds.values())).type.compile(dialect)
    return IN_LIST.sub(f"= ANY(%s::{kind}[])", compiled)


def chunks(values: Collection[Value]) -> Iterator[Sequence[Value]]:
    """The distinct values in their order without an empty one, at most CHUNK at a time."""
    remaining = filter(None, dict.fromkeys(values))
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
