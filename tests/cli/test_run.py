from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from cli.conftest import Kedge
from cli.fake_platform import FakePlatform, Rendezvous, Steps, refusal

RUN = ("run", "-a", "shop")


def test_output_alone_is_on_stdout(rendezvous: Rendezvous, program: Kedge):
    """What the command prints is all there is on stdout; what kedge says is on stderr."""
    done = program(*RUN, "--", "echo", "hello there")
    assert (done.status, done.out) == (0, "hello there\n"), done.err
    assert "up, run.4821" in done.err
    assert rendezvous.asked["command"] == "echo 'hello there'"
    assert rendezvous.asked["force_no_tty"] is True


def test_exit_status_is_the_commands(rendezvous: Rendezvous, program: Kedge):
    """The exit status of `run` is that of the command."""
    assert program(*RUN, "exit 3").status == 3


def test_one_word_is_a_shell_line(rendezvous: Rendezvous, program: Kedge):
    """One word goes to the shell as it stands, with its pipes and quotes."""
    assert program(*RUN, "echo a b | tr a-z A-Z; false || echo '$'x").out == "A B\n$x\n"


def test_input_is_carried_to_its_end(rendezvous: Rendezvous, program: Kedge):
    """Piped input arrives whole, and its end ends the command's input."""
    data = b"".join(b"line %d\n" % n for n in range(200_000))
    done = program(*RUN, "--", "cat", stdin=data)
    assert done.status == 0, done.err
    assert done.out.encode() == data


def test_end_of_input_byte_is_refused(rendezvous: Rendezvous, program: Kedge):
    """Input with the byte that ends input is refused, where it would be cut off silently."""
    done = program(*RUN, "--", "cat", stdin=b"a\x04b")
    assert done.status == 1
    assert "0x04" in done.err


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["ls", "-la"], "ls -la"),
        (["bash", "-a", "shop"], "bash"),
        (["--app", "shop", "python", "-c", "print(1)"], "python -c 'print(1)'"),
        (["-a", "shop", "--", "grep", "-a", "x"], "grep -a x"),
        (["rake", "db:migrate", "--app=shop"], "rake db:migrate"),
    ],
)
def test_whose_option_it_is(
    platform: FakePlatform, kedge: Kedge, monkeypatch: pytest.MonkeyPatch, words, command
):
    """Options after the command are the command's, but for an app that ends the line."""
    monkeypatch.setenv("HEROKU_APP", "shop")
    platform.answers["POST", "/apps/shop/dynos"] = {"name": "run.1"}
    assert kedge("run:detached", *words).status == 0
    assert platform.of("POST", "/apps/shop/dynos")[0].json["command"] == command


def test_detached_prints_the_name(platform: FakePlatform, kedge: Kedge):
    """`run:detached` prints the dyno's name and sends size, type and variables."""
    platform.answers["POST", "/apps/shop/dynos"] = {"name": "run.77"}
    done = kedge("run:detached", "-a", "shop", "-s", "basic", "-e", "A=1", "--type", "w", "rake x")
    assert done.out == "run.77\n"
    assert platform.asked[-1].json == {
        "command": "rake x", "env": {"A": "1"}, "attach": False, "size": "basic", "type": "w",
    }  # fmt: skip


def test_conflict_is_tried_again(rendezvous: Rendezvous, platform: FakePlatform, program: Kedge):
    """A conflict at the start of the dyno is tried twice more."""
    start = platform.answers["POST", "/apps/shop/dynos"]
    busy = refusal(409, "conflict", "Busy.")
    platform.answers["POST", "/apps/shop/dynos"] = Steps(busy, busy, start)
    assert program(*RUN, "--", "true").status == 0


def test_untrusted_rendezvous_is_refused(
    rendezvous: Rendezvous, program: Kedge, monkeypatch: pytest.MonkeyPatch
):
    """The attached connection is verified: with an unknown CA nothing is sent on it."""
    monkeypatch.delenv("KEDGE_CA")
    done = program(*RUN, "--", "true")
    assert done.status == 1
    assert "not trusted" in done.err


