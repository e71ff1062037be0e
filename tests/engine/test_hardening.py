"""What a dyno is: its user, limits, file system, environment, and how it begins and ends."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from contract.lab import Lab, wait_until
from kedge.engine.docker.dyno import CA_VARIABLES

pytestmark = pytest.mark.docker

LOOK = """
import json, os, pathlib, resource, socket, subprocess
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":\\t", 1) for line in lines)
def writable(path):
    try:
        pathlib.Path(path).write_text("x")
        return True
    except OSError:
        return False
program = pathlib.Path("/tmp/program")
program.write_text("#!/bin/sh\\nexit 0\\n")
program.chmod(0o755)
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "caps": [status[k].strip() for k in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")],
    "no_new_privileges": status["NoNewPrivs"].strip(), "seccomp": status["Seccomp"].strip(),
    "engine": [p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)],
    "files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
    "host": socket.gethostname(), "home": os.environ["HOME"], "cwd": os.getcwd(),
    "app": writable("/app/new"), "etc": writable("/etc/new"), "usr": writable("/usr/new"),
    "tmp_runs": subprocess.run([program]).returncode == 0,
    "tmp_mode": oct(os.stat("/tmp").st_mode & 0o7777),
    "ipv6": pathlib.Path("/proc/net/if_inet6").read_text(),
}))
"""


HOARD = """
import threading, time
while True:
    try:
        threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
    except RuntimeError:
        print("no more", flush=True)
        time.sleep(99)
"""


class TestHardening:
    def test_everything_a_dyno_is(self, docker_lab: Lab):
        """A dyno has an ordinary user, no capabilities, no engine; /app and /tmp are its own."""
        spec_id = uuid4()
        (said,) = docker_lab.outcome(f"python3 -c '{LOOK}'", dyno_id=spec_id)
        found = json.loads(said)

        assert found == {
            "uid": 1000,
            "gid": 1000,
            "groups": [1000],
            "caps": ["0" * 16] * 5,
            "no_new_privileges": "1",
            "seccomp": "2",
            "engine": [],
            "files": 10_000,
            "host": str(spec_id),
            "home": "/app",
            "cwd": "/app",
            "app": True,
            "etc": False,
            "usr": False,
            "tmp_runs": True,
            "tmp_mode": "0o1777",
            "ipv6": "",
        }

    def test_processes_are_limited(self, docker_lab: Lab):
        """A dyno cannot have more processes and threads than its size allows."""
        bomb = (
            "import threading, time\n"
            "def more():\n"
            "    try:\n"
            "        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
            "        return True\n"
            "    except RuntimeError:\n"
            "        return False\n"
            "print(next(n for n in range(500) if not more()))\n"
        )
        (count,) = docker_lab.outcome(f"python3 -c '{bomb}'", pids=40)

        assert int(count) < 40

    def test_memory_is_twice_the_quota_at_most(self, docker_lab: Lab):
        """A dyno over twice its quota is killed: status 137, out of memory."""
        # The engine begins to listen for the kernel's word after the start: it has to get there.
        hungry = "import time; time.sleep(1); x = bytearray(10**9)"
        runtime_id = docker_lab.run(f"python3 -c '{hungry}'", memory_mb=32)

        assert docker_lab.wait_for_exit(runtime_id) == 137
        found = docker_lab.runtime.container(runtime_id)
        assert found is not None
        assert found.out_of_memory

    def test_within_twice_the_quota_it_lives(self, docker_lab: Lab):
        """Between the quota and twice the quota a dyno lives, and its memory is told."""
        runtime_id = docker_lab.run(
            'python3 -c \'x = b"x" * 45_000_000; print(1, flush=True); '
            "import time; time.sleep(60)'",
            memory_mb=32,
        )
        wait_until(lambda: docker_lab.output(runtime_id))

        assert 40 < docker_lab.runtime.usage()[runtime_id].memory_mb < 64


class TestBoot:
    def test_profile_scripts(self, docker_lab: Lab):
        """Buildpacks' profile scripts run first, then the app's own .profile, then the command."""
        slug = docker_lab.slug(
            **{
                ".profile.d/b.sh": b"export SAID=$SAID-b",
                ".profile.d/a.sh": b"export SAID=$SAID-a",
                ".profile": b"export SAID=$SAID-own",
            }
        )

        assert docker_lab.outcome("echo $SAID $0", slug=slug, env={"SAID": "config"}) == [
            "config-a-b-own bash"
        ]

    def test_the_slug_is_in_app(self, docker_lab: Lab):
        """The slug's files are in /app and belong to the dyno's user."""
        slug = docker_lab.slug(**{"hello.txt": b"hello"})

        assert docker_lab.outcome("cat hello.txt; echo; stat -c %u hello.txt", slug=slug) == [
            "hello",
            "1000",
        ]

    def test_config_as_it_is(self, docker_lab: Lab):
        """Config values reach the dyno unchanged, whatever characters are in them."""
        value = "two\nlines $HOME `id` 'quoted' \"twice\" = ü \\"
        (said,) = docker_lab.outcome(
            "python3 -c 'import json, os; print(json.dumps(os.environ[\"ODD\"]))'",
            env={"ODD": value},
        )

        assert json.loads(said) == value

    def test_config_is_not_in_the_command(self, docker_lab: Lab):
        """Config values are in no process's arguments."""
        said = docker_lab.outcome("cat /proc/[0-9]*/cmdline | tr '\\0' ' '", env={"K": "s3cr3t-"})

        assert "s3cr3t-" not in " ".join(said)

    def test_config_wins_over_the_ca_bundle(self, docker_lab: Lab, docker_home: Any):
        """The host's CA bundle is named by the usual variables, unless config sets them."""
        settings, _ = docker_home
        if settings.host_ca_bundle is None:
            pytest.skip("this environment names no CA bundle")
        said = docker_lab.outcome("env", env={"PIP_CERT": "/app/own.pem"})
        found = dict(line.split("=", 1) for line in said if "=" in line)

        assert found["PIP_CERT"] == "/app/own.pem"
        assert set(CA_VARIABLES) <= set(found)

    def test_unknown_command(self, docker_lab: Lab):
        """A command that does not exist ends with status 127 and bash's words."""
        runtime_id = docker_lab.run("no-such-program --flag")

        assert docker_lab.wait_for_exit(runtime_id) == 127
        assert "no-such-program: command not found" in docker_lab.output(runtime_id)[0]


