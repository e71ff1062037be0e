"""`kedge uninstall`, on homes whose processes are stand-ins; what apps leave is in tests/system."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from home.conftest import Home, homes
from kedge.home import inventory, uninstall
from kedge.home.inventory import DATA

pytestmark = pytest.mark.docker

KILLED_IN_BETWEEN = """
import itertools, os, signal
from kedge.home import uninstall
from kedge.settings import load
calls = itertools.count(1)
def told(*_):
    if next(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
uninstall.remove(uninstall.find(load()), keep_data=False, say=print, told=told)
"""

Run = subprocess.CompletedProcess[str]


def uninstalled(home: Home, *options: str) -> Run:
    """`kedge uninstall` of the home, confirmed."""
    return home.run("uninstall", "--confirm", str(home.folder), *options)


def entries(home: Home) -> set[str]:
    """The names in the home."""
    return {entry.name for entry in home.folder.iterdir()}


def quiet(_kind: str, _number: int, _every: int) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home that runs, which nothing here may touch."""
    with homes(tmp_path_factory.mktemp("running")) as new:
        home = new()
        home.up()
        yield home


@pytest.fixture
def laid(home: Home) -> Home:
    """A home with folders, key and certificates, of which nothing runs."""
    done = home.run("foundation")
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def test_everything_of_a_home_that_runs(home: Home, running: Home):
    """Uninstall stops what runs and leaves neither process nor file; another home goes on."""
    home.up()
    found = home.installation
    done = uninstalled(home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found.id in done.stdout.splitlines()[0]
    assert "Kedge is gone." in done.stdout
    assert not home.folder.exists()
    assert not found.run_dir.exists()
    assert home.left() == []
    assert running.is_ready()


def test_it_takes_the_home_s_path_to_confirm(laid: Home):
    """Without the home's own path nothing is removed, and the words say what to type."""
    before = entries(laid)
    for said in ("yes", str(laid.folder.parent)):
        done = laid.run("uninstall", "--confirm", said)
        assert done.returncode == 1
        assert f"kedge uninstall --confirm {laid.folder}" in done.stdout
    assert entries(laid) == before


@pytest.mark.parametrize("mark", [None, "", "my notes\n", "../../etc\n"])
def test_a_folder_that_is_no_home(home: Home, mark: str | None):
    """A folder without an installation's id is refused."""
    home.folder.mkdir()
    if mark is not None:
        (home.folder / "installation").write_text(mark)
    with pytest.raises(uninstall.UninstallRefused, match="is no home of Kedge"):
        uninstall.find(home.settings)


def test_what_others_laid_in_the_home_stays(laid: Home):
    """Files Kedge did not make are named and left, and the home with them."""
    (laid.folder / "notes.txt").write_text("mine")
    (laid.folder / "photos").mkdir()
    done = uninstalled(laid)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "notes.txt, photos" in done.stdout
    assert entries(laid) == {"notes.txt", "photos"}


def test_data_that_is_kept(laid: Home):
    """With --keep-data a home keeps its id, keys, certificate authority and database."""
    done = uninstalled(laid, "--keep-data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"ca.key", "ca.pem", "installation", "postgres", "secret.key"} <= entries(laid)
    assert entries(laid) <= DATA


@pytest.mark.parametrize(
    ("number", "size", "said"),
    [
        (1, 0, "1 slug image"),
        (4, 30_000, "4 slug images, 30.0 KB"),
        (2, 5_260_000, "2 slug images, 5.3 MB"),
        (0, 9, ""),
    ],
)
def test_what_there_is_in_words(number: int, size: int, said: str):
    """A count in the singular or the plural, with a size that is never "0.0"."""
    assert inventory._counted(number, "slug image", size) == said


def test_killed_half_way_it_is_called_again(laid: Home):
    """Wherever in the home it is killed, the next call finds the rest and removes it."""
    sizes = [len(entries(laid))]
    while (laid.folder / "installation").exists():
        killed = laid.python(KILLED_IN_BETWEEN)
        assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr
        sizes.append(len(entries(laid)) if laid.folder.exists() else 0)
    assert sizes == sorted(set(sizes), reverse=True)
    assert len(sizes) > 3


def test_an_engine_that_is_away(laid: Home, tmp_path: Path):
    """Without the engine nothing is removed: containers might be left on it."""
    away = f"unix://{tmp_path / 'nobody.sock'}"
    (laid.folder / "started-with.json").write_text(json.dumps({"DOCKER_HOST": away}))
    before = entries(laid)
    done = uninstalled(laid)
    assert done.returncode == 1
    assert "Nothing was removed" in done.stdout
    assert entries(laid) == before


def test_parts_that_containers_run(running: Home):
    """A home whose parts answer although nothing of it runs on this machine is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uninstall.stop, "down", lambda *_args, **_options: None)
        with pytest.raises(uninstall.UninstallRefused, match="still answers") as refused:
            uninstall.remove(running.installation, keep_data=False, say=print, told=quiet)
    assert "docker compose down" in refused.value.remedy
    assert running.is_ready()
