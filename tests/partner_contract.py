"""The contract of the Add-on Partner API v3, for any provider: run it against yours.

    python partner_contract.py manifest.json

asks the provider of that manifest; it needs httpx, and nothing of Kedge. Each check is a function
of a `Subject`, for a provider's own tests:

    @pytest.mark.parametrize("check", CHECKS, ids=name_of)
    def test_contract(check):
        check(Subject(base_url=..., service="notes", password=..., sso_salt=..., plan="free",
                      config_vars=("NOTES_URL",)))

It asks as the platform does, and where a provider answers 202 it is the platform the provider then
calls back. It removes what it makes.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ACCEPT = "application/vnd.heroku-addons+json; version=3"
ANSWER_SECONDS = 25.0
SSO_SECONDS = 5 * 60
NEVER_MADE = "00000000-0000-4000-8000-000000000000"
MADE = frozenset({200, 201, 202})
REMOVED = frozenset({200, 202, 204})
GONE = frozenset({404, 410})
REFUSED = frozenset({400, 404, 409, 410, 422})
FORBIDDEN = frozenset({400, 401, 403})


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The provider under test.

    Args:
        base_url: `api.production.base_url` of its manifest.
        service: `id` of its manifest.
        password: `api.password` of its manifest.
        sso_salt: `api.sso_salt` of its manifest.
        plan: the short name of a plan it has.
        config_vars: `api.config_vars` of its manifest.
        sso_url: where a person's browser is sent; None when it has no page.
        other_plan: another plan an empty resource can be moved to, if there is one.
        options: what a provision request of this service needs beside that.
        transport: how it is reached, when not by TCP.
        pending_seconds: how long it may take after it answered 202.
    """

    base_url: str
    service: str
    password: str
    sso_salt: str
    plan: str
    config_vars: tuple[str, ...]
    sso_url: str | None = None
    other_plan: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    transport: httpx.BaseTransport | None = None
    pending_seconds: float = 60.0

    def ask(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        """One request as the platform makes it."""
        auth = more.pop("auth", (self.service, self.password))
        client = httpx.Client(
            transport=_Shared(self.transport) if self.transport else None,
            auth=auth, timeout=ANSWER_SECONDS, headers={"Accept": ACCEPT}, trust_env=False,
        )  # fmt: skip
        with client:
            return client.request(method, self.base_url + path, **more)

    def browser(self, fields: dict[str, str]) -> httpx.Response:
        """A person's browser posting the form that signs them in."""
        client = httpx.Client(
            transport=_Shared(self.transport) if self.transport else None,
            timeout=ANSWER_SECONDS, follow_redirects=False, trust_env=False,
        )  # fmt: skip
        with client:
            return client.post(str(self.sso_url), data=fields)


class _Shared(httpx.BaseTransport):
    """A transport that outlives the clients that use it."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.handle_request = transport.handle_request  # type: ignore[method-assign]


class Platform:
    """The platform's side, as far as a provider calls it: token exchange, config, provision."""

    def __init__(self) -> None:
        self.config: dict[str, dict[str, str]] = {}
        self.provisioned: set[str] = set()
        self.codes: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._refreshing: dict[str, str] = {}
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _side_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, resource_uuid: str, seconds: float) -> bool:
        """Whether the provider said in time that a resource is there."""
        with self._changed:
            return self._changed.wait_for(lambda: resource_uuid in self.provisioned, seconds)

    def forget_tokens(self) -> None:
        """Have all access tokens be over; what they are refreshed with is good still."""
        self._tokens.clear()

    def answer(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any]:
        """What the platform answers."""
        if (method, path) == ("POST", "/oauth/token"):
            return self._exchange(body)
        parts = path.strip("/").split("/")
        if parts[0] != "addons" or len(parts) < 2 or self._tokens.get(token) != parts[1]:
            return 401, {"id": "unauthorized", "message": "Invalid credentials provided."}
        with self._changed:
            config = self.config.setdefault(parts[1], {})
            if method == "PATCH" and parts[2:] == ["config"]:
                config.update({each["name"]: each["value"] for each in body["config"]})
            elif method == "POST" and parts[2:] == ["actions", "provision"]:
                self.provisioned.add(parts[1])
            self._changed.notify_all()
        listed = [{"name": name, "value": value} for name, value in config.items()]
        return 200, listed if parts[2:] == ["config"] else {"id": parts[1]}

    def _exchange(self, body: Any) -> tuple[int, Any]:
        refresh = str(body.get("refresh_token"))
        resource_uuid = self.codes.pop(str(body.get("code")), self._refreshing.get(refresh))
        if resource_uuid is None or not body.get("client_secret"):
            return 401, {"id": "unauthorized", "message": "This grant is unknown or spent."}
        token, refresh = uuid.uuid4().hex, uuid.uuid4().hex
        self._tokens[token] = self._refreshing[refresh] = resource_uuid
        return 200, {"access_token": token, "refresh_token": refresh,
                     "expires_in": 28799, "token_type": "Bearer"}  # fmt: skip


