"""What `loops/lives.py` does to rows, containers and logs, on a runtime in memory."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select

from kedge.engine.fakes import FakeRouter, FakeRuntime
from kedge.engine.protocols import LogFilter, LogLine
from kedge.errors import EngineRefused, RuntimeDown
from kedge.loops.collect import Collector
from kedge.loops.lives import NOT_STARTED_STATUS, Lives
from kedge.loops.oneoff import OneOffs
from kedge.loops.reach import Reach
from kedge.model.account import token_digest
from kedge.model.dyno import Dyno, State
from kedge.model.release import Release
from kedge.ops import apps, outputs
from kedge.ops.view import load

SECRET = "ab" * 16


class Scene:
    """An app without code, dynos of it, and a supervisor's loops, begun anew on demand."""

    def __init__(self, services, actor) -> None:
        self.services = services
        self.runtime = FakeRuntime({"serve": "hang"})
        self.app_id = apps.create(services, actor, "shop").id
        self.begin_anew()

    def begin_anew(self):
        """Another supervisor: what the one before had in mind is gone."""
        self.collector = Collector(self.services, self.runtime)
        reach = Reach(self.services, self.runtime)
        self.lives = Lives(
            self.services, self.runtime, FakeRouter(), self.collector, reach, lambda _: None
        )

    def dyno(self, command="serve", **more):
        """A row of a dyno; its id."""
        facts = {"kind": "dyno", "type": "worker", "ordinal": 1, "size": "Basic"} | more
        with self.services.database.transaction() as tx:
            release_id = tx.scalar(select(Release.id).where(Release.app_id == self.app_id))
            row = Dyno(
                id=uuid.uuid4(), app_id=self.app_id, release_id=release_id, command=command, **facts
            )
            tx.add(row)
        return row.id

    def look(self):
        """One look at the app's dynos."""
        with self.services.database.transaction() as tx:
            rows = load(tx, self.app_id)
        return self.lives.advance(rows)

    def row(self, dyno_id):
        """A dyno's row as it is now."""
        with self.services.database.transaction() as tx:
            return tx.get(Dyno, dyno_id)

    def keep(self, dyno_id, *texts):
        """Have these lines of a dyno in the log, as a supervisor that is gone left it."""
        lines = self.runtime.dynos[self.row(dyno_id).runtime_id].lines
        kept = [LogLine(x.at_ns, "app", "worker.1", x.text) for x in lines if x.text in texts]
        self.services.logs.append(self.app_id, kept)

    def log(self, process="worker.1", source="app"):
        """The texts a process has in the app's log."""
        lines, _ = self.services.logs.tail(self.app_id, 1500, LogFilter(source, process))
        return [line.text for line in lines]


@pytest.fixture
def scene(services, owner):
    return Scene(services, owner.actor)


class TestALaunch:
    def test_that_is_refused_is_a_crash_in_words(self, scene):
        """The engine's words are the cause; the next try waits its time."""
        scene.runtime.refused.add("serve")
        dyno_id = scene.dyno()
        scene.look()
        row = scene.row(dyno_id)
        assert row.state == State.CRASHED
        assert "does not run serve" in row.failure["reason"]
        assert row.retry_at is not None
        assert any("does not run serve" in line for line in scene.log(source="heroku"))
        assert not scene.look(), "nothing is left to do at once"

    def test_of_a_one_off_that_is_refused_ends_it_with_a_status(self, scene):
        """Whoever waits for the command's status gets one; nothing moves a crashed one-off."""
        scene.runtime.refused.add("serve")
        dyno_id = scene.dyno(kind="run", type="run", ordinal=1234)
        scene.look()
        row = scene.row(dyno_id)
        assert (row.state, row.exit_status) == (State.ENDED, NOT_STARTED_STATUS)
        assert "does not run serve" in row.failure["reason"]

    def test_of_a_release_command_that_is_refused_fails_it_in_words(self, scene):
        """The release phase has ended with a failure the plan can tell."""
        scene.runtime.refused.add("serve")
        dyno_id = scene.dyno(kind="release", type="release")
        scene.look()
        row = scene.row(dyno_id)
        assert row.state == State.ENDED
        assert "does not run serve" in row.failure["reason"]

    def test_does_not_keep_others_from_theirs(self, scene, monkeypatch):
        """An engine that does not answer for one dyno may have started the next."""
        bad, good = scene.dyno("bad"), scene.dyno(ordinal=2)
        create = scene.runtime.create

        def refuse(spec):
            if spec.command == "bad":
                raise RuntimeDown("away")
            return create(spec)

        monkeypatch.setattr(scene.runtime, "create", refuse)
        with pytest.raises(RuntimeDown):
            scene.look()
        assert scene.row(bad).started_at is None
        assert scene.row(good).started_at is not None


