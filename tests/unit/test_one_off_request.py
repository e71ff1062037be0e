"""What may be asked of a one-off dyno."""

from __future__ import annotations

import pytest

from kedge.errors import InvalidParams
from kedge.ops.dynos import OneOff, checked


def test_its_environment_is_as_bounded_as_config_vars():
    """More than 64 KB of variables are refused in words: a process takes them with config vars."""
    _, env = checked(OneOff(command="env", env={"A": "x" * 60_000, "N": 1, "GONE": None}))
    assert env == {"A": "x" * 60_000, "N": "1"}
    with pytest.raises(InvalidParams, match="64 KB"):
        checked(OneOff(command="env", env={f"K{n}": "x" * 10_000 for n in range(7)}))
