"""What a server of the web tells anybody: its time."""

from datetime import UTC, datetime
from pathlib import Path

import requests

from agent.doctor.examine import LATER
from agent.doctor.finding import Said, failed
from connectors.oauth import http_session

_PATIENCE = 10.0


def date_of(url: str, ca_file: Path | None) -> tuple[str, datetime] | Said:
    """The Date field of any answer, and when it came; or why there was none."""
    session = http_session(ca_file)
    try:
        with session.get(url, timeout=_PATIENCE, allow_redirects=False, stream=True) as response:
            return response.headers.get("Date", ""), datetime.now(UTC)
    except (requests.RequestException, OSError) as error:
        return failed(f"{url} does not answer: {type(error).__name__}", LATER)
    finally:
        session.close()
