"""The compose file runs what the Procfile and `kedge up` run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kedge.errors import StartRefused
from kedge.home import alone, installation, parts, procfile
from kedge.settings import load

COMPOSE = Path(__file__).resolve().parents[2] / "docker-compose.yml"


def test_every_part_is_a_service():
    """Each process of the Procfile, and each server that comes with them, has a container."""
    service = re.compile(r"^  ([a-z]+):\n    <<: \*kedge\n    command: \[(.*)\]", re.MULTILINE)
    services = dict(service.findall(COMPOSE.read_text()))
    found = installation.Installation(load({"KEDGE_HOME": "/nowhere"}), "0" * 12)
    every = parts.of(found, procfile.read(procfile.OWN))
    names = {part.name for part in every if part.command is not None} | {"release"}
    assert services == {"home": "foundation, --engine"} | {name: f"part, {name}" for name in names}


def test_settings_that_compose_passes_on_exist():
    """Each KEDGE_ variable of the file is one Kedge reads."""
    from kedge.settings import describe

    named = set(re.findall(r"^    (KEDGE_[A-Z_]+):", COMPOSE.read_text(), re.MULTILINE))
    assert named
    assert named <= {variable for variable, _, _ in describe()}


def test_an_unknown_part_is_refused_with_those_there_are(monkeypatch):
    """A wrong name is answered with the right ones."""
    found = installation.Installation(load({"KEDGE_HOME": "/nowhere"}), "0" * 12)
    with pytest.raises(StartRefused, match=r"There is no part webb.\n.*web, worker.*haproxy"):
        alone.run(found, "webb")