def test_broken_connection_is_told(
    rendezvous: Rendezvous, program: Kedge, monkeypatch: pytest.MonkeyPatch
):
    """A dyno that ended in an unknown way is an error, never status 0."""
    rendezvous.breaks_off = True
    rendezvous._platform.answers["GET", "/kedge/dynos/d1"] = {
        "id": "d1", "name": "run.4821", "state": "ended", "exit_status": None,
    }  # fmt: skip
    done = program(*RUN, "--", "true")
    assert done.status == 1
    assert "not known" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("-a", "shop", "web.1", "--", "sh", "-c", "echo in; exit 4"),
        ("-a", "shop", "web.1", "sh", "-c", "echo in; exit 4"),
        ("web.1", "echo in; exit 4", "-a", "shop"),
    ],
)
def test_inside_a_dyno(rendezvous: Rendezvous, program: Kedge, words):
    """`run:inside` runs in the dyno named, with output and exit status as `run` has them."""
    done = program("run:inside", *words)
    assert (done.status, done.out) == (4, "in\n"), done.err
    assert "inside web.1" in done.err
    assert rendezvous.asked["force_no_tty"] is True
    assert rendezvous.asked["command"].endswith(("echo in; exit 4", "'echo in; exit 4'"))


class Terminal:
    """`kedge` in a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm", "COLUMNS": "91", "LINES": "33"}
            os.execv(sys.executable, [sys.executable, "-m", "kedge.cli", *arguments])
        self.seen = b""

    def wait_for(self, words: bytes) -> None:
        deadline = time.monotonic() + 20
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self._read()

    def _read(self) -> bool:
        if not select.select([self.master], [], [], 0.2)[0]:
            return True
        try:
            piece = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += piece
        return bool(piece)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self) -> int:
        while self._read():
            pass
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_terminal_is_carried(rendezvous: Rendezvous):
    """With a terminal the command has one too, of the same size, and keys reach it one by one."""
    terminal = Terminal(
        *RUN, "stty size; stty raw -echo; echo REA''DY; dd bs=1 count=1 2>/dev/null; exit 5"
    )
    terminal.wait_for(b"READY")
    assert b"33 91" in terminal.seen
    terminal.type(b"\x03")
    assert terminal.end() == 5
    assert rendezvous.asked["env"]["TERM"] == "xterm"


def test_terminal_is_put_back(rendezvous: Rendezvous):
    """After the command the terminal is as it was; also after four Ctrl-C in a row, status 130."""
    shell = (
        f"{sys.executable} -m kedge.cli run -a shop "
        "'trap : INT; stty raw; echo REA$(echo DY); sleep 30'; "
        "echo status $?; stty -a"
    )
    terminal = Terminal.__new__(Terminal)
    terminal.pid, terminal.master = pty.fork()
    if terminal.pid == 0:
        os.environ["TERM"] = "xterm"
        os.execvp("sh", ["sh", "-c", shell])
    terminal.seen = b""
    terminal.wait_for(b"READY")
    terminal.type(b"\x03" * 4)
    terminal.end()
    assert b"status 130" in terminal.seen
    assert b" icanon" in terminal.seen
    assert b" echo " in terminal.seen


def test_interrupt_without_terminal_is_130(rendezvous: Rendezvous):
    """Ctrl-C on an attached command without a terminal ends it with 130."""
    running = subprocess.Popen(
        [sys.executable, "-m", "kedge.cli", *RUN, "echo READY; sleep 30"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert running.stdout
    assert running.stdout.readline() == b"READY\n"
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 130


def test_rollback_asks_at_a_terminal(platform: FakePlatform):
    """At a terminal `rollback` shows the diff in colours and asks; no is no."""
    terminal = Terminal("rollback", "-a", "shop")
    terminal.wait_for(b"[y/N]")
    assert b"\x1b[" in terminal.seen
    terminal.type(b"n\n")
    assert terminal.end() == 1
    assert not platform.of("POST", "/apps/shop/releases")


def test_destroy_asks_for_the_name(platform: FakePlatform):
    """At a terminal `apps:destroy` wants the app's name typed."""
    terminal = Terminal("apps:destroy", "-a", "shop")
    terminal.wait_for(b"Type its name")
    terminal.type(b"shop\n")
    assert terminal.end() == 0
    assert platform.of("DELETE", "/apps/shop")


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_no_color_is_honoured(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch, variable: str, coloured: bool
):
    """At a terminal there are colours, unless NO_COLOR asks for none."""
    monkeypatch.setenv("NO_COLOR", variable)
    terminal = Terminal("releases", "-a", "shop")
    assert terminal.end() == 0
    assert b"Deploy 1a2b3c4d" in terminal.seen
    assert (b"\x1b[3" in terminal.seen) is coloured
