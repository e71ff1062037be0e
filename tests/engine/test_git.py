"""Bare repositories of apps."""

import os
import uuid

from kedge.engine.git import STALE_PUSH_SECONDS, Repositories


def test_what_a_killed_push_left_goes_with_a_later_one(tmp_path):
    """Objects of a push that never ended are dropped after a day; those of one that runs stay."""
    repositories = Repositories(tmp_path, 10)
    app_id = uuid.uuid4()
    objects = repositories.ensure(app_id) / "objects"
    left, running = objects / "tmp_objdir-incoming-a", objects / "tmp_objdir-incoming-b"
    for folder in (left, running):
        (folder / "pack").mkdir(parents=True)
    os.utime(left, (0, left.stat().st_mtime - STALE_PUSH_SECONDS - 1))
    repositories.ensure(app_id)
    assert not left.exists()
    assert running.exists()
