from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Kedge
from cli.fake_platform import NOW, USER, Answer, FakePlatform, rollout

BUILD = {
    "id": "eeeeeeee-0000-4000-8000-000000000001", "status": "succeeded", "user": USER,
    "created_at": NOW, "source_blob": {"version": "1a2b3c4d5e6f"}, "release": {"id": "8"},
}  # fmt: skip


@pytest.fixture
def building(platform: FakePlatform) -> FakePlatform:
    """A platform that takes sources and builds v8 of them."""
    build = BUILD | {"output_stream_url": f"{platform.url}/streams/b1"}
    platform.answers |= {
        ("POST", "/sources"): {
            "source_blob": {
                "put_url": f"{platform.url}/streams/put", "get_url": "http://x/get",
            },
        },
        ("PUT", "/streams/put"): {},
        ("POST", "/apps/shop/builds"): Answer(build | {"status": "pending"}, 201),
        ("GET", "/apps/shop/builds"): [build],
        ("GET", f"/apps/shop/builds/{BUILD['id']}"): build,
        ("DELETE", f"/apps/shop/builds/{BUILD['id']}"): build,
        ("GET", "/streams/b1"): Answer(pieces=[b"-----> Building\n", b"       Released v8\n"]),
        ("GET", "/kedge/apps/shop/rollout"): rollout(8),
    }  # fmt: skip
    return platform


def _names(platform: FakePlatform) -> set[str]:
    (put,) = platform.of("PUT", "/streams/put")
    with tarfile.open(fileobj=io.BytesIO(put.body)) as tarball:
        return set(tarball.getnames())


def test_folder_is_built_and_released(building: FakePlatform, kedge: Kedge):
    """`builds:create` uploads the folder, shows the build as it goes and waits until it is live."""
    Path("app.py").write_text("print(1)")
    done = kedge("builds:create", "-a", "shop", "--version", "abc")
    assert done.status == 0, done.err
    assert done.out == "-----> Building\n       Released v8\n"
    assert "v8 is live" in done.err
    (put,) = building.of("PUT", "/streams/put")
    assert "app.py" in _names(building)
    assert "authorization" not in put.headers
    assert building.of("POST", "/apps/shop/builds")[0].json["source_blob"] == {
        "url": "http://x/get", "version": "abc",
        "checksum": f"SHA256:{hashlib.sha256(put.body).hexdigest()}",
    }  # fmt: skip


def test_ignored_files_stay_out(building: FakePlatform, kedge: Kedge, checkout: Callable[..., str]):
    """Of a checkout, .git and what .gitignore names stay out; a file not yet added goes in."""
    for name in ("app.py", "new file.txt", "secret.env"):
        Path(name).write_text("x")
    Path(".gitignore").write_text("*.env\n")
    checkout("add", "app.py", ".gitignore")
    kedge("builds:create", "-a", "shop")
    assert _names(building) == {"app.py", "new file.txt", ".gitignore"}


def test_failed_build_exits_1(building: FakePlatform, kedge: Kedge):
    """A build that fails makes the command exit 1."""
    building.answers["GET", f"/apps/shop/builds/{BUILD['id']}"] = BUILD | {"status": "failed"}
    assert kedge("builds:create", "-a", "shop").status == 1


def test_output_of_the_newest(building: FakePlatform, kedge: Kedge):
    """`builds:output` prints the newest build's output, or that of an id's beginning."""
    for arguments in ([], ["eeee"]):
        assert kedge("builds:output", *arguments, "-a", "shop").out.startswith("-----> Building")
    assert kedge("builds:output", "ffff", "-a", "shop").status == 1


def test_cancel(building: FakePlatform, kedge: Kedge):
    """`builds:cancel` cancels a build that runs, and refuses one that is over."""
    assert kedge("builds:cancel", "-a", "shop").status == 1
    building.answers["GET", "/apps/shop/builds"] = [BUILD | {"status": "pending"}]
    assert kedge("builds:cancel", "-a", "shop").status == 0
    assert building.of("DELETE", f"/apps/shop/builds/{BUILD['id']}")


def test_list(building: FakePlatform, kedge: Kedge):
    """`kedge builds` shows id, status and commit."""
    assert kedge("builds", "-a", "shop").out.split()[:3] == ["eeeeeeee", "succeeded", "1a2b3c4d"]
