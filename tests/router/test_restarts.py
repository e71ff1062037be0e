"""The router's parts are killed, restarted and reloaded, and apps are served on."""

import socket
import subprocess
import threading
import time

import httpx

from router.harness import wait_until
from router.test_deploys import Load


def worker_pid(router):
    return int(router.cli("show info").partition("\nPid: ")[2].split()[0])


def restarted(router, before):
    """Wait for another worker than the one `before`; the supervisor promises two seconds."""
    wait_until(lambda: worker_pid(router) != before, seconds=5)


class TestHaproxyKilled:
    def test_master_killed_is_back_with_routes(self, own_router, dynos):
        """Routes are in force as soon as HAProxy is back, with the agent down."""
        router = own_router()
        router.put("up", {"web.1-a": dynos("up")}, hosts=["up.localhost", "*.up.test"])
        router.agent.stop()
        before = worker_pid(router)
        router.haproxy.kill()
        restarted(router, before)
        assert router.get("up").text == "up"
        assert router.get("a.up.test").text == "up"

    def test_worker_killed_is_back_with_routes(self, own_router, dynos):
        """A dead worker ends its master, and both are back; nobody of before is left."""
        router = own_router()
        router.put("up", {"web.1-a": dynos("up")})
        before = worker_pid(router)
        subprocess.run(["kill", "-9", str(before)], check=True)
        restarted(router, before)
        assert router.get("up").text == "up"

    def test_second_haproxy_waits_for_the_first(self, own_router, dynos):
        """Two routers never serve side by side: the next starts when the last of one is gone."""
        router = own_router()
        router.put("up", {"web.1-a": dynos("up")})
        first, before = router.haproxy, worker_pid(router)
        router.start("haproxy")
        wait_until(lambda: "lock.waiting" in (router.dir / "haproxy.out").read_text())
        assert worker_pid(router) == before
        first.wanted = False
        first.kill()
        restarted(router, before)
        assert router.get("up").text == "up"

    def test_full_disk_does_not_stop_it(self, own_router, dynos):
        """HAProxy starts from what it had when nothing can be written, and the agent goes on."""
        router = own_router()
        router.put("up", {"web.1-a": dynos("up")})
        (router.dir / "pages" / ".H10.html.new").mkdir()  # as good as a full disk, also for root
        before = worker_pid(router)
        router.haproxy.kill()
        restarted(router, before)
        wait_until(lambda: router.get("up").text == "up", seconds=5)
        assert "haproxy.files_kept" in (router.dir / "haproxy.out").read_text()

    def test_put_waits_for_haproxy(self, own_router, dynos):
        """A put that meets HAProxy's restart is acknowledged when it is in force in the new one."""
        router = own_router()
        router.haproxy.kill()
        assert router.put("up", {"web.1-a": dynos("up")}).status_code == 200
        wait_until(lambda: router.get("up").text == "up", seconds=5)

    def test_put_without_haproxy_is_503(self, own_router, dynos):
        """With HAProxy gone a put is refused in words, and the same put again is acknowledged."""
        router = own_router()
        router.haproxy.stop()
        body = router.body("up", {"web.1-a": dynos("up")})
        answer = router.api.put("/apps/id-up", json=body)
        assert answer.status_code == 503
        assert "same version" in answer.json()["message"]
        assert router.api.get("/health").json()["ready"] is False
        router.start("haproxy").ready()
        assert router.api.put("/apps/id-up", json=body).status_code == 200
        assert router.get("up").text == "up"


