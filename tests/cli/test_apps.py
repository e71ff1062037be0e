from __future__ import annotations

import json

from cli.conftest import Kedge
from cli.fake_platform import FakePlatform


def test_list_is_sorted(platform: FakePlatform, kedge: Kedge):
    """`kedge apps` lists your apps by name; `--all` those of everybody."""
    assert [line.split()[0] for line in kedge("apps").out.splitlines()] == ["blog", "shop"]
    assert "theirs" in kedge("apps", "--all").out


def test_list_as_json(platform: FakePlatform, kedge: Kedge):
    """`--json` prints the API's answer and nothing else."""
    assert [row["name"] for row in json.loads(kedge("apps", "--json").out)] == ["shop", "blog"]


def test_create_names_both_urls(platform: FakePlatform, kedge: Kedge):
    """`kedge create` prints the app's URL and the one to push to, on stdout."""
    done = kedge("create", "shop")
    assert done.status == 0, done.err
    assert done.out == f"http://shop.localhost:8080/ | {platform.url}/shop.git\n"
    assert platform.of("POST", "/apps")[0].json == {"name": "shop"}


def test_create_makes_a_name_up(platform: FakePlatform, kedge: Kedge):
    """Without a name the platform's is shown."""
    assert "calm-sea-1234" in kedge("apps:create").err


def test_info_is_a_fact_a_line(platform: FakePlatform, kedge: Kedge):
    """`kedge info` shows the app's facts, also for a name given as a word."""
    for arguments in (["-a", "shop"], ["shop"]):
        done = kedge("info", *arguments)
        assert "Stack:" in done.out
        assert "web: 2, worker: 1, clock: 0" in done.out


def test_destroy_wants_the_name(platform: FakePlatform, kedge: Kedge):
    """Without a terminal and `--confirm` nothing is destroyed."""
    done = kedge("apps:destroy", "-a", "shop")
    assert done.status == 1
    assert "--confirm shop" in done.err
    assert kedge("destroy", "-a", "shop", "--confirm", "blog").status == 1
    assert not platform.of("DELETE", "/apps/shop")


def test_destroy_when_confirmed(platform: FakePlatform, kedge: Kedge):
    """With the name in `--confirm` the app is destroyed."""
    assert kedge("apps:destroy", "shop", "--confirm", "shop").status == 0
    assert len(platform.of("DELETE", "/apps/shop")) == 1


def test_open_prints_the_url(platform: FakePlatform, kedge: Kedge):
    """`kedge open PATH` prints the URL; without a terminal it opens nothing."""
    assert kedge("open", "/login", "-a", "shop").out == "http://shop.localhost:8080/login\n"


def test_domains(platform: FakePlatform, kedge: Kedge):
    """Domains are added with where DNS must lead, listed, and removed."""
    custom = {"hostname": "www.example.com", "kind": "custom", "cname": "shop.example.net"}
    platform.answers["POST", "/apps/shop/domains"] = custom
    platform.answers["GET", "/apps/shop/domains"] = [
        {"hostname": "shop.localhost", "kind": "heroku", "cname": None}, custom
    ]  # fmt: skip
    platform.answers["DELETE", "/apps/shop/domains/www.example.com"] = custom
    assert kedge("domains:add", "www.example.com", "-a", "shop").out == "shop.example.net\n"
    assert "www.example.com" in kedge("domains", "-a", "shop").out
    assert kedge("domains:remove", "www.example.com", "-a", "shop").status == 0


def test_buildpacks(platform: FakePlatform, kedge: Kedge):
    """Buildpacks are set, added at a place and removed by putting the whole list."""
    path = ("PUT", "/apps/shop/buildpack-installations")
    platform.answers["GET", path[1]] = [
        {"ordinal": 0, "buildpack": {"url": "https://x/python.tgz", "name": "heroku/python"}}
    ]
    platform.answers[path] = []
    kedge("buildpacks:add", "heroku/nodejs", "--index", "1", "-a", "shop")
    kedge("buildpacks:set", "heroku/go", "-a", "shop")
    kedge("buildpacks:remove", "heroku/python", "-a", "shop")
    put = [[u["buildpack"] for u in asked.json["updates"]] for asked in platform.of(*path)]
    assert put == [["heroku/nodejs", "heroku/python"], ["heroku/go"], []]
    assert kedge("buildpacks:remove", "--index", "4", "-a", "shop").status == 1
    assert kedge("buildpacks", "-a", "shop").out == "1. heroku/python\n"


def test_stack_marks_the_own(platform: FakePlatform, kedge: Kedge):
    """`kedge stack` marks the app's stack; `stack:set` asks for another."""
    platform.answers["GET", "/apps/shop/available-stacks"] = [
        {"name": "kedge-13"}, {"name": "container"}
    ]  # fmt: skip
    assert kedge("stack", "-a", "shop").out == "  container\n* kedge-13\n"
    assert kedge("stack:set", "container", "-a", "shop").status == 0
    assert platform.of("PATCH", "/apps/shop")[0].json == {"build_stack": "container"}


def test_keys_rotate(platform: FakePlatform, kedge: Kedge):
    """`kedge keys:rotate` tells how many config snapshots were sealed anew."""
    platform.answers["POST", "/kedge/keys/rotate"] = {"resealed": 12}
    assert "12 config snapshots" in kedge("keys:rotate").err
