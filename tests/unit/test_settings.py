"""Settings: read from the environment, and documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedge import settings as configuration
from kedge.errors import StartRefused

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented_with_its_default():
    """docs/settings.md has a row for each setting, and none for what is no setting."""
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    expected = [f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |"
                for name, default, meaning in configuration.describe()]  # fmt: skip
    assert rows == expected


def test_a_value_that_is_not_of_its_type_is_refused_in_words():
    """The words name the variable and what it should be."""
    with pytest.raises(StartRefused, match="KEDGE_HTTP_PORT='eighty' is not a int"):
        configuration.load({"KEDGE_HTTP_PORT": "eighty"})


def test_settings_survive_the_way_through_an_environment(tmp_path):
    """What one process was started with, another can be started with."""
    first = configuration.load({"KEDGE_HOME": str(tmp_path), "KEDGE_HTTP_PORT": "9000"})
    assert configuration.load(configuration.environment(first)) == first


def test_sockets_lie_in_a_short_folder_when_the_home_s_path_is_long(tmp_path):
    """A unix socket's path takes at most 107 bytes."""
    long_home = tmp_path / ("x" * 100)
    found = configuration.load({"KEDGE_HOME": str(long_home)})
    assert len(str(found.run_dir / "router" / "agent.sock")) < 107
