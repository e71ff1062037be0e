"""What a server's container runs first: a script of the package of its service."""

from __future__ import annotations

from importlib import resources as packaged


def command(package: str, *arguments: str) -> list[str]:
    """The package's boot.sh, after what all of them begin with; it ends as the server itself."""
    scripts = (packaged.files(each) / "boot.sh" for each in ("kedge_addons", package))
    return ["bash", "-c", "".join(each.read_text() for each in scripts), "boot", *arguments]
