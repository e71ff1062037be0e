"""An app's state in one word."""

from __future__ import annotations

import pytest

from kedge.plan.glance import Look, standing

UP = {("web", "up"): 2}


@pytest.mark.parametrize(
    ("word", "look"),
    [
        ("empty", Look(has_code=False)),
        ("building", Look(has_code=False, is_building=True)),
        ("asleep", Look(has_code=True, quantities={"web": 0, "worker": 0})),
        ("starting", Look(has_code=True, quantities={"web": 1}, dynos={("web", "starting"): 1})),
        ("answering", Look(has_code=True, quantities={"web": 2}, dynos=UP)),
        ("starting", Look(has_code=True, quantities={"web": 1}, dynos={("worker", "up"): 1})),
        ("running", Look(has_code=True, quantities={"worker": 1}, dynos={("worker", "up"): 1})),
        ("crashed", Look(has_code=True, quantities={"web": 3}, dynos=UP | {("web", "crashed"): 1})),
        ("deploying", Look(has_code=True, is_releasing=True, dynos={("web", "crashed"): 1})),
        ("building", Look(has_code=True, is_building=True, quantities={"web": 2}, dynos=UP)),
        ("maintenance", Look(has_code=True, is_in_maintenance=True, dynos=UP)),
        ("crashed", Look(has_code=True, is_in_maintenance=True, dynos={("web", "crashed"): 1})),
        ("deleting", Look(has_code=True, is_being_deleted=True, is_releasing=True)),
    ],
)
def test_the_word_says_what_matters_most(word: str, look: Look):
    """What is under way stands before what is wrong, and what is wrong before what is well."""
    assert standing(look) == word
