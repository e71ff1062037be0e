"""Volumes of builds: a cache for each app, and read-only ones filled once by content."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import UUID

import docker.errors
import uv

from kedge.engine.docker import files, labels
from kedge.engine.docker.client import Engine, status_of, translated
from kedge.engine.docker.exclusive import exclusive
from kedge.engine.docker.tarstream import Member
from kedge.errors import Conflict

COMPLETE = ".complete"
FILL_AT = "/fill"
ROLE = "kedge.volume"


class Volumes:
    """The volumes of one installation's builds.

    `image` is any image the engine has: volumes are filled through a container that never runs.
    """

    def __init__(self, engine: Engine, image: str, lock: Path) -> None:
        self._engine = engine
        self._image = image
        self._lock = lock
        self._complete: set[str] = set()

    def cache(self, app_id: UUID) -> str:
        """The volume an app's builds share, made when missing."""
        name = self._cache_name(app_id)
        self._make(name, {ROLE: "cache", labels.APP_ID: str(app_id)})
        return name

    def has_cache(self, app_id: UUID) -> bool:
        """Whether an app has a cache, made by `cache` and not by the engine for want of one."""
        with translated("look for a build cache"):
            try:
                found = self._engine.api.inspect_volume(self._cache_name(app_id))
            except docker.errors.NotFound:
                return False
        return labels.APP_ID in (found["Labels"] or {})

    def forget_cache(self, app_id: UUID) -> None:
        """Drop an app's cache. Raises Conflict while a build uses it."""
        with translated("remove a build cache"):
            try:
                self._engine.api.remove_volume(self._cache_name(app_id))
            except docker.errors.APIError as error:
                if status_of(error) == 409:
                    raise Conflict(
                        "A build of the app is running. Purge its cache when that has ended."
                    ) from error
                if status_of(error) != 404:
                    raise

    def tools(self) -> str:
        """The volume with the programs lent to buildpacks: uv, of the version Kedge has itself."""

        def members() -> Iterator[Member]:
            yield Member("uv", Path(uv.find_uv_bin()), mode=0o755)

        return self._filled("tools", f"uv-{importlib.metadata.version('uv')}", members)

    def buildpacks(self, folder: Path) -> str:
        """The volume with a copy of the buildpacks as they are in `folder` now."""
        found = list(tree(folder))
        return self._filled("buildpacks", digest_of(found), lambda: iter(found))

    def _cache_name(self, app_id: UUID) -> str:
        return f"kedge-{self._engine.installation}-cache-{app_id.hex}"

    def _filled(self, role: str, key: str, members: Callable[[], Iterable[Member]]) -> str:
        """A volume of that content; complete, whoever began to fill it."""
        name = f"kedge-{self._engine.installation}-{role}-{key[:16]}"
        if name not in self._complete or not self._is_there(name):
            with exclusive(self._lock):  # one fills it, others find it filled
                self._make(name, {ROLE: role})
                self._fill(name, members)
                self._drop_others(role, name)
            self._complete.add(name)
        return name

    def _is_there(self, name: str) -> bool:
        with translated("look for a volume"):
            try:
                self._engine.api.inspect_volume(name)
            except docker.errors.NotFound:
                return False
        return True

    def _make(self, name: str, more: dict[str, str]) -> None:
        with translated("make a volume"):
            self._engine.api.create_volume(
                name, labels={labels.HOME: self._engine.installation, **more}
            )

    def _fill(self, name: str, members: Callable[[], Iterable[Member]]) -> None:
        api = self._engine.api
        with translated("fill a volume"):
            helper = api.create_container(
                self._image,
                ["true"],
                labels={labels.HOME: self._engine.installation, labels.KIND: "helper"},
                host_config=api.create_host_config(binds=[f"{name}:{FILL_AT}"]),
            )["Id"]
            try:
                if not self._is_complete(helper):
                    files.put(self._engine, helper, FILL_AT, members())
                    files.put(self._engine, helper, FILL_AT, [Member(COMPLETE, b"")])
            finally:
                api.remove_container(helper, force=True)

    def _is_complete(self, helper: str) -> bool:
        try:
            with files.opened(self._engine, helper, f"{FILL_AT}/{COMPLETE}"):
                return True
        except FileNotFoundError:
            return False

    def _drop_others(self, role: str, keep: str) -> None:
        """Remove volumes of earlier versions, but those builds still use."""
        api = self._engine.api
        wanted = [f"{labels.HOME}={self._engine.installation}", f"{ROLE}={role}"]
        with translated("remove old volumes"):
            found = api.volumes(filters={"label": wanted})["Volumes"] or []
            for volume in found:
                if volume["Name"] != keep:
                    try:
                        api.remove_volume(volume["Name"])
                    except docker.errors.APIError as error:
                        if status_of(error) not in {404, 409}:
                            raise


def tree(folder: Path) -> Iterator[Member]:
    """The files of a folder in a fixed order, readable by all, without what Python compiled."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if "__pycache__" in path.parts:
            continue
        if path.is_dir():
            yield Member(name, None, mode=0o755)
        elif path.is_file():
            executable = path.stat().st_mode & 0o100
            yield Member(name, path.read_bytes(), mode=0o755 if executable else 0o644)


def digest_of(members: Iterable[Member]) -> str:
    """A hex digest that changes with any name, mode or content."""
    total = hashlib.sha256()
    for member in members:
        content = member.content if isinstance(member.content, bytes) else b""
        total.update(f"{member.name}\0{member.mode}\0{len(content)}\0".encode() + content)
    return total.hexdigest()
