"""The metrics page, with counted requests and sampled dynos."""

from __future__ import annotations

import re
import uuid

import pytest

from browser import world
from browser.pictures import take
from browser.shop import Shop


@pytest.fixture(scope="module")
def measured(platform, people):
    """An app with two hours of requests, two dynos and a release among them."""
    name = f"harbour-{uuid.uuid4().hex[:4]}"
    shop = Shop(platform.services, people.make(), name).deployed()
    shop.config(GREETING="</script><b>hello")
    return world.measured(shop)


def test_it_draws_what_was_counted(visitor, people, measured):
    """Every plot is there with its figures; words in tooltips are text, whatever they hold."""
    page = visitor(people.cookie(measured.owner))
    page.goto(measured.path("metrics"))
    titles = page.locator("section.plot h2").all_inner_texts()

    assert [title.split()[0] for title in titles] == [
        "Requests", "Response", "Memory", "Processors", "Errors",
    ]  # fmt: skip
    assert page.locator(".plot-wide svg").count() == 5
    assert "H12" in page.inner_text("main")
    assert page.locator(".plot-mark.is-release").count() > 0
    take(page, "metrics")


def test_spans_are_chosen(people, measured):
    """From two hours to seven days; the one that is shown is marked, and there are no others."""
    with people.client(measured.owner) as client:
        for span in ("2h", "12h", "24h", "3d", "7d"):
            html = client.get(measured.path("metrics"), params={"span": span}).text
            assert re.findall(r'href="[^"]*span=(\w+)" aria-current', html) == [span]
        answer = client.get(measured.path("metrics"), params={"span": "9y"})
    assert answer.status_code == 422
    assert "There are plots of" in answer.text
