"""What every runtime keeps to."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from contract.lab import Lab, wait_until


class TestLife:
    def test_created_is_not_started(self, lab: Lab):
        """A created container is there, not running, and has no address."""
        found = lab.runtime.container(lab.create("hang"))

        assert found is not None
        assert (found.status, found.address, found.started_at_ns) == ("created", None, None)

    def test_facts_come_back(self, lab: Lab):
        """Ids, name, kind and release of a dyno are read back from the engine."""
        spec = lab.spec("hang", name="worker.2", kind="run", release_version=12)
        lab.made.append(lab.runtime.create(spec))
        found = lab.runtime.container(lab.made[0])

        assert found is not None
        assert (found.dyno_id, found.app_id) == (spec.dyno_id, spec.app_id)
        assert (found.name, found.kind, found.release_version) == ("worker.2", "run", 12)

    def test_create_twice_is_one(self, lab: Lab):
        """Creating a dyno again, as after a crash, gives the same container."""
        spec = lab.spec("hang")
        lab.made.append(lab.runtime.create(spec))

        assert lab.runtime.create(spec) == lab.made[0]

    def test_running_has_an_address(self, lab: Lab):
        """A started dyno runs, has an address and a start time; starting it again does nothing."""
        runtime_id = lab.run("hang")
        lab.runtime.start(runtime_id)
        found = lab.runtime.container(runtime_id)

        assert found is not None
        assert found.status == "running"
        assert found.address
        assert found.started_at_ns

    def test_exit_status(self, lab: Lab):
        """The exit status and the time of the end are the program's own."""
        runtime_id = lab.run("say and end")

        assert lab.wait_for_exit(runtime_id) == 3
        found = lab.runtime.container(runtime_id)
        assert found is not None
        assert found.started_at_ns is not None
        assert found.finished_at_ns is not None
        assert found.finished_at_ns > found.started_at_ns

    def test_listed_in_every_state(self, lab: Lab):
        """Containers lists dynos whether they were started, run or have ended."""
        created, running, ended = lab.create("hang"), lab.run("hang"), lab.run("say and end")
        lab.wait_for_exit(ended)
        listed = {each.runtime_id: each.status for each in lab.runtime.containers()}

        assert listed == {created: "created", running: "running", ended: "exited"}

    def test_listing_follows_changes(self, lab: Lab):
        """A dyno listed as running is listed as exited once it has ended."""
        runtime_id = lab.run("hang")
        assert [each.status for each in lab.runtime.containers()] == ["running"]
        lab.runtime.signal(runtime_id, "KILL")

        wait_until(lambda: [each.status for each in lab.runtime.containers()] == ["exited"])
        assert lab.runtime.containers()[0].exit_status == 137

    def test_remembered_follows_listings(self, lab: Lab):
        """What is remembered of a dyno is as new as the last listing, or the last event."""
        runtime_id = lab.run("hang")
        assert lab.runtime.container(runtime_id, fresh=False).status == "running"
        lab.runtime.signal(runtime_id, "KILL")
        wait_until(lambda: [each.status for each in lab.runtime.containers()] == ["exited"])
        assert lab.runtime.container(runtime_id, fresh=False).exit_status == 137
        lab.runtime.remove(runtime_id)
        assert lab.runtime.container(runtime_id, fresh=False) is None

    def test_removed_is_gone(self, lab: Lab):
        """A removed container is gone; removing or signalling it again does nothing."""
        runtime_id = lab.run("hang")
        lab.runtime.remove(runtime_id)
        lab.runtime.remove(runtime_id)
        lab.runtime.signal(runtime_id, "TERM")
        lab.runtime.signal(runtime_id, "KILL")

        assert lab.runtime.container(runtime_id) is None
        assert lab.runtime.containers() == []
        assert list(lab.runtime.output(runtime_id, since_ns=0, follow=True)) == []
        assert lab.runtime.listening(runtime_id) == []


class TestSignals:
    def test_term_ends(self, lab: Lab):
        """SIGTERM ends a program that does not handle it, with status 143."""
        runtime_id = lab.run("serve")
        wait_until(lambda: lab.runtime.listening(runtime_id))
        lab.runtime.signal(runtime_id, "TERM")

        assert lab.wait_for_exit(runtime_id) == 143

    def test_term_can_be_ignored_kill_cannot(self, lab: Lab):
        """A dyno that ignores SIGTERM runs on and ends by SIGKILL, with status 137."""
        runtime_id = lab.run("stubborn")
        wait_until(lambda: "ready" in lab.output(runtime_id))
        lab.runtime.signal(runtime_id, "TERM")
        assert lab.status(runtime_id) == "running"
        lab.runtime.signal(runtime_id, "KILL")

        assert lab.wait_for_exit(runtime_id) == 137

    def test_signalling_the_ended_is_fine(self, lab: Lab):
        """Signals to a dyno that has ended already do nothing."""
        runtime_id = lab.run("say and end")
        lab.wait_for_exit(runtime_id)
        lab.runtime.signal(runtime_id, "TERM")
        lab.runtime.signal(runtime_id, "HUP")
        lab.runtime.signal(runtime_id, "KILL")


