"""Paths the tests share."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILDPACKS = REPOSITORY / "buildpacks"
APPS = REPOSITORY / "tests" / "apps"
