"""Bad input: by git, by the API and straight through the router; never an error of ours."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from system.installation import HELLO, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def remote_head(app):
    """The commit the app's main branch points to."""
    return app.git("ls-remote", "kedge", "refs/heads/main").stdout.split()[0]


def deployed(app):
    """The commit of the newest release."""
    return app.api("GET", f"/slugs/{app.releases()[-1]['slug']['id']}")["commit"]


# --- git ---------------------------------------------------------------------------------------


def test_nothing_to_push_and_tags_build_nothing(standing_app):
    """A second push of the same is up to date; a tag is kept; neither makes a release."""
    app = standing_app
    assert "Everything up-to-date" in app.push()
    app.git("tag", "v1")
    assert "without a build" in app.push(ref="v1")
    assert len(app.releases()) == 3


def test_a_force_push_deploys_what_it_brings(app):
    """History may be rewritten: branch and release are the new commit."""
    app.git("commit", "--amend", "--message", "another history", "--allow-empty")
    refused = app.push(check=False)
    assert "rejected" in refused
    app.git("push", "--force", "kedge", "main")
    assert remote_head(app) == deployed(app) == app.git("rev-parse", "HEAD").stdout.strip()
    assert len(app.releases()) == 4


def test_two_pushes_at_once_end_with_the_branch_at_what_runs(app):
    """Force pushes side by side go one after the other; branch and newest release agree."""
    main = app.git("rev-parse", "HEAD").stdout.strip()
    commits = []
    for number in range(2):
        app.git("reset", "--quiet", "--hard", main)
        commits.append(app.commit({"VERSION": f"side {number}"}))
    pushers = [
        threading.Thread(
            target=app.git,
            args=("push", "--force", "kedge", f"{commit}:refs/heads/main"),
            kwargs={"check": False},
        )
        for commit in commits
    ]
    for pusher in pushers:
        pusher.start()
    for pusher in pushers:
        pusher.join()
    assert remote_head(app) == deployed(app)
    assert remote_head(app) in commits
    version = app.git("show", f"{remote_head(app)}:VERSION").stdout
    assert app.get().text.startswith(f"Hello {version}")


def test_pushes_that_cannot_be_deployed_are_refused_in_words(app):
    """Deleting main, two deployed branches at once, a submodule, a tree instead of a commit."""
    main = app.git("rev-parse", "HEAD").stdout.strip()
    deleted = app.git("push", "kedge", ":main", check=False).stderr
    assert "cannot be deleted" in deleted
    app.commit({"VERSION": "two"})
    both = app.git("push", "kedge", "main", "main:master", check=False).stderr
    assert "only one can be deployed" in both
    tree = app.git("rev-parse", "HEAD^{tree}").stdout.strip()
    as_main = app.git("push", "--force", "kedge", f"{tree}:refs/heads/main", check=False)
    assert as_main.returncode != 0
    app.git("update-index", "--add", "--cacheinfo", f"160000,{main},vendor/lib")
    app.git("commit", "--quiet", "--message", "a submodule")
    assert "submodule at vendor/lib" in app.push(check=False)
    assert remote_head(app) == main
    assert len(app.releases()) == 3


def test_unknown_apps_and_wrong_tokens_are_refused_in_words(standing_app):
    """Git shows that there is no such app, and that the credentials are wrong."""
    app = standing_app
    port, token = app.platform.http_port, app.platform.token
    unknown = f"http://x:{token}@localhost:{port}/nobody-here.git"
    assert "Couldn't find that app" in app.git("push", unknown, "main", check=False).stderr
    stranger = f"http://x:wrong@localhost:{port}/{app.name}.git"
    refused = app.git("push", stranger, "main", check=False).stderr
    assert "Authentication failed" in refused
    assert token not in refused


def test_shallow_clones_push_and_what_is_pushed_comes_back(app, tmp_path):
    """A clone holds what was pushed; a shallow one pushes; a large-file pointer is a file."""
    url = app.git("remote", "get-url", "kedge").stdout.strip()
    app.git("clone", "--quiet", "--depth", "1", url, str(tmp_path / "clone"))
    clone = type(app)(app.platform, app.name, tmp_path / "clone")
    clone.git("remote", "rename", "origin", "kedge")
    assert (clone.folder / "server.py").read_text() == HELLO["server.py"]
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    clone.commit({"film.mp4": pointer, "VERSION": "shallow"})
    clone.push()
    assert app.get().text == "Hello shallow web.1 v4"


