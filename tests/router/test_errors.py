"""What visitors and the log get when an app does not answer as it should."""

import socket
import time

import pytest

from router.harness import free_port

HEAD = "Host: bad.localhost\r\nConnection: close\r\n"


class TestStates:
    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("H10", "kedge why -a"),
            ("H80", "kedge maintenance:off -a"),
            ("H81", "git push kedge main"),
            ("H99", "kedge status"),
        ],
    )
    def test_state_answers_at_once(self, router, dynos, state, words):
        """An app put in a state answers 503 with a page that names the app and what to do."""
        after = router.log_position()
        router.put("state", {"web.1-a": dynos()}, state=state)
        answer = router.get("state")
        assert answer.status_code == 503
        assert state in answer.text
        assert f"{words} state" in answer.text or words in answer.text
        assert answer.headers["cache-control"] == "no-store"
        line = router.log_line(after, app_id="id-state", code=state)
        assert f"request_id={_request_id(answer.text)} " in line["text"]
        assert "dyno= connect= service= status=503 bytes= " in line["text"]
        router.api.delete("/apps/id-state")

    def test_no_dynos_is_h14(self, router):
        """An app without web dynos answers H14 by itself."""
        after = router.log_position()
        router.put("idle", {})
        assert "kedge ps:scale web=1 -a idle" in router.get("idle").text
        router.log_line(after, app_id="id-idle", code="H14")

    def test_app_leaves_its_state(self, router, dynos):
        """A state ends with the change that takes it away."""
        dyno = dynos("back")
        router.put("back", {"web.1-a": dyno}, state="H80")
        router.put("back", {"web.1-a": dyno})
        assert router.get("back").text == "back"


def _request_id(page):
    return page.partition("request ")[2].partition("<")[0]


class TestFailures:
    @pytest.fixture
    def failing(self, router, dynos):
        """An app's answer to a path, and the log line of it."""
        router.put("bad", {"web.1-a": dynos()})

        def get(path, **expected):
            after = router.log_position()
            answer = router.raw(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n")
            return answer, router.log_line(after, app_id="id-bad", **expected)

        yield get
        router.api.delete("/apps/id-bad")

    @pytest.mark.parametrize(
        ("path", "code", "desc"),
        [
            ("/silent", "H12", "Request timeout"),
            ("/close", "H13", "Connection closed without response"),
            ("/garbage", "H17", "Poorly formatted HTTP response"),
        ],
    )
    def test_no_answer_is_503(self, failing, path, code, desc):
        """A dyno that gives no proper answer makes a 503 with a page, and its code in the log."""
        answer, line = failing(path, code=code)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"kedge logs --tail -a bad" in answer
        assert f'at=error code={code} desc="{desc}" method=GET path="{path}"' in line["text"]
        assert (line["dyno"], line["status"]) == ("web.1", 503)

    @pytest.mark.parametrize(("path", "code"), [("/cut", "H18"), ("/begun", "H15")])
    def test_broken_answer_is_told_in_the_log(self, failing, path, code):
        """An answer that ends or falls silent in its middle has its code, and the status sent."""
        answer, line = failing(path, code=code)
        assert answer.endswith(b"ten bytes.")
        assert line["status"] == 200

    def test_silence_while_a_body_is_sent_is_h12(self, router, dynos, failing):
        """A request with a body has the same time for the first byte."""
        after = router.log_position()
        router.raw(f"POST /silent HTTP/1.1\r\n{HEAD}Content-Length: 2\r\n\r\nhi")
        router.log_line(after, app_id="id-bad", code="H12")

    def test_stalled_upload_is_h28(self, router, failing):
        """A client that stops in the middle of its upload is the one at fault."""
        after = router.log_position()
        router.raw(f"POST /length HTTP/1.1\r\n{HEAD}Content-Length: 999\r\n\r\nhi")
        assert router.log_line(after, app_id="id-bad", code="H28")["status"] == 499

    def test_client_that_leaves_is_h27(self, router, failing):
        """A client that goes before the answer is logged with 499."""
        after = router.log_position()
        with socket.create_connection(("127.0.0.1", router.port)) as client:
            client.sendall(b"GET /slow?s=0.5 HTTP/1.1\r\nHost: bad.localhost\r\n\r\n")
            time.sleep(0.1)
        line = router.log_line(after, app_id="id-bad", code="H27")
        assert line["text"].startswith("sock=client at=warning code=H27 ")

    def test_refused_connection_is_h21(self, router):
        """A dyno that is not there makes H21."""
        after = router.log_position()
        router.put("absent", {"web.1-a": {"host": "127.0.0.1", "port": free_port()}})
        assert router.get("absent").status_code == 503
        assert router.log_line(after, app_id="id-absent", code="H21")["dyno"] == "web.1"

    def test_other_dyno_takes_what_one_refuses(self, router, dynos):
        """With one of two dynos dead nobody notices."""
        dead = {"host": "127.0.0.1", "port": free_port()}
        router.put("half", {"web.1-a": dead, "web.2-a": dynos("alive")})
        assert [router.get("half").text for _ in range(10)] == ["alive"] * 10

    @pytest.mark.parametrize("status", [404, 500, 502, 503, 504])
    def test_apps_own_errors_pass(self, router, failing, status):
        """An error page of the app is the app's, status and body."""
        answer = router.get("bad", f"/status?code={status}")
        assert (answer.status_code, answer.text) == (status, "the app's own page")


class TestLog:
    def test_request_has_its_line(self, router, dynos):
        """A request to an app is in its log in Heroku's form; the platform's own are not."""
        router.put("logged", {"web.1-3f2a": dynos()})
        after = router.log_position()
        router.web.get("/", headers={"Host": "localhost"})
        router.get("logged", "/?q=1", headers={"X-Request-Id": "i" * 20})
        line = router.log_line(after, app_id="id-logged")
        assert line["text"].startswith(
            f'at=info method=GET path="/?q=1" host=logged.localhost request_id={"i" * 20}'
            ' fwd="127.0.0.1" dyno=web.1 connect='
        )
        assert line["text"].endswith(f" status=200 bytes={line['bytes']} protocol=http tls=false")
        assert abs(line["at_ns"] - time.time_ns()) < 60e9
        lines = router.api.get("/log", params={"after": after}).json()["lines"]
        assert not any("host=localhost " in line["text"] for line in lines)
