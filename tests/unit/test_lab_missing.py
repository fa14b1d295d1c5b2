"""A server that is not installed never goes unnoticed."""

import pytest

from tests.conftest import _installed
from tests.servers.process import Missing, program


def start() -> str:
    return program("no-such-server")


def test_a_missing_program_is_named() -> None:
    with pytest.raises(Missing, match="no-such-server"):
        start()


def test_a_missing_server_skips_the_test_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not installed: no-such-server"):
        _installed(start)


def test_in_ci_a_missing_server_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="not installed: no-such-server"):
        _installed(start)
