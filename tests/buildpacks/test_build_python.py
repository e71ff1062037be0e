"""Python apps, built in a real build container and run in the run image."""

import json
import tarfile

import pytest

from buildpacks.places import APPS

pytestmark = pytest.mark.docker


def test_a_flask_app_is_built_in_herokus_words_and_runs(fresh_builder):
    """Output has Heroku's form, the result names everything, and the layers answer requests."""
    built = fresh_builder.build(APPS / "flask-hello")
    assert built.status == 0
    assert built.lines[:3] == [
        "-----> Building on the Kedge-13 stack",
        "-----> Determining which buildpack to use for this app",
        "-----> Python app detected",
    ]
    assert "-----> Discovering process types" in built.lines
    assert "       Procfile declares types -> web, worker" in built.lines
    assert built.lines[-2].startswith("       Done: ") or built.lines[-3].startswith(
        "       Done: "
    )
    assert built.result["status"] == "succeeded"
    assert built.result["description"] == "Python"
    assert built.result["buildpacks"][0]["name"] == "python"
    assert built.result["process_types"] == {
        "web": "gunicorn app:app",
        "worker": "python worker.py",
    }
    assert [layer["kind"] for layer in built.result["layers"]] == ["dependencies", "source"]
    assert built.result["largest"][0][0] == ".heroku/python"
    assert "Hi version=1" in built.answer("GREETING=Hi gunicorn app:app")


def test_a_second_build_installs_and_writes_no_dependencies(builder):
    """Unchanged dependencies are neither installed nor written again; changed code is."""
    first = builder.first("flask-hello")
    again = builder.build(APPS / "flask-hello")
    assert "Using the dependencies of requirements.txt as installed before" in again.output
    assert again.all_digests() == first.all_digests() == again.unwritten()


def test_changed_code_changes_the_source_layer_alone(builder, source):
    """A change in the code makes a new source layer over the same dependencies."""
    first = builder.first("flask-hello")
    changed = builder.build(source("flask-hello", {"VERSION": "2"}))
    assert changed.digests("dependencies") == first.digests("dependencies") == changed.unwritten()
    assert changed.digests("source") != first.digests("source")


def test_the_same_source_makes_the_same_layers_elsewhere(builder, fresh_builder):
    """Two builds that share nothing make layers of the same digests."""
    here, there = builder.first("flask-uv"), fresh_builder.build(APPS / "flask-uv")
    assert here.all_digests() == there.all_digests()


@pytest.mark.parametrize(
    ("app", "lock"),
    [
        ("flask-uv", "uv.lock"),
        ("flask-poetry", "poetry.lock"),
        ("flask-pipenv", "Pipfile.lock"),
    ],
)
def test_every_lock_file_is_followed(builder, app, lock):
    """Locked versions are installed, packages for development are not, and the app answers."""
    built = builder.first(app)
    assert built.status == 0, built.output
    assert f"{lock}" in built.output
    assert not any("iniconfig" in path for path in built.listing())
    assert built.answer("gunicorn app:app") == "hello\n"


def test_django_collects_its_static_files(builder, source):
    """Config vars reach the settings, never a command line; what is collected is in the slug."""
    hook = "#!/bin/bash\ncat /proc/[0-9]*/cmdline | tr '\\0' ' '\n"
    app = source("django-static", {"bin/post_compile": hook})
    built = builder.build(app, env={"SECRET_KEY": "canary-in-a-mine"})
    assert built.status == 0, built.output
    assert "-----> $ python manage.py collectstatic --noinput" in built.lines
    assert "app/staticfiles/site.css" in built.listing()
    assert "-----> Running bin/post_compile" in built.lines
    assert "canary-in-a-mine" not in built.output
    assert built.answer("SECRET_KEY=x gunicorn site_project.wsgi", "/static/site.css").startswith(
        "body"
    )


