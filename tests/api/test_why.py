"""`kedge why` over HTTP: what is gathered about an app that does not answer."""

from __future__ import annotations

import uuid

from kedge.engine.protocols import LogLine
from kedge.errors import BuildFailed

WHY = "/kedge/apps/hello/why"
HOUR_NS = 3600 * 10**9


def titles(api):
    return [each["title"] for each in api.get(WHY)["findings"]]


def test_an_app_without_code_is_told_so(api, hello):
    """Nothing is deployed yet: that is why it does not answer."""
    assert titles(api) == ["hello has no code yet (H81)."]


def test_what_is_scaled_away_or_undeclared_is_told(api, deployer, hello):
    """No web process in the Procfile, or none of them running."""
    deployer.deploy(Procfile="worker: work\n")
    assert titles(api) == ["The Procfile declares no web process, so requests get H14."]
    deployer.deploy(Procfile="web: serve\n")
    api.patch("/apps/hello/formation/web", {"quantity": 0})
    assert titles(api) == ["The web process is scaled to 0, so requests get H14."]


def test_errors_of_the_router_are_those_of_the_last_hour(api, services, deployer, hello):
    """Counted by code; older ones, those of other lines and a visitor's own words do not count."""
    deployer.deploy(Procfile="web: serve\n")
    now_ns = int(services.now().timestamp() * 10**9)

    def router(text, ago_ns=0):
        services.logs.append(
            uuid.UUID(hello.id), [LogLine(now_ns - ago_ns, "heroku", "router", text)]
        )

    router('at=error code=H10 desc="App crashed" method=GET', HOUR_NS + 1)
    router('at=info method=GET path="/? at=error code=H13 " status=200')
    router('at=info code=H80 desc="Maintenance mode" method=GET')
    assert titles(api) == []
    for _ in range(2):
        router('at=error code=H12 desc="Request timeout" method=GET')
    router("sock=backend at=error code=H18 desc=…")
    (finding,) = api.get(WHY)["findings"]
    assert "could not answer some requests in the last hour" in finding["title"]
    assert finding["evidence"] == ["H12: 2 requests", "H18: 1 request"]


def test_a_failed_build_is_told_until_the_next(api, deployer, hello):
    """The newest build's reason, with where to read on."""
    deployer.deploy(Procfile="web: serve\n")
    deployer.builder.fail_with = BuildFailed("no such package: flsk")
    deployer.build()
    (finding,) = api.get(WHY)["findings"]
    assert (finding["title"], finding["evidence"]) == (
        "The newest build failed.", ["no such package: flsk"],
    )  # fmt: skip
    deployer.builder.fail_with = None
    deployer.deploy(Procfile="web: serve\n")
    assert titles(api) == []
