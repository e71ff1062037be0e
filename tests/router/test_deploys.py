"""Nothing is lost while dynos are replaced, and a drained dyno is known to be idle."""

import contextlib
import itertools
import threading
import time

import httpx
import pytest

from router.harness import wait_until


class Load:
    """Clients that use an app in every way at once, and keep what went wrong."""

    def __init__(self, router, host):
        self.router, self.host = router, host
        self.stopped = threading.Event()
        self.failures = []
        self.answers = 0
        self.threads = [
            threading.Thread(target=self._repeat, args=(way,))
            for way in (self._kept, self._kept, self._closed, self._slow_post, self._stream)
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _repeat(self, way):
        headers = {"Host": self.host}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.router.port}", headers=headers) as web:
            while not self.stopped.is_set():
                try:
                    way(web)
                    self.answers += 1
                except (httpx.HTTPError, AssertionError) as error:
                    self.failures.append(f"{way.__name__}: {error!r}")

    def _kept(self, web):
        assert web.get("/").status_code == 200
        time.sleep(0.002)

    def _closed(self, web):
        assert web.get("/", headers={"Connection": "close"}).status_code == 200

    def _slow_post(self, web):
        def body():
            for _ in range(5):
                yield b"x" * 1000
                time.sleep(0.02)

        answer = web.post("/length", content=body(), headers={"Content-Length": "5000"})
        assert (answer.status_code, answer.text) == (200, "5000")

    def _stream(self, web):
        assert web.get("/stream?n=10&gap=0.05").text == "chunk" * 10


def drained(router, name, server):
    """Wait until nothing is in flight on `server`, as a rollout does before it stops a dyno."""
    wait_until(lambda: router.sessions(name).get(server, {"in_flight": 0})["in_flight"] == 0)


class TestReplacement:
    def test_rolling_replacements_lose_no_request(self, router, dynos):
        """Eight replacements under keep-alive, close, slow POST and stream: none fails."""
        current, name = dynos(), "web.1-0"
        router.put("roll", {name: current})
        with Load(router, "roll.localhost") as load:
            for number in range(1, 9):
                following, fresh = dynos(), f"web.1-{number}"
                assert router.put("roll", {fresh: following}).status_code == 200
                drained(router, "roll", name)
                current.stop()
                current, name = following, fresh
                time.sleep(0.1)
        assert load.failures == []
        assert load.answers > 100

    def test_websocket_outlives_other_apps_changes(self, router, dynos):
        """Changes of one app do not touch another's websockets."""
        router.put("chat", {"web.1-a": dynos()})
        with router.websocket("chat") as websocket:
            for number in range(5):
                router.put("neighbour", {f"web.1-{number}": dynos()})
                websocket.sendall(b"still there?")
                assert websocket.recv(100) == b"still there?"