class TestEnd:
    def test_term_reaches_every_process(self, docker_lab: Lab):
        """SIGTERM reaches all processes: behind a shell, in the background, in other sessions."""
        deaf = (
            'trap "echo $0 heard; sleep 0.2; exit 5" TERM; echo $0 ready; '
            "while :; do sleep 0.05; done"
        )
        command = f"setsid bash -c '{deaf}' far & bash -c '{deaf}' near; echo goes on"
        runtime_id = docker_lab.run(command)
        wait_until(lambda: sorted(docker_lab.output(runtime_id)) == ["far ready", "near ready"])
        docker_lab.runtime.signal(runtime_id, "TERM")

        assert docker_lab.wait_for_exit(runtime_id) == 5
        said = docker_lab.output(runtime_id)
        assert {"far heard", "near heard"} <= set(said)
        assert "goes on" not in said

    def test_a_plain_command_has_no_shell_above_it(self, docker_lab: Lab):
        """The program of a plain command takes the shell's place and leaves by its own status."""
        assert docker_lab.outcome("grep PPid /proc/self/status") == ["PPid:\t1"]

    def test_term_when_no_process_is_left_to_send_it(self, docker_lab: Lab):
        """A dyno that used up its processes still gets SIGTERM."""
        runtime_id = docker_lab.run(f"exec python3 -c '{HOARD}'", pids=12)
        wait_until(lambda: docker_lab.output(runtime_id))
        docker_lab.runtime.signal(runtime_id, "TERM")

        assert docker_lab.wait_for_exit(runtime_id) == 143

    def test_a_terminal(self, docker_lab: Lab):
        """A dyno with a terminal knows its size, and resizing reaches it."""
        runtime_id = docker_lab.create(
            "stty size; read line; stty size; exit 42",
            kind="run",
            name="run.1",
            tty=True,
            stdin=True,
            keep_logs=False,
            env={"COLUMNS": "101", "LINES": "31", "TERM": "xterm"},
        )
        attachment = docker_lab.runtime.attach(runtime_id)
        docker_lab.runtime.start(runtime_id)
        assert attachment.receive().split() == [b"31", b"101"]
        attachment.resize(120, 40)
        attachment.send(b"\r")
        said = b"".join(iter(attachment.receive, b""))
        attachment.close()

        assert b"40 120" in said
        assert docker_lab.wait_for_exit(runtime_id) == 42
