"""Many writers at once, through the whole application."""

import threading

WRITERS = 50


def test_fifty_config_writers(api, hello):
    """Fifty writers at once make fifty releases: no number twice, none left out, no change lost."""
    start, statuses = threading.Barrier(WRITERS), []

    def write(number):
        start.wait()
        body = {f"KEY_{number}": str(number)}
        statuses.append(api.answer("PATCH", "/apps/hello/config-vars", body).status_code)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * WRITERS
    assert api.get("/apps/hello/config-vars") == {f"KEY_{n}": str(n) for n in range(WRITERS)}
    versions = [row["version"] for row in api.get("/apps/hello/releases")]
    assert versions == list(range(1, WRITERS + 3))
    assert api.get("/kedge/apps/hello/releases/verify")["verified"] is True


def test_apps_made_at_once(api):
    """The very first apps of an installation can be made at the same time."""
    start, statuses = threading.Barrier(8), []

    def make(number):
        start.wait()
        statuses.append(api.answer("POST", "/apps", {"name": f"app-{number}"}).status_code)

    threads = [threading.Thread(target=make, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 8
    assert len(api.get("/apps")) == 8


def test_scaling_at_once(api, deployer, hello):
    """Relative changes of one quantity at the same time all count."""
    deployer.deploy()
    start = threading.Barrier(10)

    def scale():
        start.wait()
        api.patch("/apps/hello/formation/worker", {"quantity": "+1"})

    threads = [threading.Thread(target=scale) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert api.get("/apps/hello/formation/worker")["quantity"] == 10