class TestSessions:
    def test_in_flight_is_exact(self, router, dynos):
        """Requests and websockets count from begin to end; a drained server gets no new ones."""
        old = dynos("old")
        router.put("drain", {"web.1-a": old})
        assert router.sessions("drain") == {"web.1-a": {"in_flight": 0, "state": "ready"}}
        threads = [
            threading.Thread(
                target=router.raw,
                args=("GET /gated HTTP/1.1\r\nHost: drain.localhost\r\nConnection: close\r\n\r\n",),
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        websocket = router.websocket("drain")
        in_flight = lambda: router.sessions("drain").get("web.1-a", {}).get("in_flight", 0)  # noqa: E731
        wait_until(lambda: in_flight() == 4)
        router.put("drain", {"web.1-b": dynos("new")})
        assert router.sessions("drain")["web.1-a"] == {"in_flight": 4, "state": "drain"}
        assert [router.get("drain").text for _ in range(5)] == ["new"] * 5
        old.gate.set()
        wait_until(lambda: in_flight() == 1)
        websocket.sendall(b"ping")
        assert websocket.recv(10) == b"ping"
        websocket.close()
        wait_until(lambda: in_flight() == 0)
        for thread in threads:
            thread.join()

    def test_drained_server_is_forgotten(self, router, dynos):
        """After its quarantine a drained server is gone from HAProxy."""
        router.put("forget", {"web.1-a": dynos()})
        router.put("forget", {"web.1-b": dynos()})
        wait_until(lambda: list(router.sessions("forget")) == ["web.1-b"])

    def test_forced_close_is_h24(self, router, dynos):
        """Sessions that do not end are cut, and the log says so."""
        router.put("cut", {"web.1-a": dynos()})
        after = router.log_position()
        with router.websocket("cut") as websocket:
            router.put("cut", {})
            answer = router.api.delete("/apps/id-cut/servers/web.1-a/sessions")
            assert answer.json() == {"closed": 1}
            with contextlib.suppress(ConnectionError):
                assert websocket.recv(10) == b""
        router.log_line(after, app_id="id-cut", code="H24")

    def test_unknown_server_has_no_sessions(self, router, dynos):
        """A server HAProxy does not know is answered 404."""
        router.put("none", {"web.1-a": dynos()})
        assert router.api.delete("/apps/id-none/servers/web.9/sessions").status_code == 404
        assert router.api.get("/apps/id-nobody/sessions").status_code == 404


class TestVersions:
    def test_stale_version_is_refused(self, router, dynos):
        """A put older than what is in force changes nothing and is told the version."""
        dyno = dynos()
        late = router.body("stale", {"web.1-a": dyno}, hosts=["late.test"])
        router.put("stale", {"web.1-a": dyno})
        answer = router.api.put("/apps/id-stale", json=late)
        assert answer.status_code == 409
        assert answer.json()["id"] == "stale"
        assert answer.json()["version"] == late["version"] + 1
        assert router.get("late.test").status_code == 404

    def test_repeated_put_is_the_same(self, router, dynos):
        """The same version with the same routes is acknowledged again."""
        body = router.body("again", {"web.1-a": dynos()})
        for _ in range(2):
            assert router.api.put("/apps/id-again", json=body).json()["version"] == body["version"]

    def test_host_of_another_app_is_refused(self, router, dynos):
        """A host is taken from no app, and the refusal names who has it."""
        router.put("owner", {"web.1-a": dynos()}, hosts=["fought.test"])
        answer = router.put("thief", {"web.1-a": dynos()}, hosts=["fought.test"])
        assert answer.status_code == 409
        assert "owner" in answer.json()["message"]

    def test_name_is_not_reused_while_it_drains(self, router, dynos):
        """A name HAProxy still knows cannot stand for another address."""
        router.put("reuse", {"web.1-a": dynos()})
        with router.websocket("reuse"):
            router.put("reuse", {"web.1-b": dynos()})
            assert router.put("reuse", {"web.1-a": dynos()}).status_code == 409

    @pytest.mark.parametrize(
        ("method", "path", "content", "status"),
        [
            ("PUT", "/apps/x", b"not json", 422),
            ("PUT", "/apps/x", b"{}", 422),
            ("PUT", "/apps", b"[]", 422),
            ("GET", "/log?after=soon", b"", 422),
            ("GET", "/nothing", b"", 404),
            ("PATCH", "/apps/x", b"", 501),
        ],
    )
    def test_malformed_requests_are_refused(self, router, method, path, content, status):
        """What the API does not understand is the caller's error, in words."""
        assert router.api.request(method, path, content=content).status_code == status


class TestResync:
    def test_resync_replaces_everything(self, own_router, dynos):
        """A resync brings exactly its apps into force, and a second one changes nothing."""
        router = own_router()
        kept, gone = dynos("kept"), dynos("gone")
        router.put("kept", {"web.1-a": kept})
        router.put("gone", {"web.1-a": gone})
        apps = {
            "id-kept": router.body("kept", {"web.1-a": kept}),
            "id-new": router.body("new", {"web.1-a": dynos("new")}),
        }
        for _ in range(2):
            assert router.api.put("/apps", json={"apps": apps}).json()["apps"] == 2
        assert [router.get(name).status_code for name in ("kept", "new", "gone")] == [200, 200, 404]
        assert all(app["in_force"] for app in router.api.get("/apps").json()["apps"].values())

    def test_thousand_apps_at_once(self, own_router, dynos):
        """A thousand apps come into force in one request, slots growing as needed."""
        router = own_router()
        dyno = dynos("one of many")
        bodies = (router.body(f"app-{n}", {"web.1-a": dyno, "web.2-a": dyno}) for n in range(1000))
        apps = {f"id-{n}": body for n, body in zip(itertools.count(), bodies, strict=False)}
        assert router.api.put("/apps", json={"apps": apps}).status_code == 200
        assert router.get("app-999").text == "one of many"
        assert router.api.get("/health").json()["slots"] == {"total": 1024, "used": 1000}
        router.api.put("/apps", json={"apps": {}}).raise_for_status()
        assert router.get("app-999").status_code == 404

    def test_drift_is_repaired(self, router, dynos):
        """What somebody else changed in HAProxy is seen, and put right by the same put again."""
        body = router.body("drift", {"web.1-a": dynos("right")})
        router.api.put("/apps/id-drift", json=body)
        router.cli(f"del map {router.dir}/maps/hosts.map drift.localhost")
        assert router.api.get("/apps/id-drift").json()["in_force"] is False
        assert router.get("drift").status_code == 404
        router.api.put("/apps/id-drift", json=body).raise_for_status()
        assert router.get("drift").text == "right"
        assert router.api.get("/apps/id-drift").json()["in_force"] is True
