"""Who gets a request, and what it carries when it arrives."""

import re
import socket
import ssl
import time

import httpx
import pytest

from router.harness import certificate, wait_until


class TestHosts:
    def test_exact_host_goes_before_a_wildcard(self, router, dynos):
        """A host of its own wins over another app's wildcard; a wildcard stands for one label."""
        router.put("wide", {"web.1-a": dynos("wide")}, hosts=["*.hosts.test"])
        router.put("exact", {"web.1-a": dynos("exact")}, hosts=["one.hosts.test"])
        assert router.get("one.hosts.test").text == "exact"
        assert router.get("two.hosts.test").text == "wide"
        assert router.get("a.two.hosts.test").status_code == 404

    @pytest.mark.parametrize("host", ["CASE.localhost", "case.localhost:8080", "case.localhost."])
    def test_port_case_and_trailing_dot_do_not_matter(self, router, dynos, host):
        """A host is compared as DNS does."""
        router.put("case", {"web.1-a": dynos("case")})
        assert router.get(host).text == "case"
        router.api.delete("/apps/id-case")

    def test_unknown_host_has_a_page(self, router):
        """A host of no app gets a page that says so, with 404."""
        answer = router.get("nobody.test")
        assert answer.status_code == 404
        assert "No such app" in answer.text

    @pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "LOCALHOST"])
    def test_platform_hosts_go_to_the_platform(self, router, host):
        """The platform's own names, with any port, are not apps'."""
        answer = router.web.get("/", headers={"Host": host})
        assert answer.text == "platform"

    def test_removed_app_is_gone(self, router, dynos):
        """After a removal is acknowledged its hosts answer 404."""
        router.put("gone", {"web.1-a": dynos()})
        assert router.get("gone").status_code == 200
        router.api.delete("/apps/id-gone").raise_for_status()
        assert router.get("gone").status_code == 404


class TestHeaders:
    @pytest.fixture
    def seen(self, router, dynos):
        """The headers the dyno gets for a request with these."""
        router.put("heads", {"web.1-a": dynos()})

        def get(**headers):
            return [tuple(h) for h in router.get("heads", "/headers", headers=headers).json()]

        yield get
        router.api.delete("/apps/id-heads")

    def test_request_is_marked(self, router, seen):
        """A dyno learns the request's id, when it came, from whom, how, and through what."""
        headers = dict(seen())
        assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-request-id"])
        assert re.fullmatch(r"\d{13}", headers["x-request-start"])
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["x-forwarded-proto"] == "http"
        assert headers["x-forwarded-port"] == str(router.port)
        assert headers["via"] == "1.1 kedge-router"

    def test_good_request_id_is_kept(self, seen):
        """An id of 20 to 200 safe characters is the client's; any other is replaced."""
        assert dict(seen(**{"X-Request-ID": "a" * 20}))["x-request-id"] == "a" * 20
        assert dict(seen(**{"X-Request-ID": 'a"b' * 10}))["x-request-id"] != 'a"b' * 10

    def test_forged_origin_is_overwritten(self, seen):
        """Protocol and port are the router's word; addresses are appended, never replaced."""
        headers = seen(**{"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"})
        assert dict(headers)["x-forwarded-proto"] == "http"
        assert [v for k, v in headers if k == "x-forwarded-for"] == ["6.6.6.6", "127.0.0.1"]

    def test_h2c_upgrade_stops_here(self, seen):
        """No client can talk an app into a protocol the router does not see through."""
        assert "upgrade" not in dict(seen(Connection="Upgrade, HTTP2-Settings", Upgrade="h2c"))

    def test_sixteen_kilobytes_of_headers_pass(self, seen):
        """Headers of 15.5 KB reach the app."""
        assert len(dict(seen(**{"X-Big": "b" * 15_500}))["x-big"]) == 15_500

    @pytest.mark.parametrize(
        "value", ["\0", "a\0b", "a\0", "\0" + "b" * 99, "a" * 99 + "\0" + "b" * 99]
    )
    def test_a_nul_is_the_clients_error(self, router, seen, value):
        """It gets 400 wherever in a value it stands, in one piece or in several."""
        assert dict(seen(X=value.replace("\0", "0")))["x"] == value.replace("\0", "0")
        request = f"GET / HTTP/1.1\r\nHost: heads.localhost\r\nX: {value}\r\nY: y\r\n\r\n".encode()
        assert router.raw(request).startswith(b"HTTP/1.1 400 ")
        with socket.create_connection(("127.0.0.1", router.port), timeout=10) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in request.partition(b"\0"):
                client.sendall(piece)
            assert client.recv(12) == b"HTTP/1.1 400"

    @pytest.mark.parametrize("size", [17_000, 64_000, 300_000])
    def test_longer_headers_are_the_clients_error(self, router, size):
        """Headers over 16 KB get a 4xx, never a 5xx."""
        for host in ("heads.localhost", "localhost"):
            answer = router.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nX-Big: {'b' * size}\r\n\r\n")
            assert re.match(rb"HTTP/1.1 4\d\d ", answer)


