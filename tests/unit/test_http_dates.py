"""Times that servers put into the headers of their answers."""

from datetime import UTC, datetime

import pytest

from connectors.http_dates import http_date

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "Thu, 26 Nov 2026 12:00:00 GMT",
        "Thu, 26 Nov 2026 12:00:00 -0000",
        "Thu, 26 Nov 2026 12:00:00",
        "Thu, 26 Nov 2026 13:00:00 +0100",
    ],
)
def test_a_date_is_an_aware_time_however_its_zone_is_written(written: str) -> None:
    """It can be compared with other times, and the zone of this machine plays no part."""
    assert http_date(written) == NOON


@pytest.mark.parametrize("written", ["", "soon", "Thu, 99 Nov 2026 12:00:00 GMT", "7"])
def test_what_is_no_date_is_none(written: str) -> None:
    assert http_date(written) is None
