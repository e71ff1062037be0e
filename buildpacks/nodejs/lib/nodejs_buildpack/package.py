"""package.json, as far as a build reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _lib.refusal import Refused

LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "prepare")
_DEPENDENCY_FIELDS = (
    "dependencies", "devDependencies", "optionalDependencies", "peerDependencies",
    "bundleDependencies", "bundledDependencies", "overrides", "resolutions", "pnpm",
    "packageManager", "engines", "workspaces", "dependenciesMeta", "peerDependenciesMeta",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Package:
    """A package.json."""

    fields: dict[str, Any]

    def engine(self, name: str) -> str:
        """The range in `engines` for node, npm, yarn or pnpm; '' when there is none."""
        return str(self._mapping("engines").get(name) or "").strip()

    @property
    def scripts(self) -> dict[str, str]:
        """Scripts by name."""
        return self._mapping("scripts")

    @property
    def lifecycle(self) -> list[str]:
        """The scripts a package manager runs around an installation, in its order."""
        return [name for name in LIFECYCLE if name in self.scripts]

    @property
    def has_dev_dependencies(self) -> bool:
        """Whether pruning would remove anything that this file names."""
        return bool(self._mapping("devDependencies"))

    @property
    def manager(self) -> tuple[str, str] | None:
        """`packageManager` as (name, exact version), without the hash Corepack adds."""
        text = str(self.fields.get("packageManager") or "")
        name, at, version = text.partition("@")
        return (name, version.split("+", 1)[0]) if at else None

    @property
    def cache_folders(self) -> list[str]:
        """Folders to be kept between builds (`cacheDirectories`), but for node_modules itself."""
        folders = self.fields.get("cacheDirectories") or self.fields.get("cache_directories") or []
        return [
            str(folder) for folder in folders if folder not in {"node_modules", "bower_components"}
        ]

    def installed_by(self) -> str:
        """All fields that decide what an installation holds, as one text."""
        facts = {name: self.fields[name] for name in _DEPENDENCY_FIELDS if name in self.fields}
        facts["scripts"] = {name: self.scripts[name] for name in self.lifecycle}
        return json.dumps(facts, sort_keys=True)

    def _mapping(self, name: str) -> dict[str, Any]:
        value = self.fields.get(name) or {}
        return value if isinstance(value, dict) else {}


def read(file: Path) -> Package:
    """The package.json at `file`.

    Raises:
        Refused: it is not valid JSON, or not an object.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise Refused(f"{file.name} is not valid JSON: {error}") from error
    if not isinstance(fields, dict):
        raise Refused(f"{file.name} holds no JSON object.")
    return Package(fields)
