"""A disk that is full: a build fails in words, what runs goes on, and with room all works again."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import contextmanager
from uuid import UUID

import pytest

from kedge.engine.logs import EVERYTHING, FileLogStore
from system.installation import wait_until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root"),
]
LOST = re.compile(r"(\d+) messages dropped since")


@contextmanager
def small_disk(folder):
    """A disk of one megabyte in the place of a folder of the home."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("place", ["slugs", "sources"])
def test_a_build_on_a_full_disk_fails_in_words(quick_app, place):
    """The pusher is told that there is no room; the app serves on, and can deploy later."""
    app = quick_app()
    app.push()
    (app.folder / "noise").write_bytes(os.urandom(6_000_000))
    app.commit({})
    with small_disk(app.platform.home / place):
        said = app.push(check=False)
        assert "No space left" in said, said
        assert "inside Kedge" not in said
        assert app.get().text == "Hello one web.1 v3"
        assert len(app.releases()) == 3
    wait_until(lambda: not app.platform.containers(app=app.name, kind="build"))
    assert "Released v4" in app.push()


def test_logs_on_a_full_disk_are_counted(quick_app):
    """What the log has no room for is counted in lines of it, as soon as there is room."""
    app = quick_app()
    app.push()
    app_id = app.api("GET", "")["id"]
    folder = app.platform.home / "logs" / app_id
    with small_disk(folder):
        shout = "for number in range(40000): print('no room for this line', number)"
        app.kedge("run:detached", "--", "python3", "-c", shout)
        wait_until(lambda: kept_and_lost(app.platform, app_id)[0], 60)
        wait_until(lambda: not app.platform.containers(app=app.name, kind="run"), 60)
        assert app.get().status_code == 200
        subprocess.run(["mount", "-o", "remount,size=9m", str(folder)], check=True)
        app.kedge("config:set", "A=1")
        wait_until(lambda: sum(kept_and_lost(app.platform, app_id)) >= 40_000, 60)
        kept, lost = kept_and_lost(app.platform, app_id)
        assert kept
        assert lost


def kept_and_lost(platform, app_id):
    """How many lines the log has, and how many it says that it lost."""
    store = FileLogStore(platform.home / "logs", 16 << 20)
    kept, lost, cursor, after = 0, 0, None, "0"
    while after != cursor:
        cursor = after
        lines, after = store.follow(UUID(app_id), cursor, EVERYTHING)
        kept += sum(line.text.startswith("no room") for line in lines)
        lost += sum(int(found[1]) for line in lines if (found := LOST.search(line.text)))
    return kept, lost
