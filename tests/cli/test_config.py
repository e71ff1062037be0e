from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cli.conftest import Kedge
from cli.fake_platform import FakePlatform, Steps, release, rollout
from kedge.errors import InvalidParams
from kedge.model import env_file

PATCH = ("PATCH", "/apps/shop/config-vars")


@pytest.fixture
def changing(platform: FakePlatform) -> FakePlatform:
    """A platform on which the next config change becomes v10 and goes live."""
    platform.answers["GET", "/apps/shop/releases"] = Steps(
        [release(9, "Deploy")], [release(10, "Set A config vars")]
    )
    rolling = rollout(9, settled=False, rolling_out=10, stage="rollout")
    rolling["dynos"] = [{"name": "web.1", "state": "starting", "release": 10}]
    platform.answers["GET", "/kedge/apps/shop/rollout"] = Steps(rolling, rollout(10))
    return platform


def test_list_is_aligned(platform: FakePlatform, kedge: Kedge):
    """`kedge config` shows key and value in columns."""
    assert kedge("config", "-a", "shop").out.splitlines()[0] == "A:         1"


def test_shell_form_can_be_read_back(platform: FakePlatform, kedge: Kedge):
    """`--shell` quotes values so that a shell takes them as they are."""
    assert """GREETING='it'"'"'s 5 o'"'"'clock\nhere'""" in kedge("config", "-s", "-a", "shop").out


def test_get_prints_the_bare_value(platform: FakePlatform, kedge: Kedge):
    """`config:get` prints values alone, one a line, and fails for what is not set."""
    assert kedge("config:get", "A", "-a", "shop").out == "1\n"
    done = kedge("config:get", "A", "B", "-a", "shop")
    assert (done.status, done.out) == (1, "1\n")
    assert "Not set on shop: B." in done.err


def test_set_waits_until_live(changing: FakePlatform, kedge: Kedge):
    """`config:set` tells the release, the dynos on their way, and that it is live."""
    done = kedge("config:set", "A=1=2", "B=", "-a", "shop")
    assert done.status == 0, done.err
    assert changing.of(*PATCH)[0].json == {"A": "1=2", "B": ""}
    assert "Setting A, B on shop... v10" in done.err
    assert "Rolling out v10: web.1 starting" in done.err
    assert "v10 is live on shop" in done.err


def test_set_shows_no_value(changing: FakePlatform, kedge: Kedge):
    """Values that are set are not printed: they end up in the logs of whoever ran the command."""
    done = kedge("config:set", "SECRET=correct-horse", "-a", "shop")
    assert "correct-horse" not in done.out + done.err


def test_no_wait_returns_once_recorded(changing: FakePlatform, kedge: Kedge):
    """With `--no-wait` the roll-out is not asked for."""
    assert kedge("config:set", "A=2", "--no-wait", "-a", "shop").status == 0
    assert not changing.of("GET", "/kedge/apps/shop/rollout")


def test_nothing_changed_is_said(platform: FakePlatform, kedge: Kedge):
    """A change to the same values makes no release, and says so."""
    assert "nothing changed, still v9" in kedge("config:set", "A=1", "-a", "shop").err


def test_unset_sends_null(changing: FakePlatform, kedge: Kedge):
    """`config:unset` asks for the key to go."""
    assert kedge("config:unset", "A", "-a", "shop").status == 0
    assert changing.of(*PATCH)[0].json == {"A": None}


def test_set_without_equals_is_usage(platform: FakePlatform, kedge: Kedge):
    """A word that is not KEY=VALUE is wrong usage, and nothing is sent."""
    assert kedge("config:set", "A", "-a", "shop").status == 2
    assert kedge("config:set", "-a", "shop").status == 2
    assert not platform.asked


def test_set_from_stdin(changing: FakePlatform, kedge: Kedge, monkeypatch: pytest.MonkeyPatch):
    """`--file -` reads KEY=value lines, so that values stay out of process lists."""
    monkeypatch.setattr("sys.stdin", io.StringIO('# mine\nA=x y\nexport B="1\\n2"\n'))
    assert kedge("config:set", "--file", "-", "-a", "shop").status == 0
    assert changing.of(*PATCH)[0].json == {"A": "x y", "B": "1\n2"}


def test_edit_sends_what_differs(
    changing: FakePlatform, kedge: Kedge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`config:edit` sets what was added or changed, and removes what was deleted."""
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\ngrep -v '^A=' $1 > $1.new; echo C=3 >> $1.new; mv $1.new $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    done = kedge("config:edit", "-a", "shop")
    assert done.status == 0, done.err
    assert changing.of(*PATCH)[0].json == {"A": None, "C": "3"}


@pytest.mark.parametrize(
    "value",
    ["", "plain", "two words", " lead", "it's", 'say "x"', "a\nb", "a\\nb", "#no", "é\t$X", "\r\n"],
)
def test_env_file_reads_back_what_it_wrote(value: str):
    """Every value survives being written to and read from a .env file."""
    assert env_file.parsed(env_file.written({"KEY": value})) == {"KEY": value}


def test_env_file_forms():
    """Comments, blanks, `export` and both quotes are understood; nothing is expanded."""
    text = "\n# c\nA=1 # is value\nexport B='x # y'  # c\nC = \"p\nq\"\nD=$A\nE=\nF=a#b"
    assert env_file.parsed(text) == {
        "A": "1 # is value", "B": "x # y", "C": "p\nq", "D": "$A", "E": "", "F": "a#b",
    }  # fmt: skip


def test_env_file_names_the_wrong_line():
    """A line that is not KEY=value is named by its number, and its text is not repeated."""
    with pytest.raises(InvalidParams, match="Line 2") as refused:
        env_file.parsed("A=1\nhunter2\n")
    assert "hunter2" not in refused.value.message


def test_config_as_json(platform: FakePlatform, kedge: Kedge):
    """`config --json` is the map of all config vars."""
    assert json.loads(kedge("config", "--json", "-a", "shop").out)["A"] == "1"