def test_a_large_push_is_taken_without_growing(app):
    """A hundred megabytes pass through the platform's processes without staying in one."""
    pids = [app.platform.part(name)["pid"] for name in ("web", "worker")]
    pids += children(pids[0])
    before = {pid: peak_mb(pid) for pid in pids}
    with Path("/dev/urandom").open("rb") as noise, (app.folder / "blob").open("wb") as file:
        for _ in range(100):
            file.write(noise.read(1 << 20))
    app.git("config", "core.compression", "0")
    app.commit({".slugignore": "blob\n"})
    app.push()
    grown = {pid: peak_mb(pid) - before[pid] for pid in pids}
    assert max(grown.values()) < 50, grown
    assert app.get().text == "Hello one web.1 v4"


def children(pid):
    """The processes a process started that still run."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def peak_mb(pid):
    """The most memory a process ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def test_a_push_into_a_delete_ends_in_words(new_app):
    """An app destroyed during a push: the pusher is told, nothing of the app is left."""
    app = new_app({**HELLO, "requirements.txt": "", "bin/pre_compile": "echo begun; sleep 60\n"})
    told = []
    pusher = threading.Thread(target=lambda: told.append(app.push(check=False)))
    pusher.start()
    wait_until(lambda: app.platform.containers(app=app.name, kind="build"), 60)
    assert app.platform.api("DELETE", f"/apps/{app.name}").status_code < 300
    pusher.join(60)
    assert told, "the pusher is not left waiting"
    assert "rejected" in told[0]
    assert "inside Kedge" not in told[0]
    wait_until(lambda: not app.platform.containers(app=app.name))
    wait_until(lambda: app.platform.api("GET", f"/apps/{app.name}").status_code == 404)


def test_an_app_deleted_twice_at_once_is_deleted_once(new_app):
    """The second delete is told that it is gone or going; neither fails."""
    app = new_app()
    statuses = []
    deletes = [
        threading.Thread(
            target=lambda: statuses.append(
                app.platform.api("DELETE", f"/apps/{app.name}").status_code
            )
        )
        for _ in range(4)
    ]
    for each in deletes:
        each.start()
    for each in deletes:
        each.join()
    assert 200 in statuses or 202 in statuses
    assert set(statuses) <= {200, 202, 404, 409}


# --- the API and the router --------------------------------------------------------------------


def test_requests_that_are_too_much_are_refused_and_never_our_error(standing_app):
    """Too much JSON, too many headers, and what is no JSON: 4xx, and the platform goes on."""
    app = standing_app
    api, path = app.platform.api, f"/apps/{app.name}/config-vars"
    assert api("PATCH", path, {"A": "x" * (10 << 20)}).status_code == 413
    assert api("GET", path, **{"X-Big": "h" * 32_000}).status_code in {400, 431}
    for broken in (b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"A": 1e999}', b'{"A": "\\ud800"}'):
        answer = httpx.patch(
            f"{app.platform.url}{path}",
            content=broken,
            headers={
                "Authorization": f"Bearer {app.platform.token}",
                "Accept": "application/vnd.heroku+json; version=3",
                "Content-Type": "application/json",
            },
        )
        assert answer.status_code in {400, 422}, (broken, answer.text)
        assert answer.json()["message"]
    assert app.get().status_code == 200


def test_dawdlers_hold_nobody_up(app):
    """Hundreds who send a body slowly, and dozens who tail logs, leave the API answering."""
    platform, head = app.platform, f"Host: localhost\r\nAuthorization: Bearer {app.platform.token}"
    slow = f"PATCH /apps/{app.name}/config-vars HTTP/1.1\r\n{head}\r\nContent-Length: 99\r\n\r\n{{"
    tail = app.api("POST", "/log-sessions", {"tail": True})["logplex_url"].split("/", 3)[3]
    tailing = f"GET /{tail} HTTP/1.1\r\n{head}\r\n\r\n"
    with ExitStack() as stack:
        for request in [slow] * 300 + [tailing] * 60:
            address = ("127.0.0.1", platform.http_port)
            connection = stack.enter_context(socket.create_connection(address, timeout=20))
            connection.sendall(request.encode())
            if request == tailing:
                assert connection.recv(12) == b"HTTP/1.1 200"
        assert platform.api("GET", "/account").status_code == 200
        app.kedge("config:set", "GREETING=Ahoy")
        assert app.get().text == "Ahoy one web.1 v4"


RAW = {
    "no HTTP at all": b"hello there\r\n\r\n",
    "a header without end": b"GET / HTTP/1.1\r\nHost: {host}\r\nX: " + b"h" * 10_000_000,
    "two lengths": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n"
    b"Content-Length: 5\r\n\r\nabcde",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: {host}\r\nX: a\0b\r\n\r\n",
    "a NUL in a header's name": b"GET / HTTP/1.1\r\nHost: {host}\r\nX\0Y: a\r\n\r\n",
    "a NUL in the path": b"GET /a\0b HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "another host": b"GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n",
    "a strange method": b"FLY / HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a path too long": b"GET /" + b"p" * 40_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
}


