"""Node.js apps, built in a real build container and run in the run image."""

import json

import pytest

from buildpacks.places import APPS

pytestmark = pytest.mark.docker


def test_an_npm_app_is_built_and_runs(builder):
    """Node and packages come from the registry; without a Procfile, web is `npm start`."""
    built = builder.build(APPS / "node-hello")
    assert built.status == 0, built.output
    assert "-----> Node.js app detected" in built.lines
    assert "       Default types for buildpack -> web" in built.lines
    assert built.result["description"] == "Node.js"
    assert built.result["process_types"] == {"web": "npm start"}
    assert [name for name, _ in built.result["largest"][:2]] == [".heroku/node", "node_modules"]
    assert "Hi version=1.0.0" in built.answer("GREETING=Hi npm start")


@pytest.mark.parametrize("app", ["node-yarn", "node-pnpm", "node-berry"])
def test_build_scripts_run_with_what_the_slug_lacks(builder, app):
    """Packages for development are there for the build, first and second time, and not after."""
    first = builder.build(APPS / app)
    assert first.status == 0, first.output
    assert not any(path.startswith("app/node_modules/semver/") for path in first.listing())
    assert first.answer("npm start") == "2000 1.2.3\n"
    again = builder.build(APPS / app)
    assert again.status == 0, again.output
    assert "as installed before" in again.output
    assert again.unwritten() == first.all_digests()


def package(**fields):
    return {"package.json": json.dumps({"name": "x", "engines": {"node": "22.x"}, **fields})}


def test_an_app_without_lock_file_is_built_with_a_warning(builder, source):
    """Without a lock file npm installs what it finds, and the output says what that means."""
    app = source(files=package(dependencies={"ms": "2"}, scripts={"start": "node -p 1"}))
    built = builder.build(app)
    assert built.status == 0, built.output
    assert " !     There is no lock file: versions may differ between builds." in built.lines
    assert "app/package-lock.json" not in built.listing()


def test_scripts_run_in_herokus_order(builder, source):
    """heroku-postbuild stands in for build; prebuild comes before, cleanup after."""
    scripts = {
        name: f"echo ran-{name}"
        for name in ("heroku-prebuild", "heroku-postbuild", "build", "heroku-cleanup", "start")
    }
    built = builder.build(source(files=package(scripts=scripts)))
    ran = [line.strip() for line in built.lines if line.strip().startswith("ran-")]
    assert ran == ["ran-heroku-prebuild", "ran-heroku-postbuild", "ran-heroku-cleanup"]


def test_a_failed_script_keeps_the_installation(builder, source):
    """A build script's failure is named, and the next push does not install again."""

    def app(script):
        fields = {"dependencies": {"ms": "2.1.3"}, "devDependencies": {"semver": "7.6.3"}}
        return source(files=package(**fields, scripts={"build": script, "start": "x"}))

    failed = builder.build(app("exit 3"))
    assert failed.status == 1
    assert "The script build in package.json failed." in failed.result["reason"]
    mended = builder.build(app("true"))
    assert mended.status == 0
    assert "as installed before" in mended.output


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"package.json": "{"}, "package.json is not valid JSON"),
        ({"package.json": '{"engines": {"node": "99.x"}}'}, "There is no Node.js 99.x"),
        (
            {"package.json": "{}", "yarn.lock": "", "package-lock.json": "{}"},
            "lock files of more than one package manager",
        ),
    ],
)
def test_what_cannot_be_built_is_said(builder, source, files, words):
    """A broken package.json, an unknown Node and two lock files are refused in words."""
    built = builder.build(source(files=files))
    assert built.status == 1
    assert words in built.output
    assert words in built.result["reason"]


def test_one_buildpack_builds_what_the_next_serves(builder, source):
    """Buildpacks run in the order named; the last one's process types count."""
    site = {
        **package(scripts={"build": "mkdir dist && echo built > dist/index.html"}),
        "static.json": '{"root": "dist"}',
    }
    built = builder.build(source(files=site), buildpacks=["heroku/nodejs", "static"])
    assert built.status == 0, built.output
    assert "       1. heroku/nodejs" in built.lines
    assert built.result["description"] == "Node.js, Static"
    web = built.result["process_types"]["web"]
    assert built.answer(web) == "built\n"


def test_a_killed_build_loses_no_installation(builder, source):
    """A build that is killed in its build script leaves its packages to the next one."""

    def app(script):
        return source(files=package(dependencies={"ms": "2.1.2"}, scripts={"build": script}))

    builder.kill_at(app("echo it-began && sleep 600"), "it-began")
    assert "as installed before" in builder.build(app("true")).output