class TestAgentKilled:
    def test_killed_while_it_applies(self, own_router, dynos):
        """An agent killed in the middle of changes leaves nothing half done for long."""
        router = own_router()
        blue, green = dynos("blue"), dynos("green")
        router.put("app", {"web.1-b0": blue})
        with Load(router, "app.localhost") as load:
            for number in range(6):
                servers = {f"web.1-{'gb'[number % 2]}{number}": [green, blue][number % 2]}
                body = router.body("app", servers)
                killer = threading.Timer(0.002 * number, router.agent.kill)
                killer.start()
                wait_until(lambda body=body: _acknowledged(router, body))
                killer.join()
                expected = ["green", "blue"][number % 2]
                assert router.get("app").text == expected
        assert load.failures == []
        router.ready()
        wait_until(lambda: router.api.get("/apps/id-app").json()["in_force"])

    def test_log_goes_on_in_the_next_agent(self, own_router, dynos):
        """Requests while no agent runs are in the log of the next one."""
        router = own_router()
        router.put("app", {"web.1-a": dynos()})
        after = router.log_position()
        router.agent.stop()
        for number in range(20):
            router.get("app", f"/?n={number}")
        router.start("agent").ready()
        answer = router.api.get("/log", params={"after": after, "wait": 5}).json()
        wait_until(lambda: router.log_count() == (20, 0))
        assert answer["lost"] == 0
        assert answer["next"] > after

    def test_flood_without_an_agent_is_counted(self, own_router, dynos):
        """HAProxy drops what its pipe cannot hold while nobody reads; the count is not lost."""
        router = own_router()
        router.put("app", {"web.1-a": dynos()}, state="H80")
        router.agent.stop()
        path = "/" + "/" * 1000  # twice as long with JSON's escapes
        request = f"GET {path} HTTP/1.1\r\nHost: app.localhost\r\n\r\n".encode()
        sent = 800
        with socket.create_connection(("127.0.0.1", router.port)) as client:
            reader = threading.Thread(target=_drain, args=(client,))
            reader.start()
            for _ in range(sent - 1):
                client.sendall(request)
            client.sendall(request.replace(b"Host:", b"Connection: close\r\nHost:"))
            reader.join()
        dropped = int(router.cli("show info").partition("DroppedLogs: ")[2].split()[0])
        assert dropped > 0
        router.start("agent").ready()
        wait_until(lambda: router.log_count() == (sent - dropped, dropped))


def _acknowledged(router, body):
    return router.api.put("/apps/id-app", json=body).status_code == 200


def _drain(client):
    while client.recv(65536):
        pass


class TestGrowth:
    def test_more_slots_lose_nothing(self, own_router, dynos):
        """A reload for more slots drops no request, cuts no websocket, and leaves no old routes."""
        router = own_router(slots=2)
        router.put("app", {"web.1-a": dynos("old")})
        websocket = router.websocket("app")
        kept = httpx.Client(base_url=f"http://127.0.0.1:{router.port}")
        host = {"Host": "app.localhost"}
        assert kept.get("/", headers=host).text == "old"
        with Load(router, "app.localhost") as load:
            for number in range(8):
                assert router.put(f"more-{number}", {"web.1-a": dynos()}).status_code == 200
                time.sleep(0.1)
            router.put("app", {"web.1-b": dynos("new")})
            time.sleep(0.3)
        assert load.failures == []
        assert router.api.get("/health").json()["slots"] == {"total": 16, "used": 9}

        websocket.sendall(b"ping")
        assert websocket.recv(10) == b"ping"
        assert router.sessions("app")["web.1-a"] == {"in_flight": 1, "state": "drain"}
        assert kept.get("/", headers=host).text == "new"

        router.api.delete("/apps/id-app/servers/web.1-a/sessions").raise_for_status()
        wait_until(lambda: not router.sessions("app").get("web.1-a", {}).get("in_flight"))
        websocket.close()
        kept.close()

    def test_slots_stay_after_a_restart(self, own_router, dynos):
        """A router that has grown starts with all its slots."""
        router = own_router(slots=1)
        for name in ("one", "two", "three"):
            router.put(name, {"web.1-a": dynos(name)})
        before = worker_pid(router)
        router.haproxy.kill()
        restarted(router, before)
        assert router.get("three").text == "three"
