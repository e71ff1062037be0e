from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from cli.conftest import Kedge
from cli.fake_platform import Answer, FakePlatform, refusal

HEAVY = ("httpx", "rich", "sqlalchemy", "docker", "flask", "celery", "redis", "psycopg")


def test_version_is_plain(program: Kedge):
    """`kedge --version` prints one line and exits 0."""
    done = program("--version")
    assert done.status == 0
    assert done.out.startswith("kedge ")


@pytest.mark.parametrize(
    ("arguments", "allowed"), [(["--version"], ()), (["help"], ()), (["apps"], ("httpx",))]
)
def test_commands_load_little(platform: FakePlatform, arguments: list[str], allowed: tuple[str]):
    """A command loads its own libraries only: what makes the start slow stays out."""
    code = (
        "import sys; from kedge.cli import main\n"
        f"sys.argv = ['kedge', *{arguments!r}]\n"
        "main()\n"
        f"print(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stderr.split()) <= set(allowed)


def test_wrong_command_is_usage(kedge: Kedge):
    """A command there is not exits 2 and names the nearest one."""
    done = kedge("config:sett")
    assert done.status == 2
    assert "kedge config:set" in done.err


def test_wrong_option_is_usage(kedge: Kedge):
    """An option there is not exits 2."""
    assert kedge("apps", "--nonsense").status == 2


def test_error_is_the_apis_words(platform: FakePlatform, kedge: Kedge):
    """An error shows the API's message and what to do next, on stderr, and exits 1."""
    done = kedge("config", "-a", "gone")
    assert (done.status, done.out) == (1, "")
    assert "Couldn't find that app." in done.err
    assert "kedge apps" in done.err


def test_error_without_json_is_told(platform: FakePlatform, kedge: Kedge):
    """An answer that is no JSON at all is told by its status."""
    platform.answers["GET", "/users/~/apps"] = Answer(status=503, pieces=[b"<html>"])
    done = kedge("apps")
    assert done.status == 1
    assert "503" in done.err


def test_wrong_token_says_where_it_is_from(
    platform: FakePlatform, kedge: Kedge, monkeypatch: pytest.MonkeyPatch
):
    """A refused token leads to KEDGE_API_KEY and to the login."""
    monkeypatch.setenv("KEDGE_API_KEY", "old")
    done = kedge("apps")
    assert done.status == 1
    assert "KEDGE_API_KEY" in done.err


def test_warning_header_is_shown(platform: FakePlatform, kedge: Kedge):
    """A warning the platform sends with an answer is shown on stderr."""
    platform.answers["GET", "/account"] = Answer(
        {"email": "x@y"}, headers={"X-Heroku-Warning": "PORT is the platform's."}
    )
    done = kedge("whoami")
    assert done.out == "x@y\n"
    assert "PORT is the platform's." in done.err


def test_lists_go_on_to_their_end(platform: FakePlatform, kedge: Kedge):
    """A list in parts is followed by its Next-Range to the last part."""
    first = Answer([{"name": "a", "web_url": ""}], 206, {"Next-Range": "name ]a.."})
    platform.answers["GET", "/users/~/apps"] = lambda asked: (
        Answer([{"name": "b", "web_url": ""}])
        if asked.headers.get("range") == "name ]a.."
        else first
    )
    assert [line.split()[0] for line in kedge("apps").out.splitlines()] == ["a", "b"]


def test_no_colour_without_terminal(platform: FakePlatform, kedge: Kedge):
    """Nothing that is printed to a pipe holds escape sequences."""
    for command in (["releases"], ["ps"], ["releases:diff"], ["apps"], ["apps:info"]):
        done = kedge(*command, *([] if command == ["apps"] else ["-a", "shop"]))
        assert done.status == 0, done.err
        assert "\x1b" not in done.out + done.err


def test_interrupt_is_130(platform: FakePlatform):
    """Ctrl-C ends a command at once with status 130 and without a traceback."""
    platform.answers["GET", "/users/~/apps"] = lambda _: time.sleep(5)
    running = subprocess.Popen(
        [sys.executable, "-m", "kedge.cli", "apps"], stderr=subprocess.PIPE, text=True
    )
    while not platform.asked:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    assert running.wait(5) == 130
    assert running.stderr
    assert "Traceback" not in running.stderr.read()


def test_reader_that_went_away(platform: FakePlatform):
    """A pipe whose reader has gone ends the command quietly."""
    many = [{"name": f"app-{n}", "web_url": "x" * 200} for n in range(3000)]
    platform.answers["GET", "/users/~/apps"] = many
    done = subprocess.run(
        f"{sys.executable} -m kedge.cli apps | head -1",
        shell=True, capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    assert done.stdout.startswith("app-0")
    assert done.stderr == ""


def test_help_of_a_command(kedge: Kedge):
    """`kedge help COMMAND` and `COMMAND --help` show the same."""
    assert kedge("help", "rollback").out == kedge("rollback", "--help").out


def test_bash_completes_colon_names(platform: FakePlatform):
    """In bash a command is completed past its colon, and `-a` by the names of apps."""
    script = (
        'eval "$(python -m kedge.cli completion bash)"; kedge() { python -m kedge.cli "$@"; }\n'
        "COMP_LINE='kedge config:s' COMP_POINT=14; _kedge_completion; echo ${COMPREPLY[*]}\n"
        "COMP_LINE='kedge ps -a sh' COMP_POINT=14; _kedge_completion; echo ${COMPREPLY[*]}\n"
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["set", "shop"]


def test_refused_with_status_but_no_step(platform: FakePlatform, kedge: Kedge):
    """A message that says it all stands alone."""
    platform.answers["POST", "/apps"] = refusal(
        422, "invalid_params", "Name shop is already taken."
    )
    done = kedge("create", "shop")
    assert done.status == 1
    assert done.err.endswith("Error: Name shop is already taken.\n")


def test_what_is_no_platform_is_told(platform: FakePlatform, kedge: Kedge):
    """A URL at which something else answers is told as such."""
    platform.answers["GET", "/account"] = Answer(pieces=[b"<html>hello</html>"])
    assert "is no Kedge platform" in kedge("whoami").err


def test_closed_stdin_is_no_fault(platform: FakePlatform):
    """A command started with stdin closed works."""
    command = f"{sys.executable} -m kedge.cli whoami <&-"
    assert subprocess.run(command, shell=True, check=True, capture_output=True).stdout
