"""The metrics page, with counted requests and sampled dynos."""

from __future__ import annotations

import math
import uuid
from datetime import timedelta

import pytest

from kedge.ops import apps, config_vars, metrics
from kedge.plan.metrics import Requests, Samples, minute_of


@pytest.fixture
def measured(platform, owner):
    """An app with two hours of requests, two dynos and a release among them."""
    services = platform.services
    app = apps.create(services, owner, f"shop-{uuid.uuid4().hex[:8]}")
    config_vars.update(services, owner, app.name, {"GREETING": "</script><b>hello"})
    now = minute_of(services.now())
    requests, samples = {}, {}
    for ago in range(110):
        minute = now - timedelta(minutes=ago)
        counted = Requests()
        for n in range(int(40 + 30 * math.sin(ago / 9))):
            status, code = (503, "H12") if ago in range(30, 36) and n % 4 == 0 else (200, None)
            counted.add(status, code, int(20 + n % 17 + (300 if n % 25 == 0 else 0)), 900)
        requests[app.id, minute] = counted
        for dyno in ("web.1", "web.2"):
            used = Samples("Standard-1X")
            used.add(180 + ago % 20 + (40 if dyno == "web.2" else 0), 0.2 + 0.1 * math.sin(ago / 5))
            samples[app.id, minute, dyno] = used
    metrics.add(services, requests, samples)
    return app


def test_it_draws_what_was_counted(visitor, people, owner, measured):
    """Every plot is there with its figures; words in tooltips are text, whatever they hold."""
    page = visitor(people.cookie(owner))
    page.goto(f"/dashboard/apps/{measured.name}/metrics")
    titles = page.locator("section.plot h2").all_inner_texts()

    assert [title.split()[0] for title in titles] == [
        "Requests", "Response", "Memory", "Processors", "Errors",
    ]  # fmt: skip
    assert page.locator(".plot-wide svg").count() == 5
    assert "H12" in page.inner_text("main")
    assert page.locator(".plot-mark.is-release").count() > 0


@pytest.mark.parametrize("span", ["2h", "12h", "24h", "3d", "7d"])
def test_spans_are_chosen(visitor, people, owner, measured, span):
    """From two hours to seven days; the one that is shown is marked."""
    page = visitor(people.cookie(owner))
    page.goto(f"/dashboard/apps/{measured.name}/metrics?span={span}")

    assert page.locator(".spans [aria-current]").get_attribute("href").endswith(span)


def test_a_span_there_is_not(people, owner, measured):
    """Is refused in words."""
    with people.client(owner) as client:
        answer = client.get(f"/dashboard/apps/{measured.name}/metrics", params={"span": "9y"})

    assert answer.status_code == 422
    assert "There are plots of" in answer.text


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_it_looks_right(visitor, people, owner, measured, dark, phone):
    """No rule of accessibility is broken, nothing runs out of the screen."""
    from axe_playwright_python.sync_playwright import Axe

    page = visitor(people.cookie(owner), dark=dark, phone=phone)
    page.goto(f"/dashboard/apps/{measured.name}/metrics")
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
