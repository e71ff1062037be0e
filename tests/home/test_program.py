"""Parts that are Python programs: what is taken for one, and how it runs after a fork."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kedge.home import procfile, program
from kedge.home.parts import PYTHON

BIN = Path(sys.executable).parent
SOURCE = Path(program.__file__).parents[2]
BECOMING = """
import signal
from kedge.home import program
signal.signal(signal.SIGTERM, lambda *_: None)
variables = {"PATH": "/bin", "NUMBER": "3"}
program.become(program.find("python -m part_of_test one two", variables), variables)
"""
VARIABLES = {"PATH": f"{BIN}:{os.defpath}", "WHERE": "/a b/web.sock", "NUMBER": "3"}


def driven(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python of ours in a process of its own, its words in one stream."""
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_module_of_python():
    """`python -m NAME` is a program, by whichever of its names Python is called."""
    for python in ("python", "python3", PYTHON):
        found = program.find(f"{python} -m kedge_router agent", VARIABLES)
        assert found == program.Program("kedge_router", None, ("agent",))
        assert found.title == "kedge_router agent"


def test_a_script_of_this_environment():
    """A console script of ours is a program; variables are filled in, and not cut at spaces."""
    found = program.find('gunicorn --bind "unix:$WHERE" --threads ${NUMBER} a:b', VARIABLES)
    words = ("--bind", "unix:/a b/web.sock", "--threads", "3", "a:b")
    assert found == program.Program(None, BIN / "gunicorn", words)


@pytest.mark.parametrize(
    "line",
    [
        "sleep 1000",
        "python server.py",
        "gunicorn a:b && echo",
        "gunicorn a:b > log",
        "gunicorn $(cat options)",
        "gunicorn `cat options`",
        "gunicorn a:b # why",
        "gunicorn ${PORT:-8000}",
        "gunicorn $UNKNOWN",
        "gunicorn 'unclosed",
        "PORT=1 gunicorn a:b",
        "no-such-program",
    ],
)
def test_what_wants_a_shell(line):
    """Operators, substitutions, comments, other programs: such a line is left to the shell."""
    assert program.find(line, VARIABLES) is None


def test_the_procfiles_parts_are_programs():
    """Every part of our own Procfile shares its libraries with the others."""
    variables = {**VARIABLES, "KEDGE_RUN_DIR": "/r", "KEDGE_HOME": "/h"}
    variables |= {"KEDGE_WEB_THREADS": "8", "KEDGE_LOG_LEVEL": "info"}
    for name, line in procfile.read(procfile.OWN).items():
        assert program.find(line, variables), name


@pytest.mark.parametrize(
    ("body", "status", "written"),
    [
        ("print(os.environ['NUMBER'], sys.argv[1:])", 0, "3 ['one', 'two']"),
        ("sys.exit(7)", 7, ""),
        ("sys.exit('no room')", 1, "no room"),
        ("raise ValueError('bad')", 1, "ValueError: bad"),
        ("atexit.register(print, 'last words')", 0, "last words"),
        ("print(signal.getsignal(signal.SIGTERM).name)", 0, "SIG_DFL"),
        ("threading.Thread(target=lambda: (time.sleep(0.1), print('done'))).start()", 0, "done"),
    ],
)
def test_a_process_becomes_the_program(tmp_path, body, status, written):
    """Arguments, variables, exit status, words and signals are those of a process of its own."""
    lines = f"import atexit, os, signal, sys, threading, time\n{body}\n"
    (tmp_path / "part_of_test.py").write_text(lines)
    done = driven(BECOMING, tmp_path)
    assert done.returncode == status
    assert written in done.stdout


def test_libraries_can_be_loaded_before_a_fork(tmp_path):
    """None of what is loaded ahead starts a thread, which every child would miss."""
    done = driven("from kedge.home import nursery; nursery.preload()", tmp_path)
    assert done.returncode == 0, done.stdout
