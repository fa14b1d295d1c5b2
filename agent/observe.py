"""Logs: to stderr, as JSON lines or readable ones, and never with an address, subject or text above debug.

Modules log events, short and constant, with facts as keywords: `log.info("reloaded", mailboxes=3)`. A mailbox is named
by its number. What looks like an address is masked here all the same, and other people's libraries tell only their
constant part, because a forgotten line must not put a customer into a log file.
"""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Literal, TextIO

import structlog

Form = Literal["auto", "json", "readable"]
Level = Literal["debug", "info", "warning", "error"]

_OURS = ("config", "connectors", "matchers", "agent")
_CHATTY = "apscheduler"
"""Tells of every tick, four lines a second."""
_ADDRESS = re.compile(r"[^\s@<>\"'(),;:|/\\]+@[^\s@<>\"'(),;:|/\\]+")
_CONTENT = frozenset({"address", "addresses", "subject", "text", "body", "to", "sender", "recipient", "name"})
_LONGEST = 2000
"""Characters of one value in a line: a server's answer may be long."""

Event = MutableMapping[str, object]


def configure(form: Form = "auto", level: Level = "info", stream: TextIO | None = None) -> None:
    """Sets up logging for this process. auto: readable on a terminal, JSON lines elsewhere."""
    out = sys.stderr if stream is None else stream
    readable = form == "readable" or (form == "auto" and out.isatty())
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_content,
            _readable if readable else _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=threshold, handlers=[_Bridge()], force=True)


class _Bridge(logging.Handler):
    """Hands records of the standard library to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Of libraries only warnings and worse, above debug only their constant part."""
        ours = record.name.partition(".")[0] in _OURS
        debugging = logging.getLogger().isEnabledFor(logging.DEBUG)
        quiet = not debugging or record.name.startswith(_CHATTY)
        if not ours and quiet and record.levelno < logging.WARNING:
            return
        event = record.getMessage() if ours or debugging else str(record.msg)
        facts: dict[str, object] = {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            facts["error"] = record.exc_info[0].__name__
        structlog.get_logger(record.name).log(record.levelno, event, **facts)


def _without_content(_: object, method: str, event: Event) -> Event:
    """Masks addresses and drops fields that carry mail, unless somebody asked for debug."""
    if method == "debug":
        return event
    return {key: _masked(value) for key, value in event.items() if key not in _CONTENT}


def _masked(value: object) -> object:
    if isinstance(value, str):
        return _ADDRESS.sub("[address]", value[:_LONGEST])
    if isinstance(value, (list, tuple)):
        return [_masked(item) for item in value]
    return value


def _as_json(_: object, __: str, event: Event) -> str:
    return json.dumps(event, default=str)


def _readable(_: object, __: str, event: Event) -> str:
    """`12:00:01 warning  pass ended  mailbox=3 …`, on one line whatever a value holds."""
    time = str(event.pop("timestamp"))[11:19]
    level, what = event.pop("level"), event.pop("event")
    facts = " ".join(f"{key}={_plain(value)}" for key, value in event.items())
    return _on_one_line(f"{time} {level:<8} {what}  {facts}".rstrip())


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and " " in value else str(value)


def _on_one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
