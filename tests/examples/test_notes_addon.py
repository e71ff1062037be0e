"""The example provider is called as the platform calls one."""

import hashlib
import importlib.util
import json
import time
import uuid
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "notes-addon"
MANIFEST = json.loads((EXAMPLE / "manifest.json").read_text())


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client of the example, on a database of its own."""
    monkeypatch.setenv("MANIFEST", str(EXAMPLE / "manifest.json"))
    monkeypatch.setenv("NOTES_DATABASE", str(tmp_path / "notes.sqlite"))
    spec = importlib.util.spec_from_file_location("notes_provider", EXAMPLE / "provider.py")
    provider = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(provider)
    return provider.app.test_client()


@pytest.fixture
def partner(client):
    """Calls of the partner API with the manifest's id and password."""

    def call(method, path="", body=None, password=MANIFEST["api"]["password"]):
        credentials = (MANIFEST["id"], password)
        return client.open(f"/heroku/resources{path}", method=method, json=body, auth=credentials)

    return call


def made(partner):
    """A fresh resource: its id and its NOTES_URL without the host."""
    resource_id = str(uuid.uuid4())
    answer = partner("POST", body={"uuid": resource_id, "plan": "free"})
    assert answer.status_code == 201
    url = answer.json["config"]["NOTES_URL"]
    return resource_id, url.removeprefix("https://notes.example.com")


def signed(resource_id, *, salt=MANIFEST["api"]["sso_salt"], ago=0):
    """The form a browser posts to sign in."""
    timestamp = str(int(time.time()) - ago)
    token = hashlib.sha1(f"{resource_id}:{salt}:{timestamp}".encode()).hexdigest()
    return {"resource_id": resource_id, "timestamp": timestamp, "resource_token": token}


def test_a_retry_gets_the_same_resource(partner):
    """Provisioning is idempotent by uuid."""
    body = {"uuid": str(uuid.uuid4()), "plan": "free"}

    assert partner("POST", body=body).json == partner("POST", body=body).json


def test_config_is_what_the_manifest_names(partner):
    """A provider answers exactly the config vars it declared."""
    answer = partner("POST", body={"uuid": str(uuid.uuid4()), "plan": "team"})

    assert list(answer.json["config"]) == MANIFEST["api"]["config_vars"]


def test_without_the_password(partner):
    """Only the platform may call it."""
    assert partner("POST", body={}, password="guess").status_code == 401


def test_an_app_uses_it(client, partner):
    """What is posted to NOTES_URL is there to be read, up to what the plan holds."""
    _, url = made(partner)
    answers = [client.post(url, data=f"note {n}") for n in range(11)]

    assert [each.status_code for each in answers] == [200] * 10 + [422]
    assert client.get(url).json[0] == "note 0"


def test_a_plan_that_does_not_fit(client, partner):
    """A downgrade is refused in words when what is there does not fit."""
    resource_id, url = made(partner)
    partner("PUT", f"/{resource_id}", {"plan": "team"})
    for n in range(11):
        client.post(url, data=f"note {n}")
    answer = partner("PUT", f"/{resource_id}", {"plan": "free"})

    assert answer.status_code == 422
    assert "there are 11" in answer.json["message"]


def test_a_removed_one_is_gone(client, partner):
    """Deprovisioning takes the notes; asked again the answer is 410."""
    resource_id, url = made(partner)

    assert partner("DELETE", f"/{resource_id}").status_code == 204
    assert partner("DELETE", f"/{resource_id}").status_code == 410
    assert client.get(url).status_code == 404


def test_signing_in(client, partner):
    """A person sent by the platform sees the notes; words in them are text, not markup."""
    resource_id, url = made(partner)
    client.post(url, data="<script>alert(1)</script>")
    client.post("/sso/login", data=signed(resource_id) | {"app": "shop"})

    page = client.get("/").get_data(as_text=True)
    assert "Notes of shop" in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("wrong", [{"salt": "guess"}, {"ago": 600}])
def test_signing_in_with_another_token(client, partner, wrong):
    """A token made without the salt, or one of ten minutes ago, opens nothing."""
    resource_id, _ = made(partner)

    assert client.post("/sso/login", data=signed(resource_id, **wrong)).status_code == 403
