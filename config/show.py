"""The effective settings as a person or a program reads them: secrets stay references, the URL's password is masked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, time, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel

from config.kinds import WEEKDAYS, written_span
from config.model import ExchangeCalendar, GraphCalendar, Settings, WorkingDays
from config.secrets import Secret

_WRITTEN = {"exclude": "except", "excluded": "exclude"}
"""Names that the program cannot use as the configuration writes them."""
_PAIRS = ("stages", "fields")
"""Tables that the program keeps as pairs."""


def as_values(settings: Settings) -> dict[str, object]:
    """Plain values for JSON: dates and times as ISO 8601, spans in seconds, what is not set left out."""
    return {name: _plain(value) for name, value in _visible(settings)}


def as_toml(settings: Settings) -> str:
    """The same in the language of the configuration. Mailboxes stand with everything that applies to them."""
    lines = ["# Effective settings: files, defaults and placeholders merged. Not meant to be read back."]
    for name, value in _visible(settings):
        lines += _section(name, value) if value else []
    return "\n".join(lines) + "\n"


def masked(url: str) -> str:
    """The URL with `***` for its password, if it has one."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    name, at, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{name.partition(':')[0]}:***{at}{place}"))


def _visible(model: BaseModel | Secret) -> Iterator[tuple[str, object]]:
    """The names and values that are set; a database URL without its password."""
    for name in _names(model):
        value = getattr(model, name)
        if value is not None:
            yield _WRITTEN.get(name, name), _readable(name, value)


def _names(model: BaseModel | Secret) -> list[str]:
    """A calendar in its own mailbox is reached as the mailbox is, which stands there already."""
    if isinstance(model, Secret):
        return [each.name for each in fields(model)]
    shown = [name for name, each in type(model).model_fields.items() if not each.exclude]
    return (
        [name for name in shown if name != "access"] if isinstance(model, GraphCalendar | ExchangeCalendar) else shown
    )


def _readable(name: str, value: object) -> object:
    """The value as it was written, where the program keeps another form."""
    if name == "url":
        return masked(str(value))
    if name == "working_days" and isinstance(value, tuple):
        return [WEEKDAYS[number] for number in value]
    if name in _PAIRS and isinstance(value, tuple) and all(isinstance(each, tuple) for each in value):
        return {key: False if each is None else each for key, each in value}
    return value


def _plain(value: object) -> object:
    match value:
        case WorkingDays():
            return f"{value.count} working days"
        case BaseModel() | Secret():
            return {name: _plain(each) for name, each in _visible(value)}
        case timedelta():
            return int(value.total_seconds())
        case date() | time():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _section(name: str, value: object) -> list[str]:
    if isinstance(value, BaseModel):
        return _table(f"[{name}]", name, value)
    if isinstance(value, Sequence) and value and isinstance(value[0], BaseModel):
        return [line for each in value for line in _table(f"[[{name}]]", name, each)]
    return [f"{name} = {_toml(value)}"]


def _table(heading: str, name: str, model: BaseModel) -> list[str]:
    """A table with its simple values first, so that none falls under a later heading."""
    entries = list(_visible(model))
    lines = ["", heading, *(f"{key} = {_toml(value)}" for key, value in entries if not _is_table(value))]
    for key, value in entries:
        if _is_table(value):
            lines += _section(f"{name}.{key}", value)
    return lines


def _is_table(value: object) -> bool:
    return isinstance(value, BaseModel) and not isinstance(value, WorkingDays)


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case timedelta():
            return json.dumps(written_span(value))
        case date():
            return value.isoformat()
        case time():
            return json.dumps(f"{value:%H:%M}")
        case BaseModel() | Secret() if not isinstance(value, WorkingDays):
            return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in _visible(value))} }}"
        case Mapping():
            return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in value.items())} }}"
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(_plain(value), ensure_ascii=False)