class TestPlatform:
    def test_platform_may_take_its_time(self, router, shared_platform):
        """An answer of the platform may be silent for longer than an app's, whose limit is 2 s."""
        with router.web.stream("GET", "/stream?n=2&gap=2.3") as stream:
            assert b"".join(stream.iter_raw()) == b"chunkchunk"

    def test_upload_streams(self, router):
        """The platform gets an upload as it comes, and whole."""
        body = (b"x" * 65536 for _ in range(100))
        answer = router.web.post("/length", content=body, headers={"Content-Length": "6553600"})
        assert answer.text == "6553600"

    def test_client_that_leaves_is_noticed(self, router, shared_platform):
        """A client that goes away in a silent answer, or before one, ends it at the platform."""
        for path in ("silent", "begun"):
            shared_platform.aborted.clear()
            with socket.create_connection(("127.0.0.1", router.port)) as client:
                client.sendall(f"POST /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                time.sleep(0.1)
            assert shared_platform.aborted.wait(5)

    def test_absent_platform_says_so(self, own_router):
        """While the platform is down its clients get 503 as JSON, after the retries."""
        router = own_router(platform="unix@/nonexistent/web.sock")
        answer = router.web.get("/", headers={"Host": "localhost"})
        assert answer.status_code == 503
        assert answer.json()["id"] == "service_unavailable"


class TestTls:
    def peer(self, router, name):
        """The first name in the certificate served for `name`."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", router.https_port)) as connection,
            context.wrap_socket(connection, server_hostname=name) as tls,
        ):
            der = tls.getpeercert(binary_form=True)
        return next(host for host in self.names if host.encode() in der)

    names = ("default.test", "one.tls.test", "two.tls.test", "moved.tls.test")

    def test_certificate_comes_and_goes_at_run_time(self, router):
        """A certificate is served as soon as it is acknowledged, renewed, moved and removed."""
        pem = certificate("one.tls.test")
        api = router.api
        body = {"pem": pem, "hosts": ["one.tls.test"]}
        assert api.put("/certificates/one", json=body).status_code == 200
        assert self.peer(router, "one.tls.test") == "one.tls.test"
        assert self.peer(router, "unknown.test") == "default.test"
        assert (router.certs / "one.pem").stat().st_mode & 0o777 == 0o600

        body = {"pem": certificate("moved.tls.test"), "hosts": ["moved.tls.test"]}
        assert api.put("/certificates/one", json=body).status_code == 200
        assert self.peer(router, "moved.tls.test") == "moved.tls.test"
        assert self.peer(router, "one.tls.test") == "default.test"

        assert api.delete("/certificates/one").status_code == 200
        assert self.peer(router, "moved.tls.test") == "default.test"
        assert not (router.certs / "one.pem").exists()

    def test_broken_certificate_is_refused(self, router):
        """What HAProxy cannot use is refused without a word of the key, the one before stays."""
        good = certificate("two.tls.test")
        hosts = ["two.tls.test"]
        router.api.put("/certificates/two", json={"pem": good, "hosts": hosts}).raise_for_status()
        key = certificate("other.test").partition("-----BEGIN PRIVATE KEY-----")[2]
        chain = good.partition("-----BEGIN PRIVATE KEY-----")[0]
        pem = f"{chain}-----BEGIN PRIVATE KEY-----{key}"
        answer = router.api.put("/certificates/two", json={"pem": pem, "hosts": hosts})
        assert answer.status_code == 422
        assert key.strip()[:30] not in answer.text
        assert self.peer(router, "two.tls.test") == "two.tls.test"
        assert (router.certs / "two.pem").read_text() == good
        router.api.delete("/certificates/two").raise_for_status()

    def test_certificates_survive_a_restart(self, own_router):
        """Certificates are served after HAProxy's restart; one that broke on disk is left out."""
        router = own_router(https=True)
        for name in ("one", "two"):
            body = {"pem": certificate(f"{name}.tls.test"), "hosts": [f"{name}.tls.test"]}
            router.api.put(f"/certificates/{name}", json=body).raise_for_status()
        (router.certs / "two.pem").write_text("torn")
        router.haproxy.kill()
        # The one that was killed may serve for a moment longer, and knows both.
        wait_until(lambda: self.peer(router, "two.tls.test") == "default.test")
        assert self.peer(router, "one.tls.test") == "one.tls.test"

    def test_unfinished_handshake_ends(self, router):
        """A client that never says hello to TLS does not hold its connection."""
        with socket.create_connection(("127.0.0.1", router.https_port), timeout=10) as client:
            client.sendall(b"\x16\x03\x01")
            assert client.recv(100) == b""

    def test_http2_and_protocol_header(self, router, dynos):
        """Over TLS clients may speak HTTP/2, and dynos learn that it was HTTPS."""
        router.put("secure", {"web.1-a": dynos()})
        after = router.log_position()
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", router.https_port)) as connection,
            context.wrap_socket(connection, server_hostname="secure.localhost") as tls,
        ):
            assert tls.selected_alpn_protocol() == "h2"
        with httpx.Client(verify=False) as client:
            url = f"https://127.0.0.1:{router.https_port}/headers"
            headers = dict(client.get(url, headers={"Host": "secure.localhost"}).json())
        assert headers["x-forwarded-proto"] == "https"
        line = router.log_line(after, app_id="id-secure")
        assert line["text"].endswith("protocol=https tls=true tls_version=tls1.3")