@pytest.mark.parametrize("to", ["app", "api"])
def test_what_is_no_request_gets_no_server_error(standing_app, to):
    """Broken HTTP straight at the router's port: refused as the client's fault."""
    app = standing_app
    host = f"{app.name}.localhost" if to == "app" else "localhost"
    for what, request in RAW.items():
        status = raw_status(app.platform.http_port, request.replace(b"{host}", host.encode()))
        if what != "a strange method" or to == "api":
            assert status is None or 400 <= status < 500, (what, status)
    assert app.get().status_code == 200
    assert app.platform.api("GET", "/account").status_code == 200


def raw_status(port, request):
    """The status a raw request is answered with; None when the connection is closed instead."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with suppress(OSError):  # refused while it was still being sent
            connection.sendall(request)  # and no goodbye: the router answers that with a 400 too
        try:
            answer = connection.recv(65536)
        except ConnectionError:
            return None
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else None


# --- config ------------------------------------------------------------------------------------


def test_config_that_may_not_be_is_refused_by_cli_and_api(app):
    """Bad names, too much, NUL: refused in words, nothing recorded, the app as it was."""
    for change in (
        {"1A": "x"}, {"A-B": "x"}, {"": "x"}, {"A" * 257: "x"}, {"A": "x" * 65_600},
        {"A": "a\0b"}, {"A": {"b": 1}}, {"A": ["x"]}, {"Ä": "x"},
    ):  # fmt: skip
        answer = app.platform.api("PATCH", f"/apps/{app.name}/config-vars", change)
        assert answer.status_code == 422, (str(change)[:50], answer.text)
        assert answer.json()["message"]
    for words in (["1A=x"], ["A-B=x"], ["=x"], ["A"], ["A=" + "x" * 65_600]):
        done = app.kedge("config:set", *words, check=False)
        assert done.returncode != 0, words[0][:50]
        assert "Traceback" not in done.stderr
    assert len(app.releases()) == 3
    odd = "line one\nline two\t'\"$HOME` é 🚀 =="
    app.kedge("config:set", f"GREETING={odd}")
    assert app.get().text == f"{odd} one web.1 v4"


def test_fifty_writers_of_config_all_succeed(app):
    """Config set by fifty clients at once: no error, no gap, few roll-outs, all of it live."""
    statuses = []

    def write(number):
        answer = app.platform.api("PATCH", f"/apps/{app.name}/config-vars", {f"K{number}": "v"})
        statuses.append(answer.status_code)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert statuses == [200] * 50
    assert [row["version"] for row in app.releases()] == list(range(1, 54))
    wait_until(lambda: app.head() == 53, 60)
    wait_until(lambda: app.get().text == "Hello one web.1 v53")
    config = app.api("GET", "/config-vars")
    assert {f"K{number}" for number in range(50)} <= set(config)
    live = json.loads(app.kedge("run", "--", "python3", "-c", PRINT_ENVIRONMENT).stdout)
    assert {f"K{number}" for number in range(50)} <= set(live)
    rolled_out = [row for row in app.releases()[3:] if row["status"] == "succeeded"]
    assert len(rolled_out) < 15, "most are superseded before their roll-out begins"


PRINT_ENVIRONMENT = "import os, json; print(json.dumps(dict(os.environ)))"
CANARY = "canary-7f3a9c1e5b"


def test_a_secret_shows_nowhere(new_app):
    """A config value is in no output, log, argument, image, or answer about an error."""
    hook = "echo secret is $SECRET; printf 'canary-7f3'; sleep 0.1; echo a9c1e5b\n"
    files = {**HELLO, "requirements.txt": "", "bin/pre_compile": hook}
    files["Procfile"] = "web: python3 server.py\nrelease: echo migrating with $SECRET\n"
    app = new_app(files)
    app.kedge("config:set", f"SECRET={CANARY}")
    said = app.push()
    assert CANARY not in said
    assert "secret is [SECRET]" in said
    assert "migrating with [SECRET]" in said
    build_output = app.kedge("builds:output").stdout
    release_output = app.kedge("releases:output", "v4").stdout
    assert CANARY not in build_output + release_output + app.log()
    bad = app.platform.api("PATCH", f"/apps/{app.name}/config-vars", {"1X": CANARY})
    assert CANARY not in bad.text
    dyno = app.platform.containers(app=app.name, kind="dyno")[0]
    assert CANARY not in json.dumps(dyno.attrs["Config"]["Cmd"])
    assert CANARY not in json.dumps(dyno.top(ps_args="-eo pid,args"))
    image = dyno.image
    assert CANARY not in json.dumps([image.attrs, image.history()])
    found = subprocess.run(
        ["grep", "-rl", CANARY, str(app.platform.home / "log"), str(app.platform.home / "logs")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == ""
