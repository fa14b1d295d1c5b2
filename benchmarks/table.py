"""Figures beside the bars they are held against. Nothing here fails: a machine may be busy."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One line. bar: what it is held against, None for what is only told. least: whether more is better."""

    what: str
    value: float
    unit: str
    bar: float | None = None
    least: bool = True

    @property
    def met(self) -> str:
        """Whether the bar is reached; empty without one."""
        if self.bar is None:
            return ""
        return "yes" if (self.value >= self.bar) == self.least or self.value == self.bar else "no"


def show(title: str, figures: Sequence[Figure]) -> None:
    """Prints a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for name in ("figure", "bar", "met"):
        table.add_column(name, justify="right")
    for one in figures:
        table.add_row(one.what, f"{_number(one.value)} {one.unit}", _bar(one), one.met)
    Console(width=118).print(table)


def middle(values: Sequence[float]) -> float:
    """The median: one run disturbed by others does not count."""
    return median(values)


def _bar(one: Figure) -> str:
    if one.bar is None:
        return ""
    return f"{'≥' if one.least else '≤'} {_number(one.bar)} {one.unit}"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