class TestOutput:
    def test_all_lines_of_the_ended(self, lab: Lab):
        """Every line of a dyno that has ended can be read, in order and with rising times."""
        runtime_id = lab.run("say and end")
        lab.wait_for_exit(runtime_id)
        lines = list(lab.runtime.output(runtime_id, since_ns=0, follow=True))

        assert [line.text for line in lines] == ["one", "two"]
        assert lines[0].at_ns < lines[1].at_ns

    def test_resume_is_inclusive(self, lab: Lab):
        """Reading from a line's own time on begins with that line."""
        runtime_id = lab.run("say and end")
        lab.wait_for_exit(runtime_id)
        second = list(lab.runtime.output(runtime_id, since_ns=0, follow=False))[1]

        assert list(lab.runtime.output(runtime_id, since_ns=second.at_ns, follow=False)) == [second]

    def test_following_ends_with_the_dyno(self, lab: Lab):
        """Following gives lines while the dyno runs and stops when it ends."""
        runtime_id = lab.run("say and hang")
        following = lab.runtime.output(runtime_id, since_ns=0, follow=True)
        assert next(following).text == "one"
        lab.runtime.signal(runtime_id, "KILL")

        assert list(following) == []

    def test_not_kept(self, lab: Lab):
        """A dyno whose output is not to be kept leaves none, also to who follows."""
        ended = lab.run("say and end", keep_logs=False)
        lab.wait_for_exit(ended)

        assert lab.output(ended) == []
        assert list(lab.runtime.output(ended, since_ns=0, follow=True)) == []

    def test_not_started(self, lab: Lab):
        """A dyno that was not started has no output."""
        assert lab.output(lab.create("say and end")) == []


class TestAttachment:
    def test_both_ways(self, lab: Lab):
        """An attached dyno gets what is sent and its output comes back, until its input ends."""
        runtime_id = lab.create("copy", kind="run", name="run.1", stdin=True, keep_logs=False)
        attachment = lab.runtime.attach(runtime_id)
        lab.runtime.start(runtime_id)
        attachment.send(b"hello\n")

        assert attachment.receive() == b"hello\n"
        attachment.close_stdin()
        assert attachment.receive() == b""
        attachment.close()
        assert lab.wait_for_exit(runtime_id) == 0

    def test_letting_go_does_not_end_the_dyno(self, lab: Lab):
        """Closing an attachment leaves the dyno running."""
        runtime_id = lab.create("hang", kind="run", name="run.1", stdin=True, keep_logs=False)
        attachment = lab.runtime.attach(runtime_id)
        lab.runtime.start(runtime_id)
        attachment.close()
        attachment.close()

        assert lab.status(runtime_id) == "running"


