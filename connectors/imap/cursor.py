"""Where a lane stands in a folder, as versioned JSON: the only thing of this connector that the store keeps.

Forward: every id below `next` was listed. History: `regions` are slices of ids, highest first, each with the floor
(server date) down to which it was read; None where it was not read at all.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from connectors.errors import Fatal
from connectors.message import Cursor

_VERSION = 1
_BAD = "a stored place in a folder cannot be read; it was made by another version of the program"
EVERYTHING = date.min
"""The floor below which no mail lies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forward:
    """Place of the forward lane.

    next: the lowest id that was not listed yet. expected: how many messages the folder held when everything below
    `next` had been listed, or would have held had nothing else happened. uidnext: UIDNEXT as last seen.
    modseq: flags are known as of this HIGHESTMODSEQ; None where the folder has none.
    """

    validity: int
    next: int
    expected: int
    uidnext: int | None = None
    modseq: int | None = None

    def write(self) -> Cursor:
        fields = {"v": _VERSION, "lane": "forward", "validity": self.validity, "next": self.next}
        optional = {"expected": self.expected, "uidnext": self.uidnext, "modseq": self.modseq}
        return Cursor(json.dumps(fields | {k: v for k, v in optional.items() if v is not None}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """The ids low ≤ id < high, read down to `floor` (None: not read)."""

    low: int
    high: int
    floor: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """Place of the history lane: regions that cover every id below S without holes, highest first."""

    validity: int
    regions: tuple[Region, ...]

    def write(self) -> Cursor:
        regions = [[r.low, r.high, r.floor.isoformat() if r.floor else None] for r in self.regions]
        return Cursor(json.dumps({"v": _VERSION, "lane": "history", "validity": self.validity, "regions": regions}))

    def unread(self, floor: date) -> Region | None:
        """The highest region not yet read down to `floor`, or None."""
        return next((r for r in self.regions if r.floor is None or r.floor > floor), None)

    def after_reading(self, low: int, high: int, floor: date) -> "History":
        """The same place once low ≤ id < high was read down to `floor`. The slice lies within one region."""
        regions: list[Region] = []
        for region in self.regions:
            if not (region.low <= low < high <= region.high):
                regions.append(region)
                continue
            pieces = (
                Region(low=high, high=region.high, floor=region.floor),
                Region(low=low, high=high, floor=floor),
                Region(low=region.low, high=low, floor=region.floor),
            )
            regions.extend(piece for piece in pieces if piece.low < piece.high)
        return History(validity=self.validity, regions=_merged(regions))


def first_history(validity: int, top: int) -> History:
    """Nothing below `top` was read."""
    return History(validity=validity, regions=(Region(low=1, high=top),) if top > 1 else ())


def read_forward(cursor: Cursor) -> Forward:
    """Raises Fatal for a cursor that this version did not write."""
    fields = _fields(cursor, "forward")
    try:
        return Forward(
            validity=int(fields["validity"]),
            next=int(fields["next"]),
            expected=int(fields["expected"]),
            uidnext=fields.get("uidnext"),
            modseq=fields.get("modseq"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Fatal(_BAD) from error


def read_history(cursor: Cursor) -> History:
    """Raises Fatal for a cursor that this version did not write."""
    fields = _fields(cursor, "history")
    try:
        regions = tuple(
            Region(low=int(low), high=int(high), floor=date.fromisoformat(floor) if floor else None)
            for low, high, floor in fields["regions"]
        )
        return History(validity=int(fields["validity"]), regions=regions)
    except (KeyError, TypeError, ValueError) as error:
        raise Fatal(_BAD) from error


def _fields(cursor: Cursor, lane: str) -> dict:  # type: ignore[type-arg]  # JSON
    try:
        fields = json.loads(cursor)
    except ValueError as error:
        raise Fatal(_BAD) from error
    if not isinstance(fields, dict) or fields.get("v") != _VERSION or fields.get("lane") != lane:
        raise Fatal(_BAD)
    return fields


def _merged(regions: Sequence[Region]) -> tuple[Region, ...]:
    merged = list(regions[:1])
    for upper, lower in pairwise(regions):
        if merged and upper.floor == lower.floor and merged[-1].low == lower.high:
            merged[-1] = Region(low=lower.low, high=merged[-1].high, floor=lower.floor)
        else:
            merged.append(lower)
    return tuple(merged)
