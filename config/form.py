"""The shape of a table in a configuration file: its keys, what each holds, and those that come later."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.nearest import nearest
from config.node import Node
from config.reading import WRONG, Kind, Reading, Schema, name_of


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: its kind and a sentence for people. `default` as it would be written; None if there is none to show."""

    kind: Kind
    about: str
    default: object = None
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Form:
    """One table. `later`: keys that belong to parts still to come."""

    about: str
    keys: Mapping[str, Key]
    later: frozenset[str] = field(default_factory=frozenset)

    def schema(self) -> Schema:
        """The table as JSON Schema."""
        required = [name for name, key in self.keys.items() if key.required]
        return {
            "description": self.about,
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _described(key) for name, key in self.keys.items()},
            **({"required": required} if required else {}),
        }


def _described(key: Key) -> Schema:
    default = {} if key.default is None else {"default": key.default}
    return {**key.kind.schema, "description": key.about, **default}


def table(form: Form) -> Kind:
    """A table of that form; read as a dictionary of its checked values. Without what is required it is wrong."""

    def read(node: Node, reading: Reading) -> object:
        if isinstance(node.value, dict):
            values = read_table(node, form, reading)
            return values if all(name in values for name, key in form.keys.items() if key.required) else WRONG
        reading.note(node, f"{name_of(node)} stands where a table belongs", f"write [{node.key}] or {{ … }}")
        return WRONG

    return Kind(schema=form.schema(), read=read)


def many(kind: Kind, *, least: int = 0) -> Kind:
    """A list of that kind; read as a tuple. Wrong elements are noted and left out."""

    def read(node: Node, reading: Reading) -> object:
        if not isinstance(node.value, list):
            reading.note(node, f"{name_of(node)} stands where a list belongs", "write [ … ]")
            return WRONG
        if len(node.value) < least:
            reading.note(node, "is empty", "name at least one, or remove the key")
            return WRONG
        values = [kind.read(item, reading) for item in node.value]
        return tuple(value for value in values if value is not WRONG)

    least_items = {"minItems": least} if least else {}
    return Kind(schema={"type": "array", "items": kind.schema, **least_items}, read=read)


def read_table(node: Node, form: Form, reading: Reading) -> dict[str, object]:
    """The checked values by key; keys that are wrong, unknown or of a later part are noted and left out."""
    values: dict[str, object] = {}
    for name, child in node.table().items():
        if name in form.keys:
            value = form.keys[name].kind.read(child, reading)
            if value is not WRONG:
                values[name] = value
        else:
            _refuse(name, child, form, reading)
    for name, key in form.keys.items():
        if key.required and name not in node.table():
            reading.note(node, f"{name} is missing", f"write {name} = …")
    return values


def _refuse(name: str, child: Node, form: Form, reading: Reading) -> None:
    if name in form.later:
        reading.note(child, f"{name} comes with a later version", "remove it")
        return
    near = nearest(name, form.keys)
    reading.note(child, f"unknown key {name}", f"write {near}" if near else "remove it")
