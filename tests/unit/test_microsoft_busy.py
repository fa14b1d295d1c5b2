"""Microsoft's sign-in service is asked who it is before anything else; being busy, it stops no mailbox."""

from typing import Any

import pytest
import requests

from config.model import OAuth
from connectors.errors import ConnectorError, Fatal, Retriable
from connectors.microsoft import MicrosoftTokens
from connectors.oauth import MemoryTokens


class Authority(requests.Session):
    """Answers every question alike."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__()
        self._status, self._text = status, text

    def request(self, *_: Any, **__: Any) -> requests.Response:  # whatever is asked
        answer = requests.Response()
        answer.status_code, answer._content = self._status, self._text.encode()
        return answer


@pytest.mark.parametrize(
    ("status", "text", "meaning"),
    [
        (429, "", Retriable),
        (503, "", Retriable),
        (200, "<html>Sign in to this network", Retriable),
        (400, '{"error": "invalid_tenant"}', Fatal),
    ],
)
def test_only_a_tenant_that_is_not_known_waits_for_a_person(
    status: int, text: str, meaning: type[ConnectorError]
) -> None:
    oauth = OAuth(provider="microsoft", client_id="app", tenant_id="firm", flow="device")
    tokens = MicrosoftTokens(oauth, "anna@ourfirm.example", MemoryTokens(), Authority(status, text))
    with pytest.raises(meaning):
        tokens.start_device()
