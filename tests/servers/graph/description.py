"""Microsoft's description of Graph v1.0 (OpenAPI), against which every request and every answer is held.

It is looked for in the folder that GRAPH_SCHEMAS names, else in `../shared/schemas/graph` beside the checkout, as
`graph-openapi.json`. Nothing of it is kept here. Objects in it are closed: a property that Graph does not have fails.
Words of enumerations compare without case. What the description lacks stands in the lists below, each with its reason.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from tests.servers.graph.odata import Call, segments
from tests.servers.graph.routes import named
from tests.servers.graph.web import Answer

FILE = "graph-openapi.json"
# paths that the description leaves out
_ABSENT = (
    re.compile(r"groups/"),  # groups and their members
    re.compile(r"users$"),  # only single users are described
    re.compile(r"users/\*/contacts$"),  # the part with contacts was cut out
    re.compile(r"users/\*/mailboxSettings/"),  # a single setting
    re.compile(r"users/\*/mailFolders/\*/childFolders/\*/messages"),  # folders are described two levels deep
    re.compile(
        r"users/\*/calendar/(events|calendarView)/"
    ),  # the events of the default calendar stand at users/*/events
    re.compile(r"users/\*/calendars/\*/events/\*/"),
)
# options of a request that are documented elsewhere
_MORE_OPTIONS = frozenset(
    {
        "includeHiddenFolders",  # "List mailFolders", not in the metadata
        "startdatetime",  # options compare without case; the documentation writes them so in places
        "enddatetime",
    }
)
# what the parts that were written by hand leave out: "Get user mailbox settings" takes $select
_MORE_OPTIONS_OF = {"users/*/mailboxsettings": frozenset({"$select"})}
# properties of a documented default that were cut out of the description
_MORE_PROPERTIES_OF = {
    "users/*": frozenset({"businessPhones", "givenName", "jobTitle", "mobilePhone", "officeLocation"})
    | {"preferredLanguage", "surname"},
}
# properties that may be selected beside those of the description
_MORE_SELECTED = re.compile(r"microsoft\.graph\.\w+/\w+")  # of a derived type, by a cast ("Use query parameters")
_FORM = str.maketrans({**dict.fromkeys("123456789", "0"), **dict.fromkeys("bcdefghijklmnopqrstuvwxyz", "a")})
_REFUSED = (400, 404, 405)


def find() -> Path | None:
    """The file, if it is at hand."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "schemas" / "graph"
    found = Path(os.environ.get("GRAPH_SCHEMAS", beside)) / FILE
    return found if found.is_file() else None


