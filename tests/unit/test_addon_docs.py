"""The documents of the built-in add-ons against what is offered."""

from pathlib import Path

import pytest

from kedge_addons.mail.offer import OFFER as MAIL
from kedge_addons.objectstore.offer import OFFER as OBJECTSTORE
from kedge_addons.scheduler.offer import OFFER as SCHEDULER

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("offer", [MAIL, OBJECTSTORE, SCHEDULER], ids=lambda offer: offer.name)
def test_plans_and_config_vars_are_as_documented(offer):
    """A service's document has a row for each plan with its numbers, and names its config vars."""
    text = (DOCS / f"addons-{offer.name}.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    shown = {row.split("`")[1]: row.replace(",", "") for row in rows}
    for plan in offer.plans:
        assert plan.name in shown
        for name in ("jobs", "history", "messages", "message_mb", "connections"):
            if name in plan.limits:
                assert str(plan.limits[name]) in shown[plan.name]
    assert [name for name in offer.config_vars if f"`{name}`" not in text] == []