class TestExecution:
    def test_both_ways_until_its_end(self, lab: Lab):
        """A command inside a dyno gets what is sent, writes back, and has a status of its own."""
        runtime_id = lab.run("hang")
        inside = lab.runtime.execute(runtime_id, lab.commands["copy"], {}, tty=False)
        inside.start()
        inside.send(b"hello\n")

        assert inside.receive() == b"hello\n"
        inside.close_stdin()
        assert inside.receive() == b""
        inside.close()
        assert inside.exit_status() == 0
        assert lab.status(runtime_id) == "running"

    def test_status_and_environment_are_the_commands_own(self, lab: Lab):
        """Its exit status is told, and variables given to it are its own."""
        runtime_id = lab.run("hang")
        ended = lab.runtime.execute(runtime_id, lab.commands["say and end"], {}, tty=False)
        ended.start()
        assert b"".join(iter(ended.receive, b"")) == b"one\ntwo\n"
        assert ended.exit_status() == 3

        told = lab.runtime.execute(runtime_id, lab.commands["tell"], {"WHO": "me"}, tty=False)
        told.start()
        assert told.receive() == b"me\n"

    def test_hung_up_it_ends_and_its_dyno_goes_on(self, lab: Lab):
        """SIGHUP reaches the command alone; twice is fine."""
        runtime_id = lab.run("hang")
        inside = lab.runtime.execute(runtime_id, lab.commands["say and hang"], {}, tty=False)
        inside.start()
        assert inside.receive() == b"one\n"
        inside.hang_up(5)
        while inside.receive():
            pass  # a shell says how its command ended

        assert inside.exit_status() == 129
        inside.hang_up(5)
        assert lab.status(runtime_id) == "running"

    def test_it_ends_with_its_dyno(self, lab: Lab):
        """A command inside a dyno that is killed has no status of its own."""
        runtime_id = lab.run("hang")
        inside = lab.runtime.execute(runtime_id, lab.commands["say and hang"], {}, tty=False)
        inside.start()
        assert inside.receive() == b"one\n"
        lab.runtime.remove(runtime_id)

        assert inside.receive() == b""
        assert inside.exit_status() is None
        inside.hang_up(5)

    def test_only_inside_what_runs(self, lab: Lab):
        """Nothing runs inside a dyno that has ended, also when that was just before."""
        from kedge.errors import EngineRefused

        runtime_id = lab.run("hang")
        late = lab.runtime.execute(runtime_id, lab.commands["hang"], {}, tty=False)
        lab.runtime.signal(runtime_id, "KILL")
        lab.wait_for_exit(runtime_id)

        with pytest.raises(EngineRefused, match="does not run"):
            late.start()
        with pytest.raises(EngineRefused, match="does not run"):
            lab.runtime.execute(runtime_id, lab.commands["hang"], {}, tty=False)


class TestSlugs:
    def test_prepared_until_forgotten(self, lab: Lab):
        """A slug is startable once prepared, and no more once forgotten; both may be repeated."""
        slug = lab.slug(here=uuid4().bytes)
        assert slug.digest not in lab.runtime.prepared()
        lab.runtime.prepare(slug)
        lab.runtime.prepare(slug)
        assert slug.digest in lab.runtime.prepared()
        lab.runtime.forget(slug.digest)
        lab.runtime.forget(slug.digest)

        assert slug.digest not in lab.runtime.prepared()

    def test_create_prepares(self, lab: Lab):
        """Creating a dyno of a slug that is not prepared prepares it."""
        slug = lab.slug(here=uuid4().bytes)
        lab.create("hang", slug=slug)

        assert slug.digest in lab.runtime.prepared()


class TestLooks:
    def test_ports(self, lab: Lab):
        """The port a dyno listens on is told."""
        runtime_id = lab.run("serve")

        assert wait_until(lambda: lab.runtime.listening(runtime_id)) == [5000]

    def test_loopback_ports_are_negative(self, lab: Lab):
        """A port bound to loopback alone, which the router cannot reach, is told as negative."""
        runtime_id = lab.run("serve inside")

        assert wait_until(lambda: lab.runtime.listening(runtime_id)) == [-5000]

    def test_usage_of_the_running(self, lab: Lab):
        """Memory in use and processor time are told for running dynos alone."""
        running, ended = lab.run("hang"), lab.run("say and end")
        lab.wait_for_exit(ended)
        used = lab.runtime.usage()

        assert set(used) == {running}
        assert used[running].memory_mb > 0
        assert used[running].cpu_seconds > 0

    def test_happenings(self, lab: Lab):
        """Start and end of a dyno are told as they happen."""
        heard: list[tuple[str, str]] = []
        listening = threading.Event()

        def listen() -> None:
            for happening in lab.runtime.happenings():
                listening.set()
                heard.append((happening.kind, happening.runtime_id))

        threading.Thread(target=listen, daemon=True).start()
        # The first events may come before anyone listens: nudge until one is heard.
        while not listening.wait(0.2):
            lab.runtime.remove(lab.run("say and end"))
        runtime_id = lab.run("say and end")

        wait_until(lambda: ("die", runtime_id) in heard)
        assert ("start", runtime_id) in heard

    def test_ping_and_tend(self, lab: Lab):
        """A runtime that answers says its version and can be tended again and again."""
        lab.runtime.tend()
        lab.runtime.tend()

        assert lab.runtime.ping()


def test_a_dyno_that_cannot_be_started_says_so(lab: Lab):
    """Starting a container that is gone raises RuntimeDown with words."""
    from kedge.errors import RuntimeDown

    runtime_id = lab.create("hang")
    lab.runtime.remove(runtime_id)

    with pytest.raises(RuntimeDown, match=r"[Nn]o such container"):
        lab.runtime.start(runtime_id)
