"""Kinds made of others: the working week, folders as a list or a table."""

from collections.abc import Sequence

from config.form import Form, Key, many, table
from config.kinds import choice, text, weekday
from config.model import FolderChoice
from config.node import Node
from config.reading import WRONG, Kind, Reading

_WEEK = many(weekday, least=1)


def _working_week(node: Node, reading: Reading) -> object:
    """The days by number, Monday 0, in order and each once."""
    days = _WEEK.read(node, reading)
    return tuple(sorted(set(days))) if isinstance(days, tuple) else WRONG


working_week = Kind(schema=_WEEK.schema, read=_working_week)


def folders(roles: Sequence[str]) -> Kind:
    """Names of folders, or a table of roles, names and exceptions; read as a FolderChoice."""
    listed = many(text, least=1)
    form = Form(
        about="Folders by role and by name; * stands for anything.",
        keys={
            "roles": Key(kind=many(choice(*roles), least=1), about="Roles (RFC 6154), in any language."),
            "names": Key(kind=listed, about="Names of folders."),
            "except": Key(kind=many(text), about="Folders that are left out."),
        },
    )

    def read(node: Node, reading: Reading) -> object:
        if isinstance(node.value, list):
            names = listed.read(node, reading)
            return names if names is WRONG else FolderChoice.model_validate({"names": names})
        if isinstance(node.value, str):
            reading.note(node, "a text stands where a list belongs", f'write ["{node.value}"]')
            return WRONG
        values = table(form).read(node, reading)
        if not isinstance(values, dict):
            return WRONG
        values["exclude"] = values.pop("except", ())
        return FolderChoice.model_validate(values)

    return Kind(schema={"anyOf": [listed.schema, form.schema()]}, read=read)
