"""Reads the configuration: finds the file, reads it and `connectors.d/*.toml` beside it, and answers `Settings`.

Everything that is wrong, in all files, is told at once.
"""

from pathlib import Path
from typing import Literal

from config.files import NAME, find, read_files
from config.form import read_table
from config.mailboxes import Shared, described, written_mailboxes
from config.model import Organisation, Policy, Push, Reminders, Settings
from config.nearest import nearest
from config.node import Node
from config.problem import ConfigProblems, Problem
from config.reading import Reading, name_of
from config.secrets import SecretError
from config.store_url import store_from
from config.words import MAIN

Secrets = Literal["all", "store", "none"]

__all__ = ["Secrets", "find", "load", "refuse_no_mailboxes"]


def load(path: Path, *, secrets: Secrets = "all") -> Settings:
    """The effective settings of a file. Raises ConfigProblems with every problem of all its files.

    secrets: "all" tries each one now, "store" those of the database, "none" none; then `store.url` lacks its password.
    """
    reading = Reading()
    main, connectors = read_files(path, reading)
    settings = _settings(path, main, connectors, reading, secrets)
    if reading.problems:
        raise ConfigProblems(reading.problems)
    return settings


def refuse_no_mailboxes(settings: Settings) -> None:
    """Raises ConfigProblems if there is no mailbox to work on, nor a list of them.

    `config check` allows that: a start has none. So does an end: the last one may have left.
    """
    if not settings.mailboxes and not settings.lists:
        file = settings.path or Path(NAME)
        what, instead = "no mailbox is named", "write [[connectors]] and [[connectors.mailboxes]]"
        raise ConfigProblems([Problem(file=file, line=0, key="connectors", what=what, instead=instead)])


def _settings(path: Path, main: Node, connectors: list[Node], reading: Reading, secrets: Secrets) -> Settings:
    tables = {name: _table(main, name, reading) for name in MAIN}
    _refuse_unknown(main, reading)
    organisation = Organisation.model_validate(tables["organisation"])
    policy = Policy.model_validate(tables["policy"])
    store_node = main.table().get("store", Node(value={}, file=path, line=main.line, key="store"))
    store = store_from(store_node, tables["store"], reading, fill=secrets != "none")
    if secrets == "store":
        _try_secrets(reading)
    written = main.table().get("reminders")
    shared = Shared(
        timezone=organisation.timezone,
        capture=policy.capture,
        reminders=written,
        capture_locked=policy.capture_locked,
    )
    found = [described(each, shared, reading) for each in connectors]
    _refuse_twice(connectors, reading)
    _refuse_contradiction(connectors, reading)
    if secrets == "all":
        _try_secrets(reading)
        _check_country(main, organisation, reading)
    return Settings(
        path=path,
        organisation=organisation,
        store=store,
        policy=policy,
        reminders=Reminders.model_validate(tables["reminders"]),
        push=_push(main, tables["push"], reading),
        mailboxes=tuple(mailbox for each in found for mailbox in each.mailboxes),
        lists=tuple(one for each in found for one in each.lists),
        must_refuse=tuple(one for each in found for one in each.must_refuse),
    )


def _table(main: Node, name: str, reading: Reading) -> dict[str, object]:
    node = main.table().get(name)
    if node is None:
        return {}
    if isinstance(node.value, dict):
        return read_table(node, MAIN[name], reading)
    reading.note(node, f"{name_of(node)} stands where a table belongs", f"write [{name}]")
    return {}


def _push(main: Node, table: dict[str, object], reading: Reading) -> Push | None:
    node = main.table().get("push")
    if node is None or not isinstance(node.value, dict):
        return None
    if "url" not in table:
        if "url" not in node.table():
            reading.note(node, "[push] names no url", 'write url = "https://…/", where Microsoft reaches you')
        return None
    return Push.model_validate(table)


def _refuse_unknown(main: Node, reading: Reading) -> None:
    known = (*MAIN, "connectors")
    for name, node in main.table().items():
        if name not in known:
            near = nearest(name, known)
            reading.note(node, f"unknown key {name}", f"write {near}" if near else "remove it")


def _refuse_twice(connectors: list[Node], reading: Reading) -> None:
    """Connector names and mailbox addresses, aliases among them, are named once; letter case does not count."""
    names = [node for each in connectors if (node := each.table().get("name"))]
    addresses = [node for each in connectors for box in written_mailboxes(each) for node in _own_addresses(box)]
    for nodes in (names, addresses):
        first: dict[str, Node] = {}
        for node in filter(_is_text, nodes):
            earlier = first.setdefault(str(node.value).casefold(), node)
            if earlier is not node:
                what = f'"{node.value}" is named already at {earlier.file}:{earlier.line}'
                reading.note(node, what, "name it once")


def _refuse_contradiction(connectors: list[Node], reading: Reading) -> None:
    """A mailbox that must stay closed, or is never read, is none to read."""
    written = [node for each in connectors for box in written_mailboxes(each) for node in _own_addresses(box)]
    named = {str(node.value).casefold() for node in written}
    for node in (node for each in connectors for node in _closed(each)):
        if str(node.value).casefold() in named:
            reading.note(node, "is a mailbox that is to be read", "take it out of one of the two places")


def _closed(connector: Node) -> list[Node]:
    table = connector.table()
    listed = table["mailboxes_from"].table().get("exclude") if "mailboxes_from" in table else None
    return [*([table["must_refuse"]] if "must_refuse" in table else []), *(listed.items() if listed else [])]


def _is_text(node: Node) -> bool:
    return isinstance(node.value, str)


def _own_addresses(mailbox: Node) -> list[Node]:
    address, aliases = mailbox.table().get("address"), mailbox.table().get("aliases")
    return [*([address] if address else []), *(aliases.items() if aliases else [])]


def _try_secrets(reading: Reading) -> None:
    for node, secret in reading.secrets:
        try:
            secret.read()
        except SecretError as error:
            reading.note(node, str(error))


def _check_country(main: Node, organisation: Organisation, reading: Reading) -> None:
    """A country whose holidays nobody knows would silently have none."""
    if organisation.country is None:
        return
    import holidays  # a quarter of a second, and needed only where a country is named

    known = holidays.list_supported_countries(include_aliases=False)
    if organisation.country not in known:
        near = nearest(organisation.country, known)
        node = main.table()["organisation"].table()["country"]
        instead = f'write "{near}"' if near else 'write a code of ISO 3166 such as "DE"'
        reading.note(node, f'the holidays of "{organisation.country}" are not known', instead)
