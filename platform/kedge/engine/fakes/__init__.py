"""The outside world in memory, for tests without Docker, HAProxy or Redis.

Each fake keeps its protocol's contract (tests/contract runs the same tests against it and the
real one) and adds ways to make things happen: a dyno's end, an engine that is away. Not here:
anything the product itself runs with.
"""

from kedge.engine.fakes.attachment import FakeAttachment
from kedge.engine.fakes.builder import FakeBuilder
from kedge.engine.fakes.router import FakeRouter
from kedge.engine.fakes.runtime import FakeDyno, FakeRuntime
from kedge.engine.fakes.signals import FakeQueue, FakeWakes
from kedge.engine.fakes.slugs import FakeSlugStore

__all__ = [
    "FakeAttachment",
    "FakeBuilder",
    "FakeDyno",
    "FakeQueue",
    "FakeRouter",
    "FakeRuntime",
    "FakeSlugStore",
    "FakeWakes",
]
