"""What an editor says of a configuration that it holds against the shipped schema (JSON Schema, draft 2020-12)."""

from collections.abc import Mapping
from datetime import date, datetime, time

from jsonschema import Draft202012Validator


def plain(value: object) -> object:
    """TOML's values as an editor hands them to a schema: dates and times are strings there."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, (date, datetime, time)) else value


def refusals(value: object, schema: Mapping[str, object]) -> list[str]:
    """Where and by which keyword a value is refused. An unsound schema raises."""
    Draft202012Validator.check_schema(schema)
    return [f"{error.json_path}: {error.validator}" for error in Draft202012Validator(schema).iter_errors(value)]
