"""Node.js: which version, which package manager."""

import json

import pytest
from _lib.refusal import Refused
from nodejs_buildpack import cache_folders, manager, version, workspace
from nodejs_buildpack.package import Package, read
from nodejs_buildpack.version import Wanted

AVAILABLE = [
    (20, 20, 2),
    (22, 11, 0),
    (22, 23, 3),
    (23, 11, 1),
    (24, 21, 0),
    (25, 9, 0),
    (26, 4, 0),
]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("", (24, 21, 0)),
        (">=20", (24, 21, 0)),
        ("22.x", (22, 23, 3)),
        ("22.11.0", (22, 11, 0)),
        ("23.x", (23, 11, 1)),
        (">=25", (26, 4, 0)),
        ("^20 || ^22", (22, 23, 3)),
    ],
)
def test_the_newest_lts_release_in_the_range_is_chosen(asked, chosen):
    """A range takes its newest LTS release; one without any takes its newest."""
    assert version.choose(Wanted(asked, "package.json"), AVAILABLE) == chosen


@pytest.mark.parametrize("asked", ["99.x", "newest"])
def test_a_version_that_cannot_be_had_is_refused(asked):
    """A version that does not exist, or is none, is refused with what to write."""
    with pytest.raises(Refused) as refused:
        version.choose(Wanted(asked, "engines.node in package.json"), AVAILABLE)
    assert asked in refused.value.reason
    assert "22.x" in refused.value.advice[-1]


@pytest.mark.parametrize(
    ("text", "range_"), [("v22.11.0\n", "v22.11.0"), ("lts/*", ""), ("lts/Jod", "22"), ("20", "20")]
)
def test_nvmrc_is_read(tmp_path, text, range_):
    """Without engines.node, .nvmrc counts, with nvm's names for LTS lines."""
    (tmp_path / ".nvmrc").write_text(text)
    assert version.wanted(tmp_path, Package({})) == Wanted(range_, ".nvmrc")
    engines = Package({"engines": {"node": "18"}})
    assert version.wanted(tmp_path, engines).range == "18"


@pytest.mark.parametrize(
    ("files", "fields", "name", "fetched"),
    [
        ({"package-lock.json": "{}"}, {}, "npm", None),
        ({}, {}, "npm", None),
        ({"yarn.lock": "# yarn lockfile v1\n"}, {}, "yarn", ("yarn", "^1.22")),
        ({"yarn.lock": "__metadata:\n"}, {}, "yarn", ("@yarnpkg/cli-dist", "4")),
        (
            {"yarn.lock": "__metadata:\n"},
            {"packageManager": "yarn@4.9.2+sha512.00"},
            "yarn",
            ("@yarnpkg/cli-dist", "4.9.2"),
        ),
        ({"yarn.lock": "__metadata:", ".yarnrc.yml": "yarnPath: .yarn/y.cjs\n"}, {}, "yarn", None),
        ({"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"}, {}, "pnpm", ("pnpm", "8")),
        ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, {}, "pnpm", ("pnpm", "10")),
        ({"pnpm-lock.yaml": ""}, {"packageManager": "pnpm@9.1.0"}, "pnpm", ("pnpm", "9.1.0")),
    ],
)
def test_the_lock_file_decides_the_package_manager(tmp_path, files, fields, name, fetched):
    """The package manager is the lock file's, in the version package.json or the file names."""
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    chosen = manager.choose(tmp_path, Package(fields))
    assert (chosen.name, chosen.fetched) == (name, fetched)


def test_two_lock_files_are_refused(tmp_path):
    """Lock files of two package managers are refused, both named."""
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "yarn.lock").write_text("")
    with pytest.raises(Refused, match=r"package-lock\.json, yarn\.lock"):
        manager.choose(tmp_path, Package({}))


def test_a_new_version_number_is_no_new_installation():
    """Only fields that decide what is installed count; lifecycle scripts do, others do not."""
    fields = {"version": "1", "dependencies": {"ms": "2"}, "scripts": {"start": "a"}}
    facts = Package(fields).installed_by()
    assert Package({**fields, "version": "2", "scripts": {"start": "b"}}).installed_by() == facts
    assert Package({**fields, "dependencies": {"ms": "3"}}).installed_by() != facts
    assert Package({**fields, "scripts": {"postinstall": "b"}}).installed_by() != facts


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_broken_package_json_is_refused(tmp_path, text):
    """A package.json that is no JSON object is refused in words."""
    (tmp_path / "package.json").write_text(text)
    with pytest.raises(Refused, match=r"package\.json"):
        read(tmp_path / "package.json")


def test_workspaces_count(tmp_path):
    """Members of a workspace are part of the installation; their install scripts forbid reuse."""
    (tmp_path / "packages/a").mkdir(parents=True)
    (tmp_path / "packages/a/package.json").write_text(json.dumps({"dependencies": {"ms": "2"}}))
    assert workspace.members(tmp_path, Package({})) == {}
    members = workspace.members(tmp_path, Package({"workspaces": ["packages/*"]}))
    assert list(members) == ["packages/a"]
    assert workspace.reusable(tmp_path, members)
    assert not workspace.reusable(tmp_path, {"a": Package({"scripts": {"postinstall": "x"}})})


def test_cache_folders_stay_inside_the_source():
    """Only folders inside the source are kept between builds."""
    named = Package({"cacheDirectories": ["dist/cache", "../x", "/etc", "node_modules"]})
    assert cache_folders.folders(named) == ["node_modules/.cache", ".next/cache", "dist/cache"]
