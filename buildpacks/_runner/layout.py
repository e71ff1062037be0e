"""Where everything lies in the build container."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from _lib.refusal import Refused


@dataclass(frozen=True, slots=True)
class Layout:
    """The container's folders. `kedge` is what all builds are given, `order` what this one is for,
    `volume` is kept between an app's builds.

    `app` is what buildpacks get as BUILD_DIR: in the build image a link into the volume, so that
    paths written down by a build hold in the dyno, and trees move between cache and build folder
    by rename.
    """

    kedge: Path = Path("/kedge")
    order: Path = Path("/tmp/order")  # noqa: S108  (the container is the build's alone)
    volume: Path = Path("/build")
    app: Path = Path("/app")

    @property
    def source_tar(self) -> Path:
        """The source, a plain tar."""
        return self.order / "source.tar"

    @property
    def request(self) -> Path:
        """What to build, as JSON."""
        return self.order / "build.json"

    @property
    def env_dir(self) -> Path:
        """Config vars, one file a key."""
        return self.kedge / "env"

    @property
    def tools(self) -> Path:
        """Programs the platform lends to buildpacks."""
        return self.kedge / "tools"

    @property
    def buildpacks(self) -> Path:
        """The buildpacks, read-only."""
        return self.kedge / "buildpacks"

    @property
    def cache(self) -> Path:
        """CACHE_DIR, kept between builds."""
        return self.volume / "cache"

    @property
    def layer_record(self) -> Path:
        """Digests of the layers of earlier builds, by fingerprint; kept between builds."""
        return self.volume / "layers.json"

    @property
    def work(self) -> Path:
        """Scratch space, empty when a build starts."""
        return self.volume / "work"

    @property
    def build_dir(self) -> Path:
        """Where `app` leads to."""
        return self.work / "app"

    @property
    def own_buildpacks(self) -> Path:
        """Writable copies of the buildpacks in use: they leave an `export` file in their folder."""
        return self.work / "buildpacks"

    @property
    def declared(self) -> Path:
        """Where buildpacks declare dependency trees (KEDGE_DEPENDENCIES)."""
        return self.work / "dependencies"

    @property
    def reason(self) -> Path:
        """Where a buildpack that refuses leaves its reason (KEDGE_REASON)."""
        return self.work / "reason"

    @property
    def temporary(self) -> Path:
        """TMPDIR: on disk, because the container's /tmp may be small."""
        return self.work / "tmp"

    @property
    def out(self) -> Path:
        """Results: layers and result.json."""
        return self.volume / "out"

    def check(self) -> None:
        """Raise Refused unless `app` leads into the volume, as it does in the build image."""
        if self.app.resolve() != self.build_dir.resolve():
            raise Refused(
                "This build image is not one of Kedge's: /app does not lead to /build/work/app.",
                "Make the stack's images again: kedge stack build",
            )
