"""The folder `platform/` must not hide the standard library's module of that name."""

from __future__ import annotations

import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_standard_library_s_platform_is_importable():
    """`import platform` gives the standard library's module, not a folder of ours."""
    assert platform.__file__.endswith("platform.py")
    assert platform.python_version()


def test_the_folder_is_no_package_and_holds_no_modules():
    """With an `__init__.py` or modules of its own it would hide the standard library's."""
    assert not list((ROOT / "platform").glob("*.py"))
