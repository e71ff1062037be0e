"""The contract of the partner API, on a provider that calls back and on one that need not."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from partner_contract import CHECKS, Subject, name_of
from providers.third_party import PASSWORD, SALT, ThirdParty

EXAMPLE = Path(__file__).parents[2] / "examples" / "notes-addon"


class Eager(ThirdParty):
    """Answers 202, then calls the platform back by the grant it was given."""

    def _provision(self, wanted):
        answer = super()._provision(wanted)
        if answer.status == 202:
            threading.Thread(target=self._call_back, args=(wanted,), daemon=True).start()
        return answer

    def _call_back(self, wanted):
        platform = wanted["callback_url"].partition("/addons/")[0]
        form = {"grant_type": "authorization_code", "code": wanted["oauth_grant"]["code"],
                "client_secret": PASSWORD}  # fmt: skip
        with (
            suppress(httpx.HTTPError),
            httpx.Client(base_url=platform, trust_env=False, verify=False) as client,
        ):
            tokens = client.post("/oauth/token", data=form)
            if tokens.status_code != 200:
                return  # asked a second time: the first grant was spent, and all is done
            client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"
            path = f"/addons/{wanted['uuid']}"
            config = self.config_of(wanted["uuid"]).items()
            listed = [{"name": name, "value": value} for name, value in config]
            client.patch(f"{path}/config", json={"config": listed})
            client.post(f"{path}/actions/provision")


@pytest.fixture(params=["at once", "calls back"])
def subject(request):
    """A provider that behaves."""
    with Eager(is_async=request.param == "calls back") as provider:
        yield Subject(
            base_url=provider.base_url, service=provider.service, password=PASSWORD, sso_salt=SALT,
            plan="free", other_plan="team", config_vars=("FAST_DB_URL", "FAST_DB_KEY"),
            pending_seconds=10.0,
        )  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_a_provider_that_behaves_keeps_the_contract(check, subject):
    """Answering at once and calling back later are both the partner API."""
    check(subject)


@pytest.mark.parametrize(
    ("check", "how"),
    [
        ("credentials", {"status": 200, "payload": {"id": "1"}}),
        ("provision", {"status": 201, "payload": {"id": "1", "config": {"OTHER_URL": "x"}}}),
        ("provision", {"status": 201, "payload": {"id": "1", "config": {"FAST_DB_URL": 7}}}),
        ("provision", {"status": 302, "headers": {"Location": "http://127.0.0.1/"}}),
        ("unknown_plan", {"status": 422, "payload": {"message": " "}}),
        ("broken_request", {"status": 500}),
        ("deprovision", {"status": 500}),
    ],
)
def test_a_provider_that_does_not_behave_is_found_out(check, how):
    """The contract refuses what the platform would refuse, and what would hurt whoever uses it."""
    found = next(each for each in CHECKS if name_of(each) == check)
    with ThirdParty() as provider:
        provider.then(**how)
        subject = Subject(
            base_url=provider.base_url, service=provider.service, password=PASSWORD, sso_salt=SALT,
            plan="free", config_vars=("FAST_DB_URL", "FAST_DB_KEY"),
        )  # fmt: skip
        with pytest.raises(AssertionError):
            found(subject)


@pytest.fixture
def example(tmp_path):
    """The example of docs/addons.md, run as its first lines say."""
    port = free_port()
    told = {"PORT": str(port), "NOTES_DATABASE": str(tmp_path / "notes.sqlite"),
            "MANIFEST": str(EXAMPLE / "manifest.json")}  # fmt: skip
    command = [sys.executable, str(EXAMPLE / "provider.py")]
    process = subprocess.Popen(
        command, env=os.environ | told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: answers(port))
        manifest = json.loads((EXAMPLE / "manifest.json").read_text())
        url = f"http://127.0.0.1:{port}"
        yield Subject(
            base_url=f"{url}/heroku/resources", sso_url=f"{url}/sso/login",
            service=manifest["id"], password=manifest["api"]["password"],
            sso_salt=manifest["api"]["sso_salt"], plan="free", other_plan="team",
            config_vars=tuple(manifest["api"]["config_vars"]),
        )  # fmt: skip
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_the_example_keeps_the_contract(check, example):
    """Who begins with the example begins with a provider that keeps the whole contract."""
    check(example)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait_until(is_so, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
