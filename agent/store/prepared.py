"""Queries that are asked often, compiled once: where few rows come, making one takes longer than answering it.

What a list of ids selects is asked in one statement however many they are; PostgreSQL gets the list as one array.
Values and columns are converted as the types of the tables say.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agent.store import arrays, driver
from agent.store.bulk import IN_LIST, LIST, Convert, binding, chunks

VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
"""Where the list stands: `column.in_(VALUES)`. A query has at most one, and may name it twice."""

Read = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """For one kind of database. head, tail: around the list; the whole is in `head` where it is an array or none.

    order: names of the parameters by position, for drivers that know no names. convert: how each is written; read: how
    columns are read, by position.
    """

    parts: Sequence[str]
    order: Sequence[str]
    constants: Mapping[str, object]
    convert: Mapping[str, Convert | None]
    read: Mapping[int, Read]


class Prepared:
    """A SELECT or UPDATE with its parameters named by `sa.bindparam`. Make it once, beside the code that asks it."""

    def __init__(self, statement: sa.Select[Any] | sa.Update) -> None:
        self._statement = statement
        self._plans: dict[str, _Plan] = {}

    def among(self, connection: sa.Connection, values: Collection[str], **bound: object) -> list[tuple[Any, ...]]:
        """Rows for a list of distinct words."""
        found: list[tuple[Any, ...]] = []
        for chunk in chunks(values):
            found += self._rows(connection, chunk, bound)
        return found

    def rows(self, connection: sa.Connection, **bound: object) -> list[tuple[Any, ...]]:
        """Rows of a query without a list."""
        return self._rows(connection, (), bound)

    def change(self, connection: sa.Connection, **bound: object) -> int:
        """Carries out an UPDATE without a list; how many rows it met."""
        return driver.change(connection, *_asked(self._plan(connection.dialect), (), bound))

    def change_among(self, connection: sa.Connection, values: Collection[str], **bound: object) -> None:
        """Carries out an UPDATE for a list of distinct words."""
        plan = self._plan(connection.dialect)
        for chunk in chunks(values):
            driver.change(connection, *_asked(plan, chunk, bound))

    def _rows(
        self, connection: sa.Connection, values: Sequence[str], bound: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        plan = self._plan(connection.dialect)
        return _converted(driver.rows(connection, *_asked(plan, values, bound)), plan.read)

    def _plan(self, dialect: sa.Dialect) -> _Plan:
        if dialect.name not in self._plans:
            self._plans[dialect.name] = _plan(self._statement, dialect)
        return self._plans[dialect.name]


def _asked(plan: _Plan, values: Sequence[str], bound: Mapping[str, object]) -> tuple[str, driver.Parameters]:
    """The statement and its parameters, as the driver takes them."""
    given = {**plan.constants, **{name: _written(plan.convert[name], value) for name, value in bound.items()}}
    if plan.order:
        return ",".join("?" * len(values)).join(plan.parts), tuple(_placed(plan.order, given, values))
    return plan.parts[0], {**given, "values": arrays.words(values)}


def _plan(statement: sa.Select[Any] | sa.Update, dialect: sa.Dialect) -> _Plan:
    compiled = statement.compile(dialect=dialect)
    sql = str(compiled)
    parts = LIST.split(sql) if dialect.positional else [IN_LIST.sub("= ANY(%(values)s::VARCHAR[])", sql)]
    binds = {name: compiled.binds[name].type for name in compiled.params}
    columns = statement.selected_columns if isinstance(statement, sa.Select) else ()
    readers = [_reader(column.type, dialect) for column in columns]
    convert = {name: binding(kind, dialect) for name, kind in binds.items() if name != "values"}
    return _Plan(
        parts=parts,
        order=tuple(compiled.positiontup or ()),
        constants={
            name: _written(convert[name], value)
            for name, value in compiled.params.items()
            if name in convert and value is not None
        },
        convert=convert,
        read={at: read for at, read in enumerate(readers) if read is not None},
    )


def _reader(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Read | None:
    """None where the driver hands out the value itself: all but truth, days and types of our own."""
    if isinstance(kind, sa.Boolean | sa.Date | sa.types.TypeDecorator):
        return kind.dialect_impl(dialect).result_processor(dialect, None)
    return None


def _placed(order: Sequence[str], given: Mapping[str, object], values: Sequence[str]) -> Iterator[object]:
    """The parameters in the order of their marks."""
    for name in order:
        if name == "values":
            yield from values
        else:
            yield given[name]


def _written(convert: Convert | None, value: object) -> object:
    return value if convert is None else convert(value)


def _converted(rows: Sequence[tuple[Any, ...]], read: Mapping[int, Read]) -> list[tuple[Any, ...]]:
    """Column by column."""
    if not rows or not read:
        return list(rows)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for at, convert in read.items():
        columns[at] = [None if value is None else convert(value) for value in columns[at]]
    return list(zip(*columns, strict=True))