def _side_of(platform: Platform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            payload = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, answer = platform.answer(self.command, self.path, _read(payload), token)
            written = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_POST = do_PATCH = do  # noqa: N815 - the server's names

        def log_message(self, *_: Any) -> None:
            """Nothing is written to the tests' output."""

    return Handler


def _read(payload: bytes) -> Any:
    """JSON, or a form as OAuth clients send it."""
    try:
        return json.loads(payload) if payload else {}
    except ValueError:
        return dict(httpx.QueryParams(payload.decode()))


@dataclass(frozen=True)
class Resource:
    """A resource the contract had made."""

    uuid: str
    id: str
    request: dict[str, Any]
    answer: dict[str, Any]
    config: dict[str, str]


def request_of(subject: Subject, platform: Platform, resource_uuid: str) -> dict[str, Any]:
    """The body of a provision request, all that the platform sends."""
    code = uuid.uuid4().hex
    platform.codes[code] = resource_uuid
    return {
        "callback_url": f"{platform.url}/addons/{resource_uuid}",
        "name": f"contract-clear-{uuid.uuid4().int % 90_000 + 10_000}",
        "oauth_grant": {"code": code, "type": "authorization_code",
                        "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                    time.gmtime(time.time() + 300))},
        "options": subject.options,
        "plan": subject.plan,
        "region": "amazon-web-services::us-east-1",
        "uuid": resource_uuid,
        "log_input_url": None,
        "log_drain_token": f"d.{resource_uuid}",
        "something_new": {"that": "a later version of the platform may send"},
    }  # fmt: skip


@contextmanager
def made(subject: Subject) -> Iterator[Resource]:
    """A resource that is there, and is removed at the end."""
    platform, resource_uuid = Platform(), str(uuid.uuid4())
    request = request_of(subject, platform, resource_uuid)
    try:
        response = subject.ask("POST", json=request)
        assert response.status_code in MADE, f"{response.status_code}: {response.text[:500]}"
        answer = response.json()
        config = dict(answer.get("config") or {})
        if response.status_code == 202:
            done = platform.wait_for(resource_uuid, subject.pending_seconds)
            assert done, "after 202 the provider must call actions/provision"
            config |= platform.config.get(resource_uuid, {})
        yield Resource(resource_uuid, str(answer["id"]), request, answer, config)
        subject.ask("DELETE", f"/{answer['id']}")
    finally:
        platform.close()


# --- the checks ---------------------------------------------------------------------------------


def check_credentials(subject: Subject) -> None:
    """Whoever does not show the manifest's id and password is refused, and nothing is made."""
    for auth in ((subject.service, "wrong"), ("wrong", subject.password), ("", "")):
        for method, path in (("POST", ""), ("PUT", f"/{NEVER_MADE}"), ("DELETE", f"/{NEVER_MADE}")):
            answer = subject.ask(method, path, json={"uuid": NEVER_MADE}, auth=auth)
            assert answer.status_code in {401, 403}, f"{method} {path}: {answer.status_code}"


def check_provision(subject: Subject) -> None:
    """A resource comes with an id, and with config vars the manifest declares, all of them text."""
    with made(subject) as resource:
        assert resource.id
        assert set(resource.config) <= set(subject.config_vars)
        assert all(isinstance(value, str) and value for value in resource.config.values())
        assert isinstance(resource.answer.get("message", ""), str)


def check_provision_again(subject: Subject) -> None:
    """The same uuid again, as after an answer that was lost, is the same resource."""
    with made(subject) as resource:
        again = subject.ask("POST", json=resource.request)
        assert again.status_code in MADE, f"{again.status_code}: {again.text[:500]}"
        assert str(again.json()["id"]) == resource.id
        told = again.json().get("config")
        assert told is None or told == resource.config


def check_two_resources(subject: Subject) -> None:
    """Two uuids are two resources, with credentials of their own."""
    with made(subject) as one, made(subject) as other:
        assert one.id != other.id
        assert not one.config or one.config != other.config


def check_unknown_plan(subject: Subject) -> None:
    """A plan it does not have is refused with a message for whoever asked."""
    platform, resource_uuid = Platform(), str(uuid.uuid4())
    try:
        request = request_of(subject, platform, resource_uuid) | {"plan": "no-such-plan"}
        answer = subject.ask("POST", json=request)
    finally:
        platform.close()
    assert answer.status_code in REFUSED, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.json()["message"].strip()


def check_broken_request(subject: Subject) -> None:
    """What is not JSON at all is refused, and breaks nothing."""
    for content in (b"{", b"words", b"\xff\xfe"):
        answer = subject.ask("POST", content=content, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, f"{content!r}: {answer.status_code}"


def check_plan_change(subject: Subject) -> None:
    """A resource can be moved to another plan; its config, when told, is what is declared."""
    with made(subject) as resource:
        plan = subject.other_plan or subject.plan
        answer = subject.ask("PUT", f"/{resource.id}", json={"plan": plan})
        assert answer.status_code in {200, 202}, f"{answer.status_code}: {answer.text[:500]}"
        assert set(answer.json().get("config") or {}) <= set(subject.config_vars)


def check_refused_plan_change(subject: Subject) -> None:
    """A plan change that cannot be is refused with a message, and changes nothing."""
    with made(subject) as resource:
        answer = subject.ask("PUT", f"/{resource.id}", json={"plan": "no-such-plan"})
        assert answer.status_code in REFUSED, f"{answer.status_code}: {answer.text[:500]}"
        assert answer.json()["message"].strip()


def check_deprovision(subject: Subject) -> None:
    """A resource that was removed is gone: removing it again says so, and does no harm."""
    with made(subject) as resource:
        first = subject.ask("DELETE", f"/{resource.id}")
        assert first.status_code in REMOVED, f"{first.status_code}: {first.text[:500]}"
        again = subject.ask("DELETE", f"/{resource.id}")
        assert again.status_code in REMOVED | GONE, f"{again.status_code}: {again.text[:500]}"


def check_unknown_resource(subject: Subject) -> None:
    """A resource that never was: 404 or 410, for a plan change as for a removal."""
    changed = subject.ask("PUT", f"/{NEVER_MADE}", json={"plan": subject.plan})
    assert changed.status_code in REFUSED, f"{changed.status_code}: {changed.text[:500]}"
    assert subject.ask("DELETE", f"/{NEVER_MADE}").status_code in GONE


def check_sign_in(subject: Subject) -> None:
    """The form of the platform signs a person in at the page of the resource."""
    if subject.sso_url is None:
        return
    with made(subject) as resource:
        answer = subject.browser(sso_fields(subject, resource.id))
        assert answer.status_code in {200, 302, 303}, f"{answer.status_code}: {answer.text[:500]}"


def check_forged_sign_in(subject: Subject) -> None:
    """A token of another resource, of a wrong salt or of long ago signs nobody in."""
    if subject.sso_url is None:
        return
    with made(subject) as resource:
        right = sso_fields(subject, resource.id)
        old = sso_fields(subject, resource.id, at=time.time() - SSO_SECONDS - 60)
        other = sso_fields(subject, str(uuid.uuid4()))["resource_token"]
        forged = [right | {"resource_token": other, "token": other}, old,
                  right | {"timestamp": str(int(right["timestamp"]) + 1)},
                  right | {"resource_token": "", "token": ""}]  # fmt: skip
        for fields in forged:
            answer = subject.browser(fields)
            assert answer.status_code in FORBIDDEN, f"{fields}: {answer.status_code}"


def sso_fields(subject: Subject, resource_id: str, at: float | None = None) -> dict[str, str]:
    """The fields of the form that signs a person in."""
    timestamp = str(int(at if at is not None else time.time()))
    salted = f"{resource_id}:{subject.sso_salt}:{timestamp}"
    token = hashlib.sha1(salted.encode(), usedforsecurity=False).hexdigest()
    return {
        "id": resource_id, "resource_id": resource_id, "token": token, "resource_token": token,
        "timestamp": timestamp, "nav-data": "", "email": "person@example.com",
        "user_id": str(uuid.uuid4()), "app": "shop", "context_app": "shop",
    }  # fmt: skip


Check = Callable[[Subject], None]
CHECKS: tuple[Check, ...] = (
    check_credentials, check_provision, check_provision_again, check_two_resources,
    check_unknown_plan, check_broken_request, check_plan_change, check_refused_plan_change,
    check_deprovision, check_unknown_resource, check_sign_in, check_forged_sign_in,
)  # fmt: skip


def name_of(check: Check) -> str:
    """A check's name in a test report."""
    return check.__name__.removeprefix("check_")


def subject_of(manifest: dict[str, Any]) -> Subject:
    """The provider a manifest names, asked for its default plan and its last one."""
    api = manifest["api"]
    plans = manifest.get("plans") or [{"name": "test"}]
    chosen = next((each for each in plans if each.get("default")), plans[0])
    return Subject(
        base_url=api["production"]["base_url"].rstrip("/"),
        sso_url=api["production"].get("sso_url"),
        service=manifest["id"], password=api["password"], sso_salt=api["sso_salt"],
        plan=chosen["name"], other_plan=plans[-1]["name"], config_vars=tuple(api["config_vars"]),
    )  # fmt: skip


def main(manifest: str) -> int:
    """Check the provider of a manifest's file, line by line; 1 when it fails anywhere."""
    subject = subject_of(json.loads(Path(manifest).read_text("utf-8")))
    failed = 0
    for check in CHECKS:
        try:
            check(subject)
        except (AssertionError, httpx.HTTPError, ValueError, KeyError) as error:
            failed += 1
            reason = str(error).partition("\n")[0] or type(error).__name__
            told = f"no   {check.__doc__}\n     -> {reason}\n"
        else:
            told = f"yes  {check.__doc__}\n"
        sys.stdout.write(told)
    sys.stdout.write(f"{len(CHECKS) - failed} of {len(CHECKS)} hold for {subject.service}.\n")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python partner_contract.py MANIFEST")
    raise SystemExit(main(sys.argv[1]))
