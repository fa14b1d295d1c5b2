"""Logs name no customer above debug, whoever writes the line."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from agent import observe
from agent.observe import Form, Level


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """A log of the test's own; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level
    root.setLevel(level)


def configure(log: io.StringIO, form: Form = "json", level: Level = "info") -> None:
    observe.configure(form, level, stream=log)


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_every_line_is_one_json_object_with_time_level_and_facts(log: io.StringIO) -> None:
    configure(log)
    structlog.get_logger("agent.engine").info("pass ended", mailbox=3, odd="two\nlines \u2028 and a bell \x07")
    (line,) = lines(log)

    assert (line["event"], line["level"], line["mailbox"]) == ("pass ended", "info", 3)
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize("form", ["json", "readable"])
def test_addresses_and_mail_fields_are_kept_out_above_debug(log: io.StringIO, form: Form) -> None:
    configure(log, form)
    logger = structlog.get_logger("agent.sync")
    logger.warning("refused", sentence="user jane.doe@acme.example, <j+x@müller.example>", subject="Offer for Jane")
    logger.error("failed", parts=["to jane@acme.example"], body="Dear Jane", count=2)
    logging.getLogger("connectors.imap").error("login of %s refused", "jane@acme.example")
    written = log.getvalue()

    assert "acme" not in written
    assert "müller" not in written
    assert "Jane" not in written
    assert "refused" in written
    assert written.count("\n") == 3


def test_debug_shows_what_is_there(log: io.StringIO) -> None:
    configure(log, level="debug")
    structlog.get_logger("agent.sync").debug("skipped", subject="Offer", sentence="from jane@acme.example")
    assert lines(log)[0]["subject"] == "Offer"
    assert "jane@acme.example" in log.getvalue()


def test_libraries_tell_warnings_by_their_constant_part_only(log: io.StringIO) -> None:
    configure(log)
    urllib3 = logging.getLogger("urllib3.connectionpool")
    urllib3.info("GET %s", "/calendars/jane/")
    urllib3.warning("Retrying after %r: %s", "broken", "/calendars/jane/")
    (line,) = lines(log)

    assert (line["event"], line["logger"]) == ("Retrying after %r: %s", "urllib3.connectionpool")


def test_a_library_s_exception_is_named_and_not_quoted(log: io.StringIO) -> None:
    configure(log)
    try:
        raise ValueError("Subject: Offer for Jane")
    except ValueError:
        logging.getLogger("apscheduler").exception("Job %s raised", "tick")
    (line,) = lines(log)

    assert line["error"] == "ValueError"
    assert "Jane" not in log.getvalue()


def test_python_warnings_go_the_same_way(log: io.StringIO) -> None:
    configure(log)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something ends soon", DeprecationWarning, stacklevel=1)
    assert len(lines(log)) == 1


def test_what_lies_below_the_level_is_left_out(log: io.StringIO) -> None:
    configure(log, level="warning")
    structlog.get_logger("agent").info("started")
    assert log.getvalue() == ""


def test_readable_lines_stay_one_line_and_move_no_cursor(log: io.StringIO) -> None:
    configure(log, "readable")
    structlog.get_logger("agent").warning("odd\x1b[2J", folder="two\nlines \x1b[31m", seconds=1.5)
    written = log.getvalue()

    assert written.count("\n") == 1
    assert "\x1b" not in written
    assert "seconds=1.5" in written


def test_a_long_answer_of_a_server_is_cut(log: io.StringIO) -> None:
    configure(log)
    structlog.get_logger("agent").warning("refused", sentence="x" * 1_000_000)
    assert len(log.getvalue()) < 3000
