"""As much of JSON Schema (draft 2020-12) as the configuration's schema uses. An unknown keyword fails the test."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
TOLD = {"description", "default", "title", "$schema", "$defs", "format"}
Schema = Mapping[str, object]


def plain(value: object) -> object:
    """TOML's values as an editor hands them to a schema: dates and times are strings there."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, (date, datetime, time)) else value


def refusals(value: object, schema: Schema, whole: Schema, path: str = "") -> Iterator[str]:
    """Where and by which keyword a value is refused."""
    for keyword, argument in schema.items():
        if keyword in TOLD:
            continue
        if keyword == "$ref":
            yield from refusals(value, whole["$defs"][str(argument).removeprefix("#/$defs/")], whole, path)
        elif keyword == "anyOf":
            if all(any(refusals(value, each, whole)) for each in argument):
                yield f"{path}: anyOf"
        elif keyword in ("properties", "items", "additionalProperties"):
            yield from _inside(keyword, value, schema, whole, path)
        elif not _holds(keyword, argument, value):
            yield f"{path}: {keyword}"


def _inside(keyword: str, value: object, schema: Schema, whole: Schema, path: str) -> Iterator[str]:
    if keyword == "items" and isinstance(value, list):
        for index, each in enumerate(value):
            yield from refusals(each, schema["items"], whole, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for key, each in value.items():
        if key in known and keyword == "properties":
            yield from refusals(each, known[key], whole, f"{path}.{key}")
        if key not in known and keyword == "additionalProperties":
            yield from refusals(each, others, whole, f"{path}.{key}") if others else [f"{path}.{key}: unknown"]


def _holds(keyword: str, argument: object, value: object) -> bool:
    match keyword:
        case "type":
            return isinstance(value, TYPES[argument]) and (argument == "boolean") == isinstance(value, bool)
        case "enum":
            return any(value == each and type(value) is type(each) for each in argument)
        case "required":
            return not isinstance(value, dict) or set(argument) <= set(value)
        case "pattern":
            return not isinstance(value, str) or re.search(argument, value) is not None
        case "minLength":
            return not isinstance(value, str) or len(value) >= argument
        case "minItems":
            return not isinstance(value, list) or len(value) >= argument
        case "minimum":
            return not isinstance(value, int | float) or value >= argument
        case "maximum":
            return not isinstance(value, int | float) or value <= argument
    raise AssertionError(f"keyword {keyword} is not known here")
