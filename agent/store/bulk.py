"""Many uniform rows, or many values to look for, in one statement at the driver's own speed.

SQLAlchemy compiles the statement and knows how each column is written; what it does for every row and value on top
of that takes longer than SQLite needs to store them, so here whole columns are converted at once.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

CHUNK = 10_000
"""Values of one query; SQLite takes 32,766 (sqlite.org/limits.html), PostgreSQL's protocol 65,535."""

_LIST = re.compile(r"__\[POSTCOMPILE_\w+\]")
"""What SQLAlchemy leaves where an expanding list is to stand."""

Value = TypeVar("Value", str, bytes)
Convert = Callable[[Any], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """An INSERT as the driver takes it.

    order: its columns; convert: how their values are written, None as they are; constants: of columns that no row
    names. by_row: whether the driver takes rows, else whole columns as arrays.
    """

    sql: str
    order: tuple[str, ...]
    convert: Mapping[str, Convert | None]
    constants: Mapping[str, object]
    by_row: bool


def plan(statement: sa.Insert, names: Sequence[str], dialect: sa.Dialect) -> Plan:
    """For `statement`, an INSERT without values of its own, into the columns `names`.

    PostgreSQL gets one statement with an array a column: a row each costs its driver ten times as much.
    """
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    columns = statement.table.c
    order = tuple(compiled.params)
    return Plan(
        sql=str(compiled)
        if dialect.positional
        else _from_arrays(str(compiled), [columns[name] for name in order], dialect),
        order=order,
        convert={name: _convert(columns[name].type, dialect) for name in order},
        constants={name: columns[name].default.arg for name in order if name not in names},
        by_row=dialect.positional,
    )


def _from_arrays(sql: str, columns: Sequence[sa.ColumnElement[Any]], dialect: sa.Dialect) -> str:
    """The same INSERT from arrays: `… SELECT * FROM unnest(%s::VARCHAR[], …) ON CONFLICT …`, in the arrays' order."""
    head, _, rest = sql.partition(" VALUES (")
    arrays = ", ".join(f"%s::{column.type.compile(dialect)}[]" for column in columns)
    conflict = rest.rpartition(" ON CONFLICT ")
    return f"{head} SELECT * FROM unnest({arrays}){conflict[1]}{conflict[2]}"  # noqa: S608 - names of our own tables


def _convert(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Convert | None:
    """None too for octets: both drivers take them as they are."""
    if isinstance(kind, sa.types.TypeDecorator) and isinstance(kind.impl, sa.LargeBinary):
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)


def execute(connection: sa.Connection, plan: Plan, rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts all rows. Each names the columns that the plan was made for."""
    columns = [_column(plan, name, rows) for name in plan.order]
    if plan.by_row:
        connection.exec_driver_sql(plan.sql, list(zip(*columns, strict=True)))
    else:
        connection.exec_driver_sql(plan.sql, tuple(columns))


def _column(plan: Plan, name: str, rows: Sequence[Mapping[str, object]]) -> list[object]:
    if name in plan.constants:
        return [plan.constants[name]] * len(rows)
    convert = plan.convert[name]
    return [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]


def among(connection: sa.Connection, statement: sa.Select[Any], values: Collection[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of `statement`, whose one parameter is an expanding list, for distinct values however many they are.

    What is selected comes as the driver gives it: for numbers, texts and octets alone.
    """
    head, tail = _around_list(statement, connection.dialect)
    mark = "?" if connection.dialect.positional else "%s"
    for chunk in chunks(values):
        marks = ",".join([mark] * len(chunk))
        for row in connection.exec_driver_sql(f"{head}{marks}{tail}", tuple(chunk)):
            yield tuple(row)


@lru_cache(maxsize=64)
def _around_list(statement: sa.Select[Any], dialect: sa.Dialect) -> tuple[str, str]:
    """The SQL before and behind the list of values. Statements are module constants: each is compiled once."""
    head, tail = _LIST.split(str(statement.compile(dialect=dialect)))
    return head, tail


def chunks(values: Collection[Value]) -> Iterator[Sequence[Value]]:
    """The distinct values in their order without an empty one, at most CHUNK at a time."""
    remaining = filter(None, dict.fromkeys(values))
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