def _same_word(validator: Any, words: Sequence[Any], value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401  # as jsonschema calls it
    known = {word.lower() if isinstance(word, str) else word for word in words}
    if (value.lower() if isinstance(value, str) else value) not in known:
        yield ValidationError(f"{value!r} is not one of {list(words)!r}")


def _any_of(validator: Any, choices: Sequence[Any], value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401  # as jsonschema calls it
    """The description names derived types beside `{}`, which everything fits: nothing is to be tried there."""
    if {} not in choices:
        yield from Draft202012Validator.VALIDATORS["anyOf"](validator, choices, value, schema)


_Validator = extend(Draft202012Validator, {"enum": _same_word, "anyOf": _any_of})


@dataclass(eq=False)
class Description:
    """The description, ready to judge. Of values that differ in nothing it speaks of, only the first is judged."""

    path: Path
    _validators: dict[str, Any] = field(default_factory=dict)
    _right: set[tuple[str, object]] = field(default_factory=set)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The document."""
        return dict(json.loads(self.path.read_text(encoding="utf-8")))

    @cached_property
    def _paths(self) -> dict[tuple[str, ...], dict[str, Any]]:
        described = self.content["paths"].items()
        return {tuple(re.sub(r"\{[^}]*\}", "*", path).strip("/").lower().split("/")): what for path, what in described}

    @cached_property
    def _words(self) -> frozenset[str]:
        """Every word of every enumeration."""
        return frozenset(str(word).lower() for words in _enumerations(self.content) for word in words)

    def judge(self, call: Call, answer: Answer) -> list[str]:
        """Everything that is wrong with a request and its answer. One that was refused as wrong may be wrong."""
        operation, shape = self._operation(call)
        if operation is None:
            return [] if any(known.match(shape) for known in _ABSENT) else [f"{call.method} {shape} is not described"]
        wrong = [] if answer.status in _REFUSED else list(self._judge_request(call, operation, shape))
        wrong += self._judge_answer(answer, operation, _MORE_PROPERTIES_OF.get(shape, frozenset()))
        return [f"{call.method} {shape}: {what}" for what in wrong]

    def _operation(self, call: Call) -> tuple[dict[str, Any] | None, str]:
        path = segments(call.path)
        for described, what in self._paths.items():
            if len(described) == len(path) and all(d in ("*", p.lower()) for d, p in zip(described, path, strict=True)):
                exact = self._paths.get(
                    tuple(p.lower() if d != "*" else "*" for d, p in zip(described, path, strict=True)), what
                )
                found = exact.get(call.method.lower())
                return (found | {"shared": exact.get("parameters", [])} if found else None), "/".join(described)
        return None, named(call.method, path)

    def _judge_request(self, call: Call, operation: Mapping[str, Any], shape: str) -> Iterator[str]:
        parameters = {(p["in"], p["name"].lower()): p for p in map(self._resolved, self._parameters(operation))}
        for name, value in call.query.items():
            described = parameters.get(("query", name.lower()))
            if described is None:
                if name not in _MORE_OPTIONS | _MORE_OPTIONS_OF.get(shape, frozenset()):
                    yield f"the option {name} is not described"
            elif name == "$select":
                yield from self._judge_select(value, described)
            else:
                yield from self._faults(_typed(value, described["schema"]), described["schema"], f"option {name}")
        if "prefer" in call.headers and ("header", "prefer") in parameters:
            yield from self._faults(call.headers["prefer"], parameters["header", "prefer"]["schema"], "Prefer")
        yield from self._judge_body(call, operation)

    def _judge_body(self, call: Call, operation: Mapping[str, Any]) -> Iterator[str]:
        body = operation.get("requestBody")
        if body is None:
            if call.body:
                yield "a body was sent where none is described"
            return
        yield from self._faults(call.json(), body["content"]["application/json"]["schema"], "body")

    def _judge_select(self, value: str, described: Mapping[str, Any]) -> Iterator[str]:
        chosen = [name for name in value.split(",") if not _MORE_SELECTED.fullmatch(name)]
        yield from self._faults(chosen, described["schema"], "$select")

    def _judge_answer(self, answer: Answer, operation: Mapping[str, Any], more: frozenset[str]) -> Iterator[str]:
        responses = operation["responses"]
        described = responses.get(str(answer.status), responses.get(f"{answer.status // 100}XX"))
        if described is None:
            yield f"status {answer.status} is not described"
            return
        content = self._resolved(described).get("content", {}).get("application/json")
        if content is None or not answer.body or "Content-Type" in answer.headers:
            return
        found = {name: value for name, value in json.loads(answer.body).items() if name not in more}
        yield from self._judge_content(found, content["schema"])

    def _judge_content(self, content: Any, schema: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401  # JSON
        """A collection entry by entry, so that an entry which was right before is not judged again."""
        entry = schema.get("properties", {}).get("value", {}).get("items")
        if entry is None or not isinstance(content, dict) or not isinstance(content.get("value"), list):
            yield from self._faults(content, schema, "answer")
            return
        yield from self._faults({**content, "value": []}, schema, "answer")
        for one in content["value"]:
            yield from self._faults(one, entry, "entry")

    def _faults(self, value: Any, schema: Mapping[str, Any], what: str) -> Iterator[str]:  # noqa: ANN401  # JSON
        name = schema["$ref"] if len(schema) == 1 and "$ref" in schema else json.dumps(schema, sort_keys=True)
        mark = (name, _shape(value, self._words))
        if mark in self._right:
            return
        errors = list(self._validator(name, schema).iter_errors(value))
        if not errors:
            self._right.add(mark)
        for error in errors:
            place = "/".join(str(step) for step in error.absolute_path)
            yield f"{what} {place}: {error.message[:300]}"

    def _validator(self, name: str, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401  # jsonschema has no types
        if name not in self._validators:
            self._validators[name] = _Validator({**schema, "components": self.content["components"]})
        return self._validators[name]

    def _parameters(self, operation: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [*operation.get("shared", []), *operation.get("parameters", [])]

    def _resolved(self, described: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in described:
            return described
        found: Any = self.content
        for step in described["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return dict(found)


def _enumerations(content: object) -> Iterator[Sequence[object]]:
    if isinstance(content, dict):
        if isinstance(content.get("enum"), list):
            yield content["enum"]
        for inner in content.values():
            yield from _enumerations(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from _enumerations(inner)


def _shape(value: Any, words: frozenset[str]) -> object:  # noqa: ANN401  # JSON
    """A value with what a schema cannot tell apart taken out: words of enumerations and the form of texts stay."""
    if isinstance(value, dict):
        return tuple((name, _shape(inner, words)) for name, inner in sorted(value.items()))
    if isinstance(value, list):
        shapes = [_shape(inner, words) for inner in value]
        return frozenset(shapes), len(value) > 20, len(set(map(repr, value))) == len(value)
    if not isinstance(value, str):
        return type(value), isinstance(value, int) and value < 0
    if value.lower() in words:
        return value.lower()
    return value.translate(_FORM) if len(value) < 40 else len(value) > 255


def _typed(value: str, schema: Mapping[str, Any]) -> object:
    """The text of a query option as the type that the schema wants, where it can be read as that."""
    if schema.get("type") == "integer" and value.isdigit():
        return int(value)
    if schema.get("type") == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value