def test_a_failed_collectstatic_is_explained(builder):
    """Without the config var the settings read, the push fails with what to set."""
    built = builder.build(APPS / "django-static")
    assert built.status == 1
    assert " !     Push rejected, failed to compile Python app." in built.lines
    assert " !     Push failed" in built.lines
    assert "kedge config:set SECRET_KEY" in built.output
    assert built.result["status"] == "failed"
    assert "static files could not be collected" in built.result["reason"]


def test_collectstatic_can_be_switched_off(builder):
    """DISABLE_COLLECTSTATIC=1 lets the same app be pushed."""
    built = builder.build(APPS / "django-static", env={"DISABLE_COLLECTSTATIC": "1"})
    assert built.status == 0
    assert "-----> Skipping collectstatic, for DISABLE_COLLECTSTATIC is set" in built.lines


def test_a_package_that_does_not_exist_fails_the_push(builder, source):
    """The installer's words are shown, and the reason is kept with the build."""
    app = source("flask-hello", {"requirements.txt": "flask==99.0\n"})
    built = builder.build(app)
    assert built.status == 1
    assert "flask==99.0" in built.output
    assert "dependencies could not be installed" in built.result["reason"]
    assert builder.build(APPS / "flask-hello").status == 0


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("three", "names no Python version that can be understood: three"),
        ("3.99", "Python 3.99, which .python-version asks for,"),
    ],
)
def test_a_wrong_python_version_is_said(builder, source, version, words):
    """A version that is none, or that does not exist, fails the push with what to write."""
    built = builder.build(source("flask-hello", {".python-version": version}))
    assert built.status == 1
    assert words in built.output
    assert "3.13" in built.output


def test_an_app_without_web_process_gets_a_suggestion(builder, source):
    """No process type is made up for Python; the output says what the line could be."""
    app = source("flask-hello")
    (app / "Procfile").unlink()
    built = builder.build(app)
    assert built.result["process_types"] == {}
    assert " !       web: gunicorn app:app" in built.lines
    assert any("H14" in line for line in built.lines)


def stand_in_python(folder):
    """A Python in the form uv fetches them, which calls the stack's, and the list that names it."""
    bin_dir, lib = folder / "python/bin", folder / "python/lib/python3.12"
    bin_dir.mkdir(parents=True)
    lib.mkdir(parents=True)
    (bin_dir / "python3.12").write_text('#!/bin/sh\nexec /usr/bin/python3 "$@"\n')
    (bin_dir / "python3.12").chmod(0o755)
    (bin_dir / "python3").symlink_to("python3.12")
    (lib / "_sysconfigdata__linux_x86_64-linux-gnu.py").write_text(
        "# system configuration generated and used by the sysconfig module\n"
        'build_time_vars = {"CC": "gcc"}\n'
    )
    with tarfile.open(folder / "python.tar.gz", "w:gz") as tar:
        tar.add(folder / "python", "python")
    entry = {
        "name": "cpython",
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 12,
        "patch": 99,
        "arch": {"family": "x86_64", "variant": None},
        "prerelease": "",
        "variant": None,
        "url": "file:///app/python.tar.gz",
        "sha256": None,
        "build": "20260101",
    }
    (folder / "list.json").write_text(json.dumps({"cpython-3.12.99-linux-x86_64-gnu": entry}))


def test_another_python_is_fetched_once_into_a_layer_of_its_own(builder, source):
    """A Python the stack lacks is fetched by uv, and kept with its layer for the next build."""
    app = source("flask-hello", {".python-version": "3.12"})
    stand_in_python(app)
    settings = {"UV_PYTHON_DOWNLOADS_JSON_URL": "/app/list.json"}
    first = builder.build(app, env=settings)
    assert first.status == 0, first.output
    assert "-----> Fetching Python 3.12, as .python-version asks" in first.lines
    assert "-----> Using Python 3.12.99, as .python-version asks" in first.lines
    again = builder.build(app, env=settings)
    assert "Fetching" not in again.output
    assert again.unwritten() == first.all_digests()
    assert len(again.digests("dependencies")) == 2
