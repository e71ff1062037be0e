"""Where a home may lie, and homes side by side."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from kedge.home import orphans

pytestmark = pytest.mark.postgres


@pytest.fixture
def long_folder():
    """A folder below one nobody else may enter, whose path is too long for a unix socket."""
    top = Path(tempfile.mkdtemp(prefix="kedge-"))
    yield top / ("a" * 60) / ("b c" * 20) / "home"
    shutil.rmtree(top)


def test_a_long_path_and_closed_parents_are_no_obstacle(new_home, long_folder):
    """Sockets get a short folder of their own, which goes at the stop; data stay in the home."""
    home = new_home(long_folder)
    home.up()
    assert home.is_ready()
    run_dir = home.installation.run_dir
    assert not run_dir.is_relative_to(home.folder)
    assert run_dir.stat().st_mode & 0o777 == 0o700
    assert (home.folder / "postgres" / "data" / "PG_VERSION").exists()
    home.down()
    assert home.left() == []
    assert not run_dir.exists()


def test_two_homes_run_side_by_side(new_home):
    """Each has its own parts; stopping one leaves the other ready."""
    one, other = new_home(), new_home()
    one.up()
    other.up()
    pids = {part["pid"] for home in (one, other) for part in home.status()["parts"]}
    assert len(pids) == 8
    one.down()
    assert other.is_ready()
    assert all(orphans.lives(part["pid"]) for part in other.status()["parts"])
