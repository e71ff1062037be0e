"""requirements.txt and Pipfile.lock: what they draw in."""

import json

import pytest
from _lib.refusal import Refused
from python_buildpack import pipfile, requirements


def read(tmp_path, text):
    (tmp_path / "requirements.txt").write_text(text)
    return requirements.read(tmp_path / "requirements.txt")


def test_included_files_count(tmp_path):
    """A change in a file included with -r or -c is a change of the requirements."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more/base.txt").write_text("django\n-c limits.txt\n")
    (tmp_path / "more/limits.txt").write_text("django<6\n-r base.txt\n")
    before = read(tmp_path, "-r more/base.txt\nflask # why\n")
    assert "django<6" in before.text
    (tmp_path / "more/limits.txt").write_text("django<5\n")
    assert read(tmp_path, "-r more/base.txt\nflask # why\n").text != before.text


@pytest.mark.parametrize(
    ("line", "moving"),
    [
        ("git+https://example.com/a.git@main", True),
        ("a @ git+https://example.com/a.git", True),
        (f"git+https://example.com/a.git@{'0' * 40}#egg=a", False),
        ("flask==3.1", False),
        ("# git+https://example.com/a.git", False),
    ],
)
def test_a_branch_is_told_from_a_commit(tmp_path, line, moving):
    """Only a full commit id keeps a git requirement from being fetched again."""
    assert read(tmp_path, line).moving is moving


def test_local_projects_are_found(tmp_path):
    """Folders and archives of the source that are installed are known, editable ones apart."""
    found = read(
        tmp_path, "-e .\n./libs/a[x]\nb @ file:./libs/b\nwheels/c-1-py3-none-any.whl\nflask\n"
    )
    assert found.editable == (tmp_path,)
    assert found.local == (
        tmp_path / "libs/a",
        tmp_path / "libs/b",
        tmp_path / "wheels/c-1-py3-none-any.whl",
    )


def test_hashes_are_noticed_over_continued_lines(tmp_path):
    """A hash on a continuation line makes the file one with hashes."""
    assert read(tmp_path, "flask==3.1 \\\n  --hash=sha256:00\n").hashed
    assert not read(tmp_path, "flask==3.1\n").hashed


def lock(tmp_path, packages, sources=("https://pypi.org/simple",)):
    file = tmp_path / "Pipfile.lock"
    meta = {"sources": [{"url": url} for url in sources]}
    file.write_text(json.dumps({"_meta": meta, "default": packages, "develop": {"dev": {}}}))
    return pipfile.requirements(file).splitlines()


def test_a_pipfile_lock_becomes_requirements(tmp_path):
    """Versions, extras, markers, hashes, git and editable entries become lines that uv reads."""
    lines = lock(
        tmp_path,
        {
            "a": {
                "version": "==1",
                "extras": ["x"],
                "markers": "os_name == 'nt'",
                "hashes": ["sha256:0"],
            },
            "b": {"git": "https://e.com/b", "ref": "abc", "subdirectory": "s"},
            "c": {"path": ".", "editable": True},
        },
    )
    assert lines == [
        "a[x]==1 ; os_name == 'nt' --hash=sha256:0",
        "b @ git+https://e.com/b@abc#subdirectory=s",
        "-e .",
    ]


def test_other_indexes_of_a_pipfile_are_named(tmp_path):
    """PyPI alone needs no line; other sources become the index and extra indexes."""
    lines = lock(tmp_path, {}, ("https://one/simple", "https://two/simple"))
    assert lines == ["--index-url https://one/simple", "--extra-index-url https://two/simple"]


def test_a_broken_pipfile_lock_is_refused(tmp_path):
    """A lock file Pipenv did not write is refused with the command that writes one."""
    (tmp_path / "Pipfile.lock").write_text("<<<<<<<")
    with pytest.raises(Refused) as refused:
        pipfile.requirements(tmp_path / "Pipfile.lock")
    assert "pipenv lock" in refused.value.advice[0]


def test_editable_checkouts_become_plain_ones(tmp_path):
    """`-e git+…`, as pip freeze writes it, is installed as a copy; local editables stay."""
    (tmp_path / "r.txt").write_text("-e git+https://e.com/a@main#egg=a\n-e .\nflask\n")
    taken = requirements.for_uv(tmp_path / "r.txt")
    assert taken == "git+https://e.com/a@main#egg=a\n-e .\nflask\n"
