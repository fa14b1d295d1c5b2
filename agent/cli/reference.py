"""The command line as a page: `python -m agent.cli.reference > docs/cli.md`. A test keeps the page current.

Everything on it comes from the commands themselves, so it cannot promise what `--help` does not.
"""

import re
import sys
from collections.abc import Iterator

import typer
from typer.core import TyperGroup

from agent.cli.commands import NOUNS, Noun, load
from agent.cli.main import command

_HEAD = """# Command line

<!-- Written by `python -m agent.cli.reference > docs/cli.md`. Change the commands, not this page. -->

`crm-agent [OPTIONS] COMMAND …`

"""
_MANNERS = """
`--json`, where a command takes it, prints one JSON object a line on stdout and nothing else there; what concerns
people goes to stderr. `-h` or `--help` after any command explains it.

| exit code | means |
|---|---|
| 0 | done |
| 1 | some of the work failed, or a check found something; stderr names it |
| 2 | wrong usage or configuration; stderr names every problem |
| 130 | interrupted |
"""
_TYPE = re.compile(r" ?<([^>]*)>")
_METAVARS = {"int range": "N", "int": "N", "str": "TEXT", "list[str]": "TEXT", "path": "PATH"}
_NOTES = re.compile(r"\s*\[(?:required|x>=1)\]")
_DEFAULT = re.compile(r"\s*\[default: ([^\]]*)\]")

Command = typer._click.Command


def page() -> str:
    """The whole page, Markdown."""
    options = "".join(_options(command()))
    return _HEAD + options + _MANNERS + "".join(map(_section, NOUNS))


def _section(noun: Noun) -> str:
    entries = "".join(_entry(path, each) for path, each in _walk(f"crm-agent {noun.name}", load(noun)))
    return f"\n## {noun.name}\n\n{noun.summary}\n{entries}"


def _walk(path: str, found: Command) -> Iterator[tuple[str, Command]]:
    """Everything that can be typed from here on: the command itself, unless it only leads to others, and those."""
    if not isinstance(found, TyperGroup) or found.invoke_without_command:
        yield path, found
    if isinstance(found, TyperGroup):
        for name, each in found.commands.items():
            yield from _walk(f"{path} {name}", each)


def _entry(path: str, found: Command) -> str:
    words = " ".join([path, *(_word(found, parameter) for parameter in found.params)])
    help_ = "\n\n".join(part.replace("\n", " ").strip() for part in (found.help or "").split("\n\n"))
    return f"\n```\n{words}\n```\n\n{help_}\n" + "".join(["\n", *options] if (options := list(_options(found))) else [])


def _word(found: Command, parameter: "typer._click.Parameter") -> str:
    """How a parameter stands in the line: in brackets where it may be left out."""
    name = _name(found, parameter)
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def _options(found: Command) -> Iterator[str]:
    """A line for each parameter that says something beyond its name."""
    for parameter in found.params:
        explained = _DEFAULT.sub(r" Default: `\1`.", _NOTES.sub("", _record(found, parameter)[1])).strip()
        if explained and parameter.name != "as_json":
            yield f"- `{_name(found, parameter)}`: {explained}\n"


def _name(found: Command, parameter: "typer._click.Parameter") -> str:
    """`--limit N`, `FILE`: the parameter with what to put in its place."""
    name = _record(found, parameter)[0]
    if parameter.param_type_name == "argument":
        return _TYPE.sub("", name).upper()
    return _TYPE.sub(lambda match: " " + _METAVARS.get(match[1], match[1]), name)


def _record(found: Command, parameter: "typer._click.Parameter") -> tuple[str, str]:
    name, help_ = parameter.get_help_record(typer._click.Context(found)) or ("", "")
    return name, help_


if __name__ == "__main__":
    sys.stdout.write(page())
