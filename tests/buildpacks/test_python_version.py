"""Which Python an app asks for."""

import pytest
from _lib.refusal import Refused
from python_buildpack import version


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3.13\n", "3.13"),
        ("# why\n\n3.13.5\r\n", "3.13.5"),
        ("python-3.12.1", "3.12.1"),
        ("\ufeff3", "3"),
    ],
)
def test_version_files_are_read(text, wanted):
    """A version file names a version with or without `python-`, patch or comments."""
    assert version.parse(text, ".python-version") == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no Python version"),
        ("3.12\n3.13\n", "more than one"),
        ("pypy3.10", "cannot be understood|can be understood"),
        (">=3.12", "can be understood"),
        ("2.7", "asks for 2.7"),
    ],
)
def test_a_wrong_version_is_refused_in_words(text, words):
    """What is no version of Python 3 is refused with an example of one that is."""
    with pytest.raises(Refused, match=words) as refused:
        version.parse(text, "runtime.txt")
    assert refused.value.reason.startswith("runtime.txt")
    assert "3.13" in refused.value.advice[0]


def test_the_version_file_wins_over_the_lock_file(tmp_path):
    """.python-version is asked before runtime.txt, and that before Pipfile.lock."""
    (tmp_path / "Pipfile.lock").write_text('{"_meta": {"requires": {"python_version": "3.11"}}}')
    assert version.wanted(tmp_path) == version.Wanted("3.11", "Pipfile.lock")
    (tmp_path / "runtime.txt").write_text("python-3.12.3")
    assert version.wanted(tmp_path).version == "3.12.3"
    (tmp_path / ".python-version").write_text("3.13")
    assert version.wanted(tmp_path).file == ".python-version"


@pytest.mark.parametrize(
    ("specifiers", "inside", "outside"),
    [
        (">=3.12,<4", "3.12.0 3.13.5", "3.11.9"),
        ("^3.11", "3.11.0 3.14.1", "3.10.9"),
        ("~=3.12", "3.12.1 3.13.0", "3.11.1"),
        ("~=3.12.1", "3.12.4", "3.13.0"),
        ("==3.12.*", "3.12.9", "3.13.0"),
        (">=3.10,!=3.13.*", "3.12.0", "3.13.5"),
        ("", "3.9.0", ""),
    ],
)
def test_what_pyproject_demands_is_understood(specifiers, inside, outside):
    """Specifiers of PEP 440 and Poetry's caret allow what they say."""
    assert all(version.allows(specifiers, have) for have in inside.split())
    assert not any(version.allows(specifiers, have) for have in outside.split())


def test_a_patch_release_satisfies_its_minor():
    """3.13 asks for any patch release; 3.1 does not ask for 3.13."""
    assert version.Wanted("3.13", "f").satisfied_by("3.13.5")
    assert not version.Wanted("3.1", "f").satisfied_by("3.13.5")
    assert not version.Wanted("3.13.4", "f").satisfied_by("3.13.5")
