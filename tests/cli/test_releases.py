from __future__ import annotations

import json

import pytest

from cli.conftest import Kedge
from cli.fake_platform import Answer, FakePlatform, release, rollout

ROLLBACK = ("POST", "/apps/shop/releases")


@pytest.fixture
def rolling(platform: FakePlatform) -> FakePlatform:
    """A platform on which a rollback becomes v10 and goes live."""
    platform.answers[ROLLBACK] = Answer(release(10, "Rollback to v5", "pending"), 201)
    platform.answers["GET", "/kedge/apps/shop/rollout"] = rollout(10)
    return platform


def test_list_marks_live_and_failed(platform: FakePlatform, kedge: Kedge):
    """The live release has a dot, a failed one a cross, an expired one its word."""
    lines = kedge("releases", "-a", "shop").out.splitlines()
    marks = {line.split()[1] if line[0] != " " else line.split()[0]: line for line in lines}
    assert marks["v7"].startswith("●")
    assert "live" in marks["v7"]
    assert marks["v9"].startswith("✗")
    assert "expired" in marks["v8"]
    assert "[red]" in marks["v6"]


def test_list_asks_for_the_newest(platform: FakePlatform, kedge: Kedge):
    """`-n` asks the platform for that many, the newest first."""
    kedge("releases", "-n", "3", "-a", "shop")
    assert platform.asked[-1].headers["range"] == "version ..; order=desc,max=3"


def test_info_of_newest_and_of_one(platform: FakePlatform, kedge: Kedge):
    """`releases:info` shows the newest release, or the one named with or without its v."""
    assert json.loads(kedge("releases:info", "--json", "-a", "shop").out)["version"] == 9
    for name in ("v7", "7"):
        assert "Deploy 1a2b3c4d" in kedge("releases:info", name, "-a", "shop").out
    assert kedge("releases:info", "seven", "-a", "shop").status == 2


def test_diff_masks_values(platform: FakePlatform, kedge: Kedge):
    """`releases:diff` shows code, config keys, processes and formation, one change a line."""
    lines = kedge("releases:diff", "v3", "v7", "-a", "shop").out.splitlines()
    assert lines == [
        "v3 → v7",
        "  ~ code       1a2b3c4d → 00112233",
        "  ~ config     A",
        "  - config     NEW",
        "  ~ process    web: python app.py → python old.py",
        "  ~ formation  web: 2 → 1",
    ]


def test_diff_defaults(platform: FakePlatform, kedge: Kedge):
    """With one number the diff goes to the newest release, with none to it from the one before."""
    for arguments, expected in ((["v3"], ("3", "9")), ([], ("8", "9"))):
        kedge("releases:diff", *arguments, "-a", "shop")
        query = platform.asked[-1].query
        assert (query["from"], query["to"]) == expected


def test_output_is_copied(platform: FakePlatform, kedge: Kedge):
    """`releases:output` prints the release command's output as it is, without the token."""
    platform.answers["GET", "/streams/r9"] = Answer(pieces=[b"migrating\r\n", b"d\xc3\xb6ne\n"])
    platform.answers["GET", "/apps/shop/releases/9"] |= {
        "output_stream_url": f"http://api.localhost:{platform.port}/streams/r9"
    }
    done = kedge("releases:output", "v9", "-a", "shop")
    assert done.out.replace("\r", "") == "migrating\ndöne\n", done.err
    assert "authorization" not in platform.asked[-1].headers


def test_verify(platform: FakePlatform, kedge: Kedge):
    """`releases:verify` exits 0 when no release was altered, else 1 and names the first."""
    assert kedge("releases:verify", "-a", "shop").status == 0
    platform.answers["GET", "/kedge/apps/shop/releases/verify"] = {
        "verified": False, "releases": 9, "broken_at": 4, "reason": "its digest does not match",
    }  # fmt: skip
    done = kedge("releases:verify", "-a", "shop")
    assert done.status == 1
    assert "v4 of shop" in done.err


def test_rollback_goes_to_the_eligible_one_before_head(rolling: FakePlatform, kedge: Kedge):
    """Without a number the newest eligible release before the live one is taken, not before v9."""
    done = kedge("rollback", "-a", "shop")
    assert done.status == 0, done.err
    assert rolling.of(*ROLLBACK)[0].json == {"release": release(5, "")["id"]}
    assert "v7 → v5" in done.err
    assert "v10 is live" in done.err


def test_rollback_to_a_number(rolling: FakePlatform, kedge: Kedge):
    """With a number that release is taken; also by Heroku's name of the command."""
    assert kedge("releases:rollback", "v6", "-a", "shop", "--yes").status == 0
    assert rolling.of(*ROLLBACK)[0].json == {"release": release(6, "")["id"]}


def test_rollback_with_nothing_before(platform: FakePlatform, kedge: Kedge):
    """When nothing can be gone back to, that is said and nothing is asked for."""
    platform.answers["GET", "/apps/shop/releases"] = [release(1, "Initial release", current=True)]
    done = kedge("rollback", "-a", "shop")
    assert done.status == 1
    assert not platform.of(*ROLLBACK)


def test_why_is_a_report(platform: FakePlatform, kedge: Kedge):
    """`kedge why` shows the sentence, each finding with evidence and next step, and the change."""
    platform.answers["GET", "/kedge/apps/shop/why"] = {
        "app": "shop",
        "summary": "v9 did not go live: web.1 did not bind $PORT within 60 s.",
        "findings": [
            {
                "title": "R10 Boot timeout", "evidence": ["bound 127.0.0.1:5000"],
                "next_step": "Bind 0.0.0.0:$PORT.",
            }
        ],
        "changed": FakePlatform.difference({"from": "7", "to": "9"}),
    }  # fmt: skip
    done = kedge("why", "v9", "-a", "shop")
    assert platform.asked[-1].query == {"release": "9"}
    for words in ("v9 did not go live", "1. R10 Boot timeout", "│   bound", "->  Bind", "v7 → v9"):
        assert words in done.out
