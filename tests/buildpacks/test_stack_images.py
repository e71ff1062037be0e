"""The stack's images in a real engine."""

import os
import uuid

import pytest

from buildpacks.builder import ADDONS_IMAGE, BUILD_IMAGE, RUN_IMAGE, docker
from kedge.errors import RuntimeDown
from kedge.stack import build_images
from kedge.stack.failure import StackRefused

pytestmark = pytest.mark.docker


def test_images_of_the_same_recipe_are_not_made_again(stack):
    """A second call finds the images by their recipe's digest and makes nothing."""
    lines = []
    again = build_images(
        emit=lines.append,
        run_tag=RUN_IMAGE,
        build_tag=BUILD_IMAGE,
        addons_tag=ADDONS_IMAGE,
        docker_host=None,
    )
    assert (again.run_id, again.build_id, again.made) == (stack.run_id, stack.build_id, False)
    assert lines == ["The stack images are there already."]


def inside(image, script):
    return docker("run", "--rm", "--user", "1000", image, "bash", "-c", script).stdout.split()


def test_run_and_build_image_agree(stack):
    """Both have the same user and Python; a build's names for the slug hold in a dyno."""
    facts = "id -un; id -u; python3 -V; locale -a | grep -c en_US"
    assert inside(RUN_IMAGE, facts) == inside(BUILD_IMAGE, facts)
    assert inside(RUN_IMAGE, facts)[:2] == ["dyno", "1000"]
    assert inside(RUN_IMAGE, "readlink /build/work/app; pwd") == ["/app", "/app"]
    assert inside(BUILD_IMAGE, "readlink /app; stat -c %u /build") == ["build/work/app", "1000"]


def test_images_remember_nothing_of_where_they_were_made(stack):
    """Their package sources are the public ones; no proxy or option of the host stays."""
    shown = inside(RUN_IMAGE, "cat /etc/apt/sources.list; ls /etc/apt/apt.conf.d")
    assert "http://deb.debian.org/debian" in shown
    assert "90kedge" in shown
    assert "98kedge-host" not in shown


def test_a_failed_making_leaves_no_image(tmp_path, monkeypatch):
    """When mmdebstrap breaks off, its words become the error and no tag is set."""
    fake = tmp_path / "mmdebstrap"
    fake.write_text(
        "#!/bin/sh\nhead -c 10240 /dev/zero\necho 'E: No space left on device' >&2\nexit 25\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    tag = f"kedge-test/stack:{uuid.uuid4().hex[:8]}"
    with pytest.raises(StackRefused, match="disk is full"):
        build_images(
            emit=lambda _: None,
            run_tag=tag,
            build_tag=f"{tag}-b",
            addons_tag=f"{tag}-a",
            docker_host=None,
        )
    assert docker("image", "inspect", tag).returncode != 0


def test_an_engine_that_is_away_is_said():
    """Without an engine the error says to start it or to name it."""
    with pytest.raises(RuntimeDown, match="DOCKER_HOST"):
        build_images(
            emit=lambda _: None,
            run_tag="a:b",
            build_tag="c:d",
            addons_tag="e:f",
            docker_host="tcp://127.0.0.1:1",
        )
