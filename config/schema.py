"""The JSON Schema of the configuration file, made of the same words that the checks use.

Shipped as `config/schema.json`; `crm-agent init` writes it beside the configuration so that editors complete keys and
show what they mean. A check in an editor is a convenience: `crm-agent config check` decides.
"""

import json
from collections.abc import Mapping
from importlib.resources import files

from config.combined import folders
from config.connector_words import CONNECTORS
from config.kinds import zone
from config.list_words import LDAP
from config.personal import secret
from config.reading import Schema
from config.rules import after_rule
from config.words import CALENDAR, MAIN, MASTER, OAUTH, REMINDERS, ROLES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = "crm-agent.schema.json"
"""The schema's name beside a configuration file."""

_SHARED: Mapping[str, Schema] = {
    "secret": secret.schema,
    "zone": zone.schema,
    "folders": folders(ROLES).schema,
    "rule": after_rule.schema,
    "oauth": OAUTH.schema(),
    "master": MASTER.schema(),
    "calendar": CALENDAR.schema(),
    "ldap": LDAP.schema(),
    "reminders": REMINDERS.schema(),
}
"""Parts that stand in several places, written once below `$defs`."""


def schema() -> dict[str, object]:
    """The whole schema, JSON Schema draft 2020-12."""
    tables = {name: _short(form.schema()) for name, form in MAIN.items()}
    connectors = {
        "description": "Where mail is read from. More may stand in connectors.d/*.toml beside this file.",
        "type": "array",
        "items": {"anyOf": [_short(_with_type(words.form.schema(), kind)) for kind, words in CONNECTORS.items()]},
    }
    return {
        "$schema": DIALECT,
        "title": "crm-agent.toml",
        "description": "Configuration of crm-sync-agent.",
        "type": "object",
        "additionalProperties": False,
        "properties": {**tables, "connectors": connectors},
        "$defs": {name: _short(part, but=name) for name, part in _SHARED.items()},
    }


def _with_type(form: Schema, kind: str) -> Schema:
    """The form titled by its type, which editors show when they offer the alternatives."""
    return {"title": kind, **form}


def _short(part: object, *, but: str = "") -> object:
    """The same with every shared part replaced by a reference to it, except for the part named `but` itself."""
    if isinstance(part, list):
        return [_short(each) for each in part]
    if not isinstance(part, dict):
        return part
    for name, shared in _SHARED.items():
        if name != but and _bare(shared) == _bare(part):
            return {"$ref": f"#/$defs/{name}", **_told(part)}
    return {key: _short(each) for key, each in part.items()}


def _told(part: Schema) -> dict[str, object]:
    return {key: part[key] for key in ("description", "default") if key in part}


def _bare(part: Schema) -> dict[str, object]:
    return {key: each for key, each in part.items() if key not in ("description", "default")}


def written() -> str:
    """The schema as the text of a file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def example() -> str:
    """The commented configuration file that `crm-agent init` writes."""
    return files("config").joinpath("example.toml").read_text(encoding="utf-8")
