"""Which buildpacks build a source."""

import os

import pytest
from _lib.refusal import Refused
from _runner import choice

from buildpacks.places import BUILDPACKS


@pytest.fixture(scope="module")
def everyone():
    return choice.available(BUILDPACKS)


def detected(everyone, folder):
    return [pack.name for pack, _ in choice.detected(folder, everyone, os.environ)]


def test_folders_that_are_no_buildpacks_are_passed_over(everyone):
    """Every buildpack has its title, version and what it detects; static and procfile come last."""
    names = [pack.name for pack in everyone]
    assert names[:2] == ["python", "nodejs"]
    assert names.index("procfile") > names.index("static")
    assert all({"title", "version", "detects"} <= pack.about.keys() for pack in everyone)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["requirements.txt", "Procfile"], ["python", "procfile"]),
        (["package.json", "requirements.txt"], ["python", "nodejs"]),
        (["index.html"], ["static"]),
        (["public/index.html", "Procfile"], ["procfile"]),
        (["static.json", "Procfile"], ["static", "procfile"]),
        (["README.md"], []),
    ],
)
def test_detection_takes_buildpacks_in_order(tmp_path, everyone, files, names):
    """Files in the root of the source decide; a Procfile's own web wins over a page beside it."""
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("web: x\n" if file == "Procfile" else "{}")
    own = {"python", "nodejs", "static", "procfile"}
    assert [name for name in detected(everyone, tmp_path) if name in own] == names


@pytest.mark.parametrize(
    "name",
    [
        "python",
        "heroku/python",
        "urn:buildpack:heroku/python",
        "https://github.com/heroku/heroku-buildpack-python",
        "https://github.com/heroku/heroku-buildpack-python.git",
        "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/python.tgz",
    ],
)
def test_herokus_names_mean_our_own(everyone, name):
    """Heroku's names and URLs for a language mean the buildpack of that language here."""
    assert [pack.name for pack in choice.named((name,), everyone)] == ["python"]


@pytest.mark.parametrize("name", ["cobol", "https://example.com/pack.git", "git@example.com:a/b"])
def test_an_unknown_buildpack_is_refused(everyone, name):
    """A buildpack that is not here is refused with those that are."""
    with pytest.raises(Refused) as refused:
        choice.named((name,), everyone)
    assert name in refused.value.reason
    assert "python" in refused.value.advice[0]


def test_an_undetectable_source_is_told_what_would_do(tmp_path, everyone):
    """The refusal has Heroku's words, what each buildpack looks for, and what there is."""
    (tmp_path / "main.rs").write_text("")
    refused = choice.undetectable(everyone, tmp_path)
    assert refused.reason == "No default language could be detected for this app."
    text = "\n".join(refused.advice)
    assert "Python: requirements.txt" in text
    assert "It has: main.rs." in text
