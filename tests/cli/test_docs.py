from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from kedge.cli.catalogue import BY_NAME, ENTRIES, Entry

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
SHOWN = [entry for entry in ENTRIES if not entry.hidden]


def _shown(option: click.Option) -> str:
    return option.secondary_opts[-1] if option.secondary_opts else option.opts[-1]


def _command(entry: Entry) -> click.Command:
    module, function = entry.place.split(":")
    return getattr(import_module(f"kedge.cli.{module}"), function)


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry.name)
def test_command_is_documented(entry: Entry):
    """Every command has a row in docs/cli.md with its sentence, arguments, options and aliases."""
    (row,) = re.findall(rf"^\| `{re.escape(entry.name)}(?: [^`]*)?` .*$", PAGE, re.MULTILINE)
    assert entry.summary in row
    for name in entry.aliases:
        assert f"`{name}`" in row
    shared = {"app", "remote", "url", "as_json"}
    for parameter in _command(entry).params:
        if isinstance(parameter, click.Option) and parameter.name not in shared:
            assert getattr(parameter, "hidden", False) or _shown(parameter) in row, parameter.opts


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_command_explains_itself(entry: Entry):
    """Every command's own name is the catalogue's, and its help says what it does."""
    command = _command(entry)
    assert command.name == entry.name
    assert command.help


def test_names_are_used_once():
    """No name or alias stands for two commands."""
    assert len(BY_NAME) == sum(1 + len(entry.aliases) for entry in ENTRIES)


def test_only_commands_are_documented():
    """docs/cli.md has no row of a command there is not."""
    rows = set(re.findall(r"^\| `([a-z:]+)", PAGE, re.MULTILINE))
    assert rows <= {entry.name for entry in SHOWN}


def test_json_is_on_everything_that_lists_or_shows():
    """Every command that lists or shows something takes `--json`."""
    shows = re.compile(r"^(list|show |say why|check|sealed)")
    for entry in SHOWN:
        if shows.match(entry.summary) and entry.section != "Help":
            taken = {parameter.name for parameter in _command(entry).params}
            assert "as_json" in taken, entry.name
