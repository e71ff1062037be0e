"""Builds: by the API, cancelled, too large, out of memory and time, and with a worker that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import tarfile
import threading

import httpx
import pytest

from system.installation import HELLO, wait_until
from system.uploads import build, ended, hooked, output_of, packed

pytestmark = [pytest.mark.docker, pytest.mark.slow]
SILENT = hooked("echo begun; sleep 300", HELLO)


def begun(app, *, builds=1):
    """Wait until the app's newest build is at its own script."""
    wait_until(lambda: len(app.api("GET", "/builds")) == builds)
    address = app.api("GET", "/builds")[-1]["output_stream_url"]
    with httpx.stream("GET", address, timeout=60) as output:
        assert any("begun" in line for line in output.iter_lines())


def test_an_uploaded_source_is_built_and_released(new_app):
    """POST /sources, PUT, POST builds: its output comes live, and its end is a live release."""
    app = new_app()
    made = build(app, packed({f"folder/{name}": text for name, text in HELLO.items()}))
    assert made["status"] == "pending"
    with httpx.stream("GET", made["output_stream_url"], timeout=60) as answer:
        lines = list(answer.iter_lines())
    assert "-----> Building on the Kedge-13 stack" in lines
    assert any("Released v3" in line for line in lines)
    done = ended(app, made)
    assert (done["status"], done["release"] is not None) == ("succeeded", True)
    wait_until(lambda: app.get().status_code == 200)
    assert app.get().text == "Hello one web.1 v3"
    assert app.release(3)["description"] == "Deploy 1a2b3c4d"


def entry(name, kind=tarfile.REGTYPE, to=""):
    """A member of an archive."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, to
    return made


BOMB = packed({**HELLO, "zeros": "0" * (220 * 1024 * 1024)})
SOURCES = {
    "another checksum": (packed(HELLO), {"checksum": f"SHA256:{'0' * 64}"}, "SHA256"),
    "an absolute path": (packed(HELLO, entry("/etc/passwd")), {}, "/etc/passwd"),
    "a path out of it": (packed(HELLO, entry("../../up")), {}, "../../up"),
    "a link out of it": (packed(HELLO, entry("x", tarfile.SYMTYPE, "/etc")), {}, "x"),
    "a device": (packed(HELLO, entry("disk", tarfile.BLKTYPE)), {}, "disk"),
    "a bomb": (BOMB, {}, "unpack"),
    "no archive": (b"hello", {}, "archive"),
    "nobody there": (b"", {"url": "http://127.0.0.1:9/a.tar.gz", "checksum": None}, "127.0.0.1"),
}


def test_sources_that_may_not_be_are_refused_with_the_reason(new_app):
    """A wrong checksum, tricks with paths, links and devices, bombs, and addresses of nobody."""
    app = new_app()
    for what, (archive, blob, words) in SOURCES.items():
        made = build(app, archive, **blob)
        said = output_of(made)
        assert words in said, f"{what}: {said}"
        assert ended(app, made)["status"] == "failed", what
    assert len(app.releases()) == 2
    assert not app.platform.containers(app=app.name, kind="build")
    app.push()


def test_a_cancelled_build_is_killed_and_the_next_one_runs(new_app):
    """DELETE ends the container of a running build; the app can build again at once."""
    app = new_app()
    made = build(app, packed(SILENT))
    wait_until(lambda: app.platform.containers(app=app.name, kind="build"))
    cancelled = app.api("DELETE", f"/builds/{made['id']}")
    assert cancelled["id"] == made["id"]
    assert "cancelled" in output_of(made)
    assert ended(app, made)["status"] == "failed"
    wait_until(lambda: not app.platform.containers(app=app.name, kind="build"))
    assert "Released v3" in app.push()


def test_a_build_out_of_memory_fails_alone(quick_app):
    """It is told what a build may use; another app answers throughout."""
    neighbour = quick_app()
    neighbour.push()
    app = quick_app(hooked("python3 -c 'x = bytearray(400 << 20)'\n", HELLO))
    said = app.push(check=False)
    assert "The build ran out of memory: a build may use 160 MB" in said
    assert neighbour.get().text == "Hello one web.1 v3"
    assert not app.platform.containers(app=app.name)


def test_a_build_out_of_time_fails(quick_app):
    """A build that hangs is ended at the limit, and says so."""
    app = quick_app(SILENT)
    said = app.push(check=False)
    assert "The build took longer than 20 seconds" in said
    assert not app.platform.containers(app=app.name)


def test_a_slug_too_large_names_what_is_large(quick_app):
    """The refusal says how large, what the limit is, and which folders it comes from."""
    script = "mkdir -p data/films; head -c 20000000 /dev/urandom > data/films/a\n"
    said = quick_app(hooked(script, HELLO)).push(check=False)
    assert "Compiled slug size: 1" in said
    assert "is too large (max is 12" in said, said
    assert "data" in said


def test_a_worker_killed_in_a_build_ends_it_in_words(new_app):
    """Kill -9 of the worker: the pusher is told, the build's container goes (here one that had
    waited for it), and the next push works.
    """
    app = new_app()
    platform = app.platform
    app.push()
    waiting = wait_until(lambda: [c for c in platform.standing_by() if c.status == "running"])
    app.commit(SILENT)
    told = []
    pusher = threading.Thread(target=lambda: told.append(app.push(check=False)))
    pusher.start()
    begun(app, builds=2)
    running = platform.containers(app=app.name, kind="build")
    assert [each.id for each in running] == [each.id for each in waiting]
    platform.kill("worker")
    wait_until(lambda: not platform.containers(app=app.name, kind="build"))
    pusher.join(40)
    assert told, "the pusher is not left waiting"
    assert "The build's worker was stopped or died" in told[0], told[0]
    assert app.api("GET", "/builds")[-1]["status"] == "failed"
    app.commit({"bin/pre_compile": "echo quick\n"})
    assert "Released v4" in app.push()


def test_a_pusher_who_goes_away_ends_the_build(new_app):
    """A git client killed in a silent build: the build and its container end within seconds."""
    app = new_app(SILENT)
    pusher = subprocess.Popen(
        ["git", "push", "kedge", "main"],
        cwd=app.folder, env=app.platform.environment, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    begun(app)
    os.killpg(pusher.pid, signal.SIGKILL)
    pusher.wait()
    wait_until(lambda: app.api("GET", "/builds")[0]["status"] == "failed", 20)
    wait_until(lambda: not app.platform.containers(app=app.name))
    app.commit({"bin/pre_compile": "echo quick\n"})
    assert "Released v3" in app.push()
