"""The main job: a push becomes what runs, and a rollback brings back what ran."""

from __future__ import annotations

import pytest

from system.installation import HELLO, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_a_push_is_live_when_it_returns(new_app):
    """`git push` stays until the release answers through the router, and shows the build live."""
    app = new_app()
    said = app.push()
    assert "-----> Building on the Kedge-13 stack" in said
    assert "Procfile declares types -> web" in said
    assert "Released v3" in said
    assert "Verifying deploy... done." in said
    assert app.get().text == "Hello one web.1 v3"
    assert [row["description"][:7] for row in app.releases()] == ["Initial", "Enable ", "Deploy "]


def test_a_config_change_is_a_release_and_is_live_when_the_command_returns(app):
    """`config:set` returns when the app answers with the new value."""
    app.kedge("config:set", "GREETING=Ahoy")
    assert app.get().text == "Ahoy one web.1 v4"
    assert app.release(4)["description"] == "Set GREETING config vars"
    app.kedge("config:set", "GREETING=Ahoy")
    assert len(app.releases()) == 4, "a change that changes nothing makes no release"


def test_a_rollback_brings_back_code_and_config_without_a_build(app):
    """A rollback is a new release with the old slug and config; what is set later builds on it."""
    app.kedge("config:set", "GREETING=Ahoy")
    app.commit({"VERSION": "two"})
    app.push()
    app.kedge("config:set", "GREETING=Later")
    assert app.get().text == "Later two web.1 v6"
    app.kedge("rollback", "v4", "--yes")
    assert app.get().text == "Ahoy one web.1 v7"
    assert app.release(7)["description"] == "Rollback to v4"
    assert app.release(7)["slug"] == app.release(4)["slug"]
    assert app.head() == 7
    app.kedge("config:set", "OTHER=1")
    assert app.get().text == "Ahoy one web.1 v8"


def test_rollback_alone_goes_to_the_release_before_the_one_that_runs(app):
    """`kedge rollback` means the newest eligible release before head, as on Heroku."""
    app.commit({"VERSION": "two"})
    app.push()
    app.kedge("rollback", "--yes")
    assert app.get().text == "Hello one web.1 v5"


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("v2", "it has no code"),
        ("v3", "it is what runs now"),
        ("v99", "Couldn't find that release"),
    ],
)
def test_a_rollback_that_cannot_be_is_refused_with_the_reason(standing_app, wanted, reason):
    """Slug-less, unknown and running releases are no targets; nothing is recorded."""
    app = standing_app
    done = app.kedge("rollback", wanted, "--yes", check=False)
    assert done.returncode != 0
    assert reason in done.stderr
    assert len(app.releases()) == 3


def test_a_failed_release_stays_in_the_history_and_out_of_the_way(app):
    """A push whose web process crashes is refused, the ref stays, the old release answers on."""
    before = app.git("ls-remote", "kedge", "refs/heads/main").stdout
    app.commit({"server.py": "raise SystemExit('no luck today')\n"})
    said = app.push(check=False)
    assert "Release v4 failed" in said
    assert "pre-receive hook declined" in said
    assert app.git("ls-remote", "kedge", "refs/heads/main").stdout == before
    assert app.release(4)["status"] == "failed"
    assert app.get().text == "Hello one web.1 v3"
    app.kedge("config:set", "GREETING=Still")
    assert app.get().text == "Still one web.1 v5", "the failed code does not sneak back in"
    why = app.kedge("why", "v4").stdout
    assert "no luck today" in why
    refused = app.kedge("rollback", "v4", "--yes", check=False)
    assert "it failed" in refused.stderr


def test_a_release_command_runs_before_the_new_code_serves(app):
    """Its output reaches the pusher and stays readable; its failure leaves the old release."""
    procfile = "web: python3 server.py\nrelease: echo migrating $GREETING; exit $STATUS\n"
    app.kedge("config:set", "GREETING=Hi", "STATUS=0")
    app.commit({"Procfile": procfile, "VERSION": "two"})
    said = app.push()
    assert "Running release command...." in said
    assert "migrating Hi" in said
    assert app.get().text == "Hi two web.1 v5"
    assert "migrating Hi" in app.kedge("releases:output", "v5").stdout
    failed = app.kedge("config:set", "STATUS=3", check=False)
    assert failed.returncode != 0
    assert "release command failed" in failed.stderr
    assert app.release(6)["status"] == "failed"
    assert app.get().text == "Hi two web.1 v5"


def test_scaling_restarting_and_stopping_change_the_dynos(app):
    """`ps` commands return when the dynos are as wanted."""
    app.kedge("ps:scale", "web=2")
    assert {row["name"] for row in app.api("GET", "/dynos")} == {"web.1", "web.2"}
    before = {row["id"] for row in app.api("GET", "/dynos")}
    app.kedge("ps:restart")
    assert not before & {row["id"] for row in app.api("GET", "/dynos")}
    app.kedge("ps:scale", "web=0")
    assert app.api("GET", "/dynos") == []
    wait_until(lambda: app.get().status_code == 503)
    wait_until(lambda: "code=H14" in app.log(source="heroku"))


def test_a_worker_needs_no_port_and_its_crash_fails_nothing(new_app):
    """A crash at once is told on the pusher's screen and comes back with rests in between."""
    app = new_app({**HELLO, "Procfile": "web: python3 server.py\nworker: echo off; exit 4\n"})
    app.push()
    app.kedge("ps:scale", "worker=1", "--no-wait")
    wait_until(lambda: "State changed from starting to crashed" in app.log(dyno="worker.1"))
    assert "Process exited with status 4" in app.log(dyno="worker.1")
    app.commit({"VERSION": "two"})
    assert "worker.1 crashed" in app.push()
    assert app.get().text.startswith("Hello two")


def test_one_off_dynos_run_with_their_output_and_exit_status(standing_app):
    """`kedge run` shows the command's output alone and ends with its status."""
    app = standing_app
    done = app.kedge("run", "--", "sh", "-c", "echo ${DYNO%.*}; exit 7", check=False)
    assert (done.stdout, done.returncode) == ("run\n", 7)
    echoed = app.kedge("run", "--", "cat", stdin="through the wire\n")
    assert echoed.stdout == "through the wire\n"


def test_other_branches_are_stored_without_a_build(standing_app):
    """Only main and master are deployed; the pusher is told."""
    app = standing_app
    app.git("branch", "topic")
    said = app.push(ref="topic")
    assert "Stored branch topic without a build" in said
    assert len(app.releases()) == 3


def test_an_app_nothing_detects_is_refused_with_what_to_do(new_app):
    """The push fails in Heroku's words, and no release is made."""
    app = new_app({"README": "nothing to build"})
    said = app.push(check=False)
    assert "No default language could be detected for this app." in said
    assert "pre-receive hook declined" in said
    assert len(app.releases()) == 2


def test_a_destroyed_app_leaves_nothing(platform, new_app):
    """Its containers, its route, its repository and its name are free again."""
    app = new_app()
    app.push()
    platform.kedge("apps:destroy", "--app", app.name, "--confirm", app.name)
    wait_until(lambda: not platform.containers(app=app.name))
    wait_until(lambda: platform.get(app.name).status_code == 404)
    wait_until(
        lambda: platform.kedge("create", app.name, "--no-remote", check=False).returncode == 0
    )
    assert app.git("ls-remote", "kedge").stdout == ""
