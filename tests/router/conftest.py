import pytest

from router.harness import Dyno, Router


@pytest.fixture(scope="session")
def shared_platform():
    """Stands for the platform's web process."""
    dyno = Dyno("platform")
    yield dyno
    dyno.stop()


@pytest.fixture(scope="session")
def router(shared_platform):
    """A router that tests share; each uses apps of its own."""
    router = Router(
        platform=f"127.0.0.1:{shared_platform.port}",
        https=True,
        slots=64,
        first_byte_seconds=1,
        idle_seconds=2,
    )
    yield router.start().ready()
    router.stop()


@pytest.fixture
def own_router():
    """Makes routers for one test alone, with the settings given."""
    routers = []

    def make(**settings):
        routers.append(Router(**settings).start().ready())
        return routers[-1]

    yield make
    for router in routers:
        router.stop()


@pytest.fixture
def dynos():
    """Makes dynos, and stops them after the test."""
    made = []

    def make(name="dyno"):
        made.append(Dyno(name))
        return made[-1]

    yield make
    for dyno in made:
        dyno.stop()
