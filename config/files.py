"""Which files make the configuration: where the main one is looked for, and what lies in `connectors.d` beside it."""

import os
from collections.abc import Iterator
from pathlib import Path

from config.node import Node, read_tree
from config.problem import ConfigProblems, Problem
from config.reading import Reading, name_of

VARIABLE = "CRM_AGENT_CONFIG"
NAME = "crm-agent.toml"
SYSTEM = Path("/etc/crm-agent") / NAME
FOLDER = "connectors.d"


def find(explicit: Path | None) -> Path:
    """The file that applies: the one named, $CRM_AGENT_CONFIG, ./crm-agent.toml, /etc/crm-agent/crm-agent.toml.

    Raises ConfigProblems if the one that was named is not there, or none is.
    """
    variable = os.environ.get(VARIABLE)
    named = explicit or (Path(variable) if variable else None)
    if named is not None:
        if _may_be(named):
            return named
        raise _nowhere(named, "there is no such file")
    for place in (Path(NAME), SYSTEM):
        if _may_be(place):
            return place
    raise _nowhere(Path(NAME), f"no configuration here nor at {SYSTEM}")


def _may_be(path: Path) -> bool:
    """Whether something may be there. What cannot be looked at counts: reading it says why."""
    try:
        return path.exists()
    except OSError:
        return True


def _nowhere(path: Path, what: str) -> ConfigProblems:
    instead = f"write one with `crm-agent init` or name it by --config or ${VARIABLE}"
    return ConfigProblems([Problem(file=path, line=0, key="", what=what, instead=instead)])


def read_files(path: Path, reading: Reading) -> tuple[Node, list[Node]]:
    """The main file's tree, empty if it cannot be read, and the connectors of all files."""
    main = read_tree(path)
    if isinstance(main, Problem):
        reading.problems.append(main)
        main = Node(value={}, file=path, line=0, key="")
    connectors = list(_listed(main, reading))
    for beside in _beside(path, reading):
        tree = read_tree(beside)
        if isinstance(tree, Problem):
            reading.problems.append(tree)
        else:
            _refuse_others(tree, path, reading)
            connectors.extend(_listed(tree, reading))
    return main, connectors


def _beside(path: Path, reading: Reading) -> list[Path]:
    """The files of connectors.d by name. A folder that cannot be listed is a problem: it would drop its mailboxes."""
    folder = path.parent / FOLDER
    try:
        return sorted(each for each in folder.iterdir() if each.suffix == ".toml" and not each.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        reading.problems.append(Problem(file=folder, line=0, key="", what=f"cannot be listed: {error.strerror}"))
        return []


def _refuse_others(tree: Node, main: Path, reading: Reading) -> None:
    for name, node in tree.table().items():
        if name != "connectors":
            reading.note(node, "only [[connectors]] belongs here", f"move it to {main.name}")


def _listed(tree: Node, reading: Reading) -> Iterator[Node]:
    written = tree.table().get("connectors")
    if written is None:
        return
    if isinstance(written.value, list):
        yield from written.value
    else:
        reading.note(written, f"{name_of(written)} stands where a list of tables belongs", "write [[connectors]]")
