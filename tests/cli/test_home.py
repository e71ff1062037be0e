from __future__ import annotations

import json
import os

import pytest

from cli.conftest import Kedge


def test_status_of_nothing(kedge: Kedge):
    """Where nothing was ever started `status` says so in words and JSON, and exits 1."""
    done = kedge("status")
    assert done.status == 1
    assert "kedge up" in done.err
    found = json.loads(kedge("status", "--json").out)
    assert found["ready"] is False
    assert {part["state"] for part in found["parts"]} <= {"down", "up"}


def test_down_of_nothing(kedge: Kedge):
    """`down` where nothing runs is no error."""
    assert kedge("down").status == 0


def test_doctor_lists_findings(kedge: Kedge):
    """`doctor --json` is a list of checks, each with what to do when it is not well."""
    done = kedge("doctor", "--json")
    findings = json.loads(done.out)
    assert findings
    assert done.status == (0 if all(f["ok"] for f in findings) else 1)
    assert all(f["remedy"] for f in findings if not f["ok"])


def test_an_engine_that_does_not_say_what_it_is(kedge: Kedge, monkeypatch: pytest.MonkeyPatch):
    """An engine too busy to describe itself is a finding with a remedy, not a traceback."""
    from kedge.home import machine

    monkeypatch.setattr(machine.probes, "engine", lambda _host: None)
    monkeypatch.setattr(machine, "_docker", lambda *_: "")
    done = kedge("doctor", "--json")
    (engine,) = (found for found in json.loads(done.out) if found["name"] == "Docker engine")
    assert not engine["ok"]
    assert "docker info" in engine["remedy"]


def test_uninstall_of_nothing(kedge: Kedge):
    """`uninstall` of a folder that is no home is refused, naming the folder."""
    done = kedge("uninstall", "--confirm", os.environ["KEDGE_HOME"])
    assert done.status == 1
    assert f"{os.environ['KEDGE_HOME']} is no home of Kedge" in done.err
    assert "KEDGE_HOME=" in done.err
