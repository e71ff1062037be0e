"""`.slugignore`: what stays out of a build."""

from pathlib import Path

import pytest
from _runner import slugignore


def tree(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(file)


def left(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()} - {".slugignore"}


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        ("*.psd", {"docs/guide.md", "src/docs/a.md", "src/a.py"}),
        ("docs", {"art.psd", "src/art.psd", "src/a.py"}),
        ("/docs", {"art.psd", "src/art.psd", "src/a.py", "src/docs/a.md"}),
        ("src/*.psd", {"art.psd", "docs/guide.md", "src/docs/a.md", "src/a.py"}),
        ("**/docs/*.md", {"art.psd", "src/art.psd", "src/a.py"}),
        ("src/**", {"art.psd", "docs/guide.md"}),
        ("art.psd/", {"art.psd", "src/art.psd", "docs/guide.md", "src/docs/a.md", "src/a.py"}),
        ("docs/\n# c\n\n[a-b].py", {"art.psd", "src/art.psd"}),
    ],
)
def test_patterns_name_paths_as_gitignore_does(tmp_path, patterns, kept):
    """Patterns without a slash match at any depth, those with one from the root."""
    tree(tmp_path, "art.psd", "docs/guide.md", "src/art.psd", "src/a.py", "src/docs/a.md")
    (tmp_path / ".slugignore").write_text(patterns)
    slugignore.apply(tmp_path)
    assert left(tmp_path) == kept


def test_negation_is_said_to_be_unsupported(tmp_path):
    """A line that begins with `!` is passed over with a warning that names it."""
    (tmp_path / ".slugignore").write_text("a\n!b\n")
    removed, warnings = slugignore.apply(tmp_path)
    assert removed == 0
    assert warnings == [".slugignore line 2: negation (!b) is not supported."]


def test_links_are_removed_not_followed(tmp_path):
    """A link that is named goes; what it leads to stays."""
    tree(tmp_path, "kept/file")
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / ".slugignore").write_text("link\n")
    slugignore.apply(tmp_path)
    assert left(tmp_path) == {"kept/file"}
    assert not (tmp_path / "link").is_symlink()