def test_a_container_that_cannot_be_ended_holds_up_no_other(scene, monkeypatch):
    """The engine fails to signal one dyno; another of the app is started all the same."""
    stuck = scene.dyno()
    scene.look()
    with scene.services.database.transaction() as tx:
        row = tx.get(Dyno, stuck)
        row.state, row.stopping_at = State.STOPPING, row.created_at

    def fail(*_):
        raise RuntimeDown("tried to kill container, but did not receive an exit event")

    monkeypatch.setattr(scene.runtime, "signal", fail)
    other = scene.dyno(ordinal=2)
    with pytest.raises(RuntimeDown):
        scene.look()
    assert scene.row(other).started_at is not None


class TestAnEnd:
    def test_is_recorded_though_its_container_cannot_be_removed(self, scene, monkeypatch):
        """The row says how it ended; what is left on the engine is the sweep's business."""
        dyno_id = scene.dyno(kind="run", type="run")
        scene.look()
        scene.runtime.end(scene.row(dyno_id).runtime_id, 3)

        def stuck(runtime_id):
            raise RuntimeDown("device or resource busy")

        monkeypatch.setattr(scene.runtime, "remove", stuck)
        scene.look()
        assert (scene.row(dyno_id).state, scene.row(dyno_id).exit_status) == (State.ENDED, 3)
        assert not scene.look()

    def test_of_a_crashed_one_is_recorded_before_its_container_goes(self, scene, monkeypatch):
        """A kill -9 between the two does not lose the cause."""
        dyno_id = scene.dyno()
        scene.look()
        scene.runtime.end(scene.row(dyno_id).runtime_id, 7)
        seen = []
        monkeypatch.setattr(
            scene.runtime, "remove", lambda _: seen.append(scene.row(dyno_id).exit_status)
        )
        scene.look()
        assert seen == [7]


class TestCollecting:
    def test_keeps_what_was_written_while_nobody_looked(self, scene):
        """A dyno that ended while the supervisor was away is read before its container goes."""
        scene.collector.collect = lambda *_: None
        dyno_id = scene.dyno("echo first; echo last words; exit 1")
        scene.look()
        scene.keep(dyno_id, "first")
        scene.begin_anew()
        scene.look()
        assert scene.log() == ["first", "last words"]
        assert scene.row(dyno_id).failure["last_lines"] == ["first", "last words"]
        assert scene.runtime.dynos == {}

    def test_of_two_dynos_with_one_name_misses_nothing_of_either(self, scene):
        """In a roll-out old and new write as worker.1: the newest line may be either's."""
        scene.collector.collect = lambda *_: None
        old = scene.dyno("echo old 1; hang")
        scene.look()
        new = scene.dyno("echo new 1; echo new 2; exit 5")
        scene.look()
        scene.runtime.say(scene.row(old).runtime_id, "old 2")
        scene.runtime.say(scene.row(old).runtime_id, "old 3")
        scene.keep(old, "old 1", "old 2")
        scene.keep(new, "new 1")
        scene.runtime.end(scene.row(old).runtime_id, 0)
        scene.begin_anew()
        scene.look()
        assert sorted(scene.log()) == ["new 1", "new 2", "old 1", "old 2", "old 3"]

    def test_keeps_nothing_twice(self, scene):
        """Equal lines of one moment are counted; read again, none is kept again."""
        dyno_id = scene.dyno("hang")
        scene.look()
        runtime_id = scene.row(dyno_id).runtime_id
        scene.runtime.say(runtime_id, "same")
        lines = scene.runtime.dynos[runtime_id].lines
        lines += [lines[0], replace(lines[0], text="other")]
        scene.runtime.end(runtime_id, 0)
        for _ in range(2):
            reader = Collector(scene.services, scene.runtime)
            reader.finish(scene.row(dyno_id), scene.runtime.container(runtime_id))
        assert sorted(scene.log()) == ["other", "same", "same"]

    def test_shows_the_last_lines_of_that_very_dyno(self, scene):
        """What the old web.1 wrote is no evidence of why the new one died."""
        scene.dyno("echo from the old; hang")
        scene.look()
        new = scene.dyno("echo from the new; exit 5")
        scene.look()
        scene.look()
        assert scene.row(new).failure["last_lines"] == ["from the new"]


