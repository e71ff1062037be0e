"""A builder under test and what to ask of it."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from kedge.engine.protocols import Builder, BuildSpec, Built, SlugStore
from kedge.settings import Settings

RUNNER = Path(__file__).with_name("runner.py")
BUILDPACKS = Path(__file__).resolve().parents[2] / "buildpacks"
NONE_STANDS_BY = {"stands_by": False, "afterwards_seconds": 0.0}
# What of the real runner talks to the platform.
REAL = ("_runner/serve.py", "_runner/parcels.py", "_runner/layout.py", "_lib/refusal.py")


@dataclass
class BuildLab:
    """Builds sources that are given as files; `said` is what the builds wrote."""

    builder: Builder
    slugs: SlugStore
    folder: Path
    settings: Settings | None = None
    installation: str = ""
    app_id: UUID = field(default_factory=uuid4)
    said: bytearray = field(default_factory=bytearray)

    def spec(self, files: Mapping[str, str], **changes: Any) -> BuildSpec:
        """A build of these files."""
        source = self.folder / f"{uuid4().hex}.tar"
        with tarfile.open(source, "w") as tar:
            for name, text in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(text.encode())
                tar.addfile(info, io.BytesIO(text.encode()))
        spec = BuildSpec(
            build_id=uuid4(),
            app_id=self.app_id,
            app_name="demo",
            stack="kedge-13",
            buildpacks=(),
            source=source,
            source_version="1a2b3c4d",
            commit_time=1_700_000_000,
            env={"GREETING": "hello"},
            known_layers=(),
        )
        return replace(spec, **changes)

    def build(
        self,
        files: Mapping[str, str],
        cancelled: Callable[[], bool] = lambda: False,
        **changes: Any,
    ) -> Built:
        """Build these files."""
        return self.builder.build(self.spec(files, **changes), self.said.extend, cancelled)

    def script(self, *lines: str, **changes: Any) -> Built:
        """Run these lines of Python as a build, on the real builder."""
        return self.build({"build.py": "\n".join(lines)}, **changes)


def docker_builder(
    settings: Settings,
    installation: str,
    slugs: SlugStore,
    folder: Path,
    **options: Any,
) -> Any:
    """The real builder with the stand-in runner; no container waits unless that is asked for."""
    from kedge.engine.docker.builder import DockerBuilder

    buildpacks = folder / "buildpacks"
    for name in REAL:
        (buildpacks / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILDPACKS / name, buildpacks / name)
    (buildpacks / "_runner" / "stages.py").write_text(RUNNER.read_text())
    return DockerBuilder(settings, installation, slugs, buildpacks, **{**NONE_STANDS_BY, **options})
