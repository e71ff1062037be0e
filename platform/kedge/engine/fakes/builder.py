"""A builder in memory: the source itself becomes the slug."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Callable, Collection
from uuid import UUID

from kedge.engine.protocols import BuildSpec, Built, SlugStore
from kedge.engine.slugs import slug_of
from kedge.errors import BuildCancelled, KedgeError

STEP_SECONDS = 0.02


class FakeBuilder:
    """A `Builder` that takes process types from the source's Procfile and runs nothing.

    `fail_with` makes builds end with that error; while `gate` is cleared, builds stay in the
    middle of their work; `specs` are the builds asked for.
    """

    def __init__(self, slugs: SlugStore) -> None:
        self._slugs = slugs
        self.fail_with: KedgeError | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.specs: list[BuildSpec] = []
        self.swept: list[tuple[UUID, ...]] = []
        self.forgotten: list[UUID] = []

    def build(
        self, spec: BuildSpec, emit: Callable[[bytes], None], cancelled: Callable[[], bool]
    ) -> Built:
        """Make a slug of the source."""
        self.specs.append(spec)
        emit(b"-----> Building on the Fake stack\n")
        while not self.gate.wait(STEP_SECONDS) or cancelled():
            if cancelled():
                raise BuildCancelled("The build was cancelled.")
        if self.fail_with is not None:
            raise self.fail_with
        with spec.source.open("rb") as tar:
            layer = self._slugs.add(tar, "source")
        emit(b"-----> Done\n")
        return Built(
            slug=slug_of([layer]),
            process_types=_process_types(spec),
            description="Fake",
            buildpacks=({"name": "fake", "version": "1"},),
        )

    def sweep(self, running: Callable[[], Collection[UUID]]) -> None:
        """Remember which ran."""
        self.swept.append(tuple(running()))

    def forget_cache(self, app_id: UUID) -> None:
        """Remember what was asked."""
        self.forgotten.append(app_id)


def _process_types(spec: BuildSpec) -> dict[str, str]:
    with tarfile.open(spec.source) as tar:
        name = next((n for n in tar.getnames() if n.removeprefix("./") == "Procfile"), None)
        file = tar.extractfile(name) if name else None
        lines = file.read().decode().splitlines() if file else []
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {kind.strip(): command.strip() for kind, _, command in pairs}
