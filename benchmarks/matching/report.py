"""`python -m benchmarks matching`: the figures of every slice and tier, and the bars they are held against."""

from random import Random

from rich.console import Console
from rich.table import Table

from benchmarks.matching.judge import Judged, Score, judge, total, wilson
from benchmarks.matching.machines import MACHINES
from benchmarks.matching.people import PEOPLE
from benchmarks.matching.world import make_world
from benchmarks.table import Figure, show

LETTERS = 2_000
"""Letters a slice."""

A_DAY = 60
"""Messages a salesperson's mailbox gets or sends a day."""

NEVER_WRONG = (
    *("role address of one", "role address of nobody", "one address of two contacts", "duplicate contacts"),
    "forwards of our own",
)
"""Slices in which not one link may be wrong."""

COLUMNS = (
    *("letters", "right", "wrong", "precision (95 %)", "recall", "no link"),
    *("questions", "good", "caught", "signals"),
)

WRONG_BAR, RECALL_BAR = 0.5, 95.0
"""Percent."""


def measure(*, quick: bool, seed: int = 4) -> None:
    """Prints the tables."""
    random = Random(seed)
    judged = judge(make_world(random), PEOPLE | MACHINES, LETTERS // 5 if quick else LETTERS, random)
    _print("Slices", judged.slices)
    _print("Tiers", dict(sorted(judged.tiers.items())))
    show("Matching", figures(judged))


def figures(judged: Judged) -> list[Figure]:
    """What is held against the bars."""
    whole = total(list(judged.slices.values()))
    links = whole.right + whole.wrong
    wrong = 100 * wilson(whole.wrong, links)[1]
    careful = sum(judged.slices[name].wrong for name in NEVER_WRONG)
    machines = total([judged.slices[name] for name in MACHINES])
    caught = 100 * machines.caught / max(1, machines.caught + machines.missed)
    offered = 100 * whole.good / max(1, whole.questions)
    return [
        Figure(what="wrong automatic links, upper bound", value=wrong, unit="%", bar=WRONG_BAR, least=False),
        Figure(what="linkable links found", value=100 * whole.found / whole.linkable, unit="%", bar=RECALL_BAR),
        Figure(what="wrong on role, shared, duplicate, forwarded", value=careful, unit="links", bar=0, least=False),
        Figure(what="questions that offer the right contact", value=offered, unit="%"),
        Figure(what=f"questions a person and day of {A_DAY} messages", value=A_DAY * _asked(judged), unit="items"),
        Figure(what="machine mail caught", value=caught, unit="%"),
        Figure(what="personal mail taken for it", value=whole.lost, unit="letters", bar=0, least=False),
    ]


def _asked(judged: Judged) -> float:
    """Questions a message of a salesperson's day."""
    shares = {name: share for name, (_, share) in (PEOPLE | MACHINES).items()}
    asked = sum(shares[name] * one.questions / one.letters for name, one in judged.slices.items())
    return asked / sum(shares.values())


def _print(title: str, scores: dict[str, Score]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for name, one in scores.items():
        table.add_row(name, *_cells(one))
    Console(width=150).print(table)


def _cells(one: Score) -> list[str]:
    links = one.right + one.wrong
    low, high = wilson(one.right, links)
    return [
        str(one.letters or ""),
        str(one.right),
        str(one.wrong),
        f"{low:.2%} – {high:.2%}" if links else "",
        f"{one.found / one.linkable:.1%}" if one.linkable else "",
        str(one.silent or ""),
        str(one.questions or ""),
        str(one.good or ""),
        f"{one.caught}/{one.caught + one.missed}" if one.caught + one.missed else "",
        str(one.signals or ""),
    ]
