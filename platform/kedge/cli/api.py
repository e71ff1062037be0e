"""The platform's API as the commands speak it: Heroku's version 3, JSON, over HTTP."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

# httpx offers a command line of its own, and loads Click, Rich and Pygments for it when they are
# there: a tenth of a second at each start. It does without when its module cannot be imported.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402 - see above

from kedge import __version__  # noqa: E402
from kedge.cli.failure import ApiRefused, CommandFailed, PlatformUnreachable  # noqa: E402
from kedge.cli.target import LOOPBACK, Target, normal  # noqa: E402

ACCEPT = "application/vnd.heroku+json; version=3"
ANSWER_SECONDS = 60.0


class Api:
    """Calls of one platform's API."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def get(self, path: str, **query: Any) -> Any:
        """GET; out: the JSON answer."""
        return self.request("GET", path, params=query or None)

    def all(self, path: str) -> list[Any]:
        """GET a whole list."""
        return list(self.each(path))

    def each(self, path: str, span: str = "") -> Iterator[Any]:
        """GET a list part by part, following `Next-Range`; `span` is the first Range header."""
        while True:
            answer = self.answer("GET", path, headers={"Range": span} if span else {})
            yield from self._read(answer)
            span = answer.headers.get("Next-Range", "")
            if answer.status_code != 206 or not span:
                return

    def newest(self, path: str, most: int) -> list[Any]:
        """The newest rows of a list, the newest first, at most that many."""
        key = "version" if path.endswith("/releases") else "created_at"
        rows = self.request("GET", path, headers={"Range": f"{key} ..; order=desc,max={most}"})
        return list(rows[:most])

    def post(self, path: str, body: Any = None) -> Any:
        """POST JSON; out: the JSON answer."""
        return self.request("POST", path, json={} if body is None else body)

    def patch(self, path: str, body: Any) -> Any:
        """PATCH JSON; out: the JSON answer."""
        return self.request("PATCH", path, json=body)

    def put(self, path: str, body: Any) -> Any:
        """PUT JSON; out: the JSON answer."""
        return self.request("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        """DELETE; out: the JSON answer."""
        return self.request("DELETE", path)

    def request(self, method: str, path: str, **more: Any) -> Any:
        """One call; out: the JSON answer, None for an empty one."""
        answer = self.answer(method, path, **more)
        return self._read(answer) if answer.content else None

    def _read(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise PlatformUnreachable(
                f"What answers at {self.target.url} is no Kedge platform.",
                "Check --url, KEDGE_URL or the URL of `kedge login`.",
            ) from None

    def answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One call; out: the whole answer.

        Raises:
            PlatformUnreachable: nobody answers, or its certificate is not trusted.
            ApiRefused: the answer is an error.
        """
        with self._transport_in_words():
            answer = self._http.request(method, path, **more)
        warning = answer.headers.get("X-Heroku-Warning") or answer.headers.get("Warning-Message")
        if warning:
            from kedge.cli.screen import paint, say  # rare

            say(f"{paint('Warning:', 'yellow')} {warning}")
        if answer.status_code >= 300:
            raise self._refused(answer)
        return answer

    @contextmanager
    def open(self, method: str, url: str, **more: Any) -> Iterator[httpx.Response]:
        """An answer that is read as it comes, from a URL that is itself the permission.

        The token is not sent: the URL may lie on another host.
        """
        limits = httpx.Timeout(ANSWER_SECONDS, read=more.pop("read_seconds", None))
        with (
            self._transport_in_words(),
            self._client() as client,
            client.stream(method, _reachable(url, self.target.url), timeout=limits, **more) as it,
        ):
            yield it

    @cached_property
    def _http(self) -> httpx.Client:
        client = self._client(base_url=self.target.url)
        client.headers["Accept"] = ACCEPT
        if self.target.token:
            client.headers["Authorization"] = f"Bearer {self.target.token}"
        return client

    def _client(self, **more: Any) -> httpx.Client:
        return httpx.Client(
            verify=self.trust if self.target.is_secure else False,
            timeout=ANSWER_SECONDS,
            trust_env=self.target.host not in LOOPBACK,  # a proxy does not lead to this machine
            headers={"User-Agent": f"kedge/{__version__}"},
            **more,
        )

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """Whom to believe: the platform's own CA where one is known, else the system's list."""
        known = self.target.ca_file
        return ssl.create_default_context(cafile=str(known) if known else None)

    @contextmanager
    def _transport_in_words(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as failed:
            raise self._unreachable(failed) from None
        except httpx.TimeoutException:
            raise PlatformUnreachable(
                f"{self.target.url} did not answer in time.", "`kedge status` shows what is down."
            ) from None
        except httpx.TransportError as failed:
            raise PlatformUnreachable(
                f"The connection to {self.target.url} broke: {failed or type(failed).__name__}.",
                "Try again; `kedge status` on the server shows what is down.",
            ) from None

    def _unreachable(self, failed: httpx.ConnectError) -> CommandFailed:
        if "CERTIFICATE_VERIFY_FAILED" in str(failed):
            return PlatformUnreachable(
                f"The certificate of {self.target.url} is not trusted here.",
                "Copy ca.pem from the platform's home (by scp, say), then "
                f"`kedge login {self.target.url} --ca ca.pem`.",
            )
        if self.target.home is not None or self.target.host in LOOPBACK:
            return PlatformUnreachable(
                f"Kedge is not up: nothing answers at {self.target.url}.",
                "Start it with `kedge up`; `kedge status` shows each part.",
            )
        return PlatformUnreachable(
            f"Nothing answers at {self.target.url}: {failed}.",
            "Is the URL right, and is Kedge up there (`kedge status` on the server)?",
        )

    def _refused(self, answer: httpx.Response) -> ApiRefused:
        try:
            body = answer.json()
            message, error_id = str(body["message"]), str(body.get("id", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            message = f"{self.target.url} answered {answer.status_code} {answer.reason_phrase}."
            error_id = ""
        step = _next_step(answer.status_code, body if error_id else {}, self.target)
        return ApiRefused(answer.status_code, error_id, message, step)


class AppApi:
    """The API of one app: paths begin below `/apps/NAME`."""

    def __init__(self, api: Api, name: str) -> None:
        self.api = api
        self.name = name

    def path(self, *parts: object) -> str:
        """A path below the app's, each part escaped."""
        return "/".join([f"/apps/{segment(self.name)}", *(segment(part) for part in parts)])

    def own_path(self, *parts: object) -> str:
        """A path of Kedge's own extensions about this app."""
        return "/kedge" + self.path(*parts)


def segment(part: object) -> str:
    """One part of a path, escaped."""
    return quote(str(part), safe="")


def _reachable(url: str, platform: str) -> str:
    """A URL the platform gave; `*.localhost` is reached as localhost (see `target.normal`)."""
    parts = urlsplit(url)
    if not parts.netloc:
        return platform + url
    if (parts.hostname or "").endswith(".localhost"):
        return normal(url) + url.split(parts.netloc, 1)[1]
    return url


def _next_step(status: int, body: dict[str, Any], target: Target) -> str:
    """What to type after this answer; "" where the message says it all."""
    if status == 401:
        if target.token is None:
            return f"Sign in: `kedge login {target.url}`."
        return "Check KEDGE_API_KEY, or sign in again: `kedge login`."
    if status == 404 and body.get("resource") == "app":
        return "`kedge apps` lists your apps; `-a NAME` chooses one."
    if status == 429:
        return "Wait a minute, then try again."
    return ""
