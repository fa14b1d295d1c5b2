"""Columns written as PostgreSQL arrays (its manual, 8.15.6: Array Input and Output Syntax).

The driver writes arrays too, a value at a time; a page's rows cost half as much when whole columns are joined.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

Array = Callable[[Sequence[Any]], str]


def array_of(kind: sa.types.TypeEngine[Any]) -> Array:
    """How values of this column type are written."""
    if isinstance(kind, sa.types.TypeDecorator):
        kind = kind.impl_instance
    if isinstance(kind, sa.LargeBinary):
        return octets
    return words if isinstance(kind, sa.String | sa.JSON) else bare


def bare(values: Sequence[object]) -> str:
    """Numbers, truth values and days: nothing in them needs quotes."""
    return _braces("NULL" if value is None else str(value) for value in values)


def words(values: Sequence[str | None]) -> str:
    """Quoted, whatever they hold."""
    if values and None not in values:
        joined = '","'.join(values)  # type: ignore[arg-type]  # no None among them
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return f'{{"{joined}"}}'  # as most are: ids and addresses hold nothing to escape
    return _braces("NULL" if word is None else f'"{_escaped(word)}"' for word in values)


def octets(values: Sequence[bytes | None]) -> str:
    """In hexadecimal."""
    return _braces("NULL" if value is None else rf'"\\x{value.hex()}"' for value in values)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


def _braces(written: Iterable[str]) -> str:
    return f"{{{','.join(written)}}}"