def test_a_release_command_that_ended_unseen_has_its_whole_output(scene):
    """What it wrote while the supervisor was away is in the release's output, once."""
    output_id = uuid.uuid4()
    with scene.services.database.transaction() as tx:
        release = tx.scalar(select(Release).where(Release.app_id == scene.app_id))
        tx.connection().exec_driver_sql("alter table releases disable trigger all")
        release.output_id = output_id
    outputs.begin(scene.services, scene.app_id, output_id)
    scene.dyno("echo one; echo two; exit 4", kind="release", type="release")
    unseen = scene.collector.collect
    scene.collector.collect = lambda *_: None
    scene.look()
    scene.collector.collect = unseen
    scene.begin_anew()
    scene.look()
    chunks, complete = outputs.read(scene.services, output_id, 0)
    assert (b"".join(chunks), complete) == (b"one\ntwo\n", True)


def test_a_one_off_that_was_killed_for_its_memory_says_so(scene):
    """As a dyno of the formation does: status 137 alone tells nobody why a job ended."""
    job = scene.dyno(kind="run", type="run", ordinal=1234)
    scene.look()
    scene.runtime.end(scene.row(job).runtime_id, 137, out_of_memory=True)
    scene.look()
    assert scene.row(job).failure["code"] == "R15"
    said = scene.log("run.1234", "heroku")
    assert said[-3:-1] == [
        "Error R15 (Memory quota vastly exceeded)", "Process exited with status 137",
    ]  # fmt: skip


def test_a_memory_that_killed_it_once_is_not_told_at_its_end(scene):
    """A dyno that ran again after its R15 and is stopped exceeded nothing then."""
    dyno_id = scene.dyno()
    scene.look()
    with scene.services.database.transaction() as tx:
        row = tx.get_one(Dyno, dyno_id)
        row.failure = {"code": "R15", "reason": "It was killed before."}
        row.state, row.stopping_at = State.STOPPING, scene.services.now()
    scene.runtime.end(scene.row(dyno_id).runtime_id, 143)
    scene.look()
    assert scene.row(dyno_id).state == State.ENDED
    assert not [text for text in scene.log(source="heroku") if "R15" in text]


class TestAttached:
    @pytest.fixture
    def attached(self, scene):
        """An attached dyno that waits for its client."""
        facts = {"attach": {"tty": True}, "attach_sha256": token_digest(SECRET)}
        return scene.dyno(kind="run", type="run", **facts)

    def test_without_a_client_after_a_restart_is_hung_up_on(self, scene, attached):
        """Its client's connection died with the supervisor: it ends instead of running for ever."""
        OneOffs(scene.services, scene.runtime, scene.lives).claim(SECRET).start()
        scene.look()
        assert scene.row(attached).state == State.UP
        assert not scene.look(), "it has a client"
        scene.begin_anew()
        while scene.look():
            pass
        assert (scene.row(attached).state, scene.row(attached).exit_status) == (State.ENDED, 129)

    def test_that_cannot_be_started_tells_its_client_why(self, scene, attached):
        """The words come over the client's connection; the row has a status."""
        scene.runtime.refused.add("serve")
        session = OneOffs(scene.services, scene.runtime, scene.lives).claim(SECRET)
        with pytest.raises(EngineRefused, match="does not run serve"):
            session.start()
        row = scene.row(attached)
        assert (row.state, row.exit_status) == (State.ENDED, NOT_STARTED_STATUS)
