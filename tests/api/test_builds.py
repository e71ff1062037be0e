"""Sources, builds and their output over the API."""

import hashlib
import io
import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from api.conftest import Api, tarball
from kedge import clock
from kedge.api.application import create
from kedge.engine.protocols import LogFilter
from kedge.errors import BuildFailed
from kedge.model.build import Build
from kedge.model.output import Output
from kedge.ops import build_queue, builds, outputs, sources

ARCHIVE = tarball(Procfile="web: python app.py\n")


def test_a_source_is_uploaded_once(api):
    """An archive is put without credentials, got back as it was, and never put again."""
    blob = api.post("/sources", {})["source_blob"]
    path = blob["put_url"].removeprefix("http://localhost")
    client = api.application.test_client()
    assert client.get(path).status_code == 404
    assert client.put(path, data=ARCHIVE).json == {"size": len(ARCHIVE)}
    assert client.get(blob["get_url"].removeprefix("http://localhost")).data == ARCHIVE
    assert client.put(path, data=b"other").status_code == 409
    assert client.get(path).data == ARCHIVE


def test_uploads_to_no_source(api):
    """An upload to a source that nobody asked for is refused."""
    client = api.application.test_client()
    for unknown in (str(uuid.uuid4()), "x", "..%2f..%2fsecret.key"):
        assert client.put(f"/sources/{unknown}", data=b"x").status_code in {404, 405}


def test_uploads_that_are_too_large(services, owner):
    """An upload over the limit is refused, also when it does not say how long it is."""
    small = replace(services, settings=replace(services.settings, source_limit_mb=1))
    api = Api(create(small), owner.token)
    client = api.application.test_client()
    path = api.post("/sources", {})["source_blob"]["put_url"].removeprefix("http://localhost")
    too_large = bytes(1024 * 1024 + 1)
    assert client.put(path, data=too_large).status_code == 413
    chunked = {"wsgi.input_terminated": True}
    answer = client.put(path, input_stream=io.BytesIO(too_large), environ_overrides=chunked)
    assert answer.status_code == 413
    assert client.get(path).status_code == 404
    assert client.put(path, data=b"small").status_code == 200


def test_the_older_form_of_sources(api, hello):
    """A source can be asked for under an app's path too."""
    assert api.post("/apps/hello/sources", {})["source_blob"]["put_url"]
    api.post("/apps/nothing/sources", {}, 404)


def test_a_build_from_upload_to_release(api, deployer, services, hello):
    """A build of an uploaded source is pending at once, and ends with a slug and a release."""
    source = {"url": deployer.upload(ARCHIVE), "version": "1a2b3c4d5e6f"}
    source["checksum"] = f"SHA256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    build = api.post("/apps/hello/builds", {"source_blob": source})
    assert (build["status"], build["release"], build["slug"]) == ("pending", None, None)
    assert build["source_blob"]["checksum"] == source["checksum"]
    assert services.queue.builds == [uuid.UUID(build["id"])]
    builds.run(services, deployer.builder, uuid.UUID(build["id"]))
    done = api.get(f"/apps/hello/builds/{build['id']}")
    assert done["status"] == "succeeded"
    release = api.get(f"/apps/hello/releases/{done['release']['id']}")
    assert release["description"] == "Deploy 1a2b3c4d"
    assert api.get("/apps/hello")["slug_size"] > 0


def test_the_output_of_a_build(api, deployer, hello):
    """A build's output is read by its address alone, from its first line to its last."""
    build = deployer.build()
    answer = api.application.test_client().get(_path(build["output_stream_url"]))
    assert answer.mimetype == "text/plain"
    assert answer.text.startswith("-----> Building on the Fake stack\n")
    assert answer.text.endswith("Released v3\n")


def test_an_output_is_read_while_it_comes(api, services, hello):
    """What is written to an output reaches a reader at once, and its end ends the answer."""
    output_id = uuid.uuid4()
    outputs.begin(services, uuid.UUID(hello.id), output_id)
    outputs.write(services, output_id, b"one\n")
    stream = api.application.test_client().get(f"/output/{output_id}").iter_encoded()
    assert next(stream) == b"one\n"
    outputs.write(services, output_id, b"two\n")
    assert next(stream) == b"two\n"
    threading.Timer(0.05, lambda: outputs.finish(services, output_id)).start()
    assert b"".join(stream) == b""


def test_an_output_ends_with_its_app(api, services, hello):
    """Who follows the output of an app that is destroyed meanwhile is not left waiting."""
    with services.database.transaction() as tx:
        outputs.open_in(tx, uuid.UUID(hello.id), output_id := uuid.uuid4())
    outputs.write(services, output_id, b"one\n")
    stream = api.application.test_client().get(f"/output/{output_id}").iter_encoded()
    assert next(stream) == b"one\n"
    with services.database.transaction() as tx:
        tx.execute(delete(Output).where(Output.id == output_id))
    assert list(stream) == []


def test_no_output_yet(api):
    """An output that has not begun is 404, as clients expect that ask again."""
    for unknown in (str(uuid.uuid4()), "x", "%00"):
        assert api.application.test_client().get(f"/output/{unknown}").status_code == 404


def test_a_failed_build(api, deployer, hello):
    """A build that fails says so, makes no release, and its output has the reason."""
    deployer.builder.fail_with = BuildFailed("requirements.txt: no such package: flsk")
    build = deployer.build()
    assert (build["status"], build["release"]) == ("failed", None)
    output = api.application.test_client().get(_path(build["output_stream_url"])).text
    assert "no such package: flsk" in output
    assert len(api.get("/apps/hello/releases")) == 2


def test_a_failure_tells_no_config(api, deployer, services, hello):
    """A value of the config is scrubbed from a failed build's output, reason and log line."""
    api.patch("/apps/hello/config-vars", {"PASSWORD": "correct-horse"})
    deployer.builder.fail_with = BuildFailed("no login at https://u:correct-horse@example.com")
    build = deployer.build()
    output = api.application.test_client().get(_path(build["output_stream_url"])).text
    assert "no login at https://u:[PASSWORD]@example.com" in output
    lines, _ = services.logs.tail(uuid.UUID(hello.id), 100, LogFilter(None, None))
    failed = [line.text for line in lines if line.text.startswith("Build failed")]
    assert failed == ["Build failed -- no login at https://u:[PASSWORD]@example.com"]
    with services.database.transaction() as tx:
        assert "correct-horse" not in tx.get_one(Build, uuid.UUID(build["id"])).failure


def test_a_build_whose_worker_died(api, deployer, services, hello):
    """Its lease runs out: it ends in words, and the app's next one is handed to the queue."""
    first, second = (begun(api, deployer) for _ in range(2))
    assert build_queue.claim(services, first)
    late = replace(services, now=lambda: clock.now() + timedelta(seconds=20))
    services.queue.builds.clear()
    build_queue.reap(services)
    assert build_queue.running(services) == [first]
    assert services.queue.builds == []
    build_queue.reap(late)
    assert build_queue.running(services) == []
    assert services.queue.builds == [second]
    done = api.get(f"/apps/hello/builds/{first}")
    assert done["status"] == "failed"
    output = api.application.test_client().get(_path(done["output_stream_url"])).text
    assert "worker was stopped or died" in output


def test_a_lease_prolonged_in_the_last_moment_holds(api, deployer, services, hello):
    """A build whose heart writes in this very moment is left alone, and counts as running."""
    build_id = begun(api, deployer)
    assert build_queue.claim(services, build_id)
    late = replace(services, now=lambda: clock.now() + timedelta(seconds=20))
    with services.database.transaction() as tx:
        tx.lock(Build, build_id)
        build_queue.reap(late)
    assert build_queue.running(services) == [build_id]
    assert api.get(f"/apps/hello/builds/{build_id}")["status"] == "pending"


def test_waiting_builds_are_enqueued_again_now_and_then(api, deployer, services, hello):
    """What the queue lost is handed to it again after a minute, not at every look."""
    build_id = begun(api, deployer)
    services.queue.builds.clear()
    build_queue.reap(services)
    assert services.queue.builds == []
    late = replace(services, now=lambda: clock.now() + timedelta(seconds=61))
    build_queue.reap(late)
    build_queue.reap(late)
    assert services.queue.builds == [build_id]
    services.queue.builds.clear()
    services.queue.down = True
    build_queue.hand_on(services, uuid.UUID(hello.id))
    services.queue.down = False
    build_queue.reap(services)
    assert services.queue.builds == [build_id]


def test_the_source_of_a_build_that_waits_is_kept(api, deployer, services, hello):
    """The janitor asks which sources builds still need before it removes old ones."""
    build_id = begun(api, deployer)
    with services.database.transaction() as tx:
        source_id = tx.get_one(Build, build_id).source_id
        assert sources.awaited(tx) == {source_id}
    builds.run(services, deployer.builder, build_id)
    with services.database.transaction() as tx:
        assert sources.awaited(tx) == set()


def begun(api, deployer):
    """The id of a build nobody has taken yet."""
    body = {"source_blob": {"url": deployer.upload(ARCHIVE)}}
    return uuid.UUID(api.post("/apps/hello/builds", body)["id"])


def test_cancel(api, deployer, services, hello):
    """A build that waits is cancelled at once; one that has ended is a conflict."""
    body = {"source_blob": {"url": deployer.upload(ARCHIVE)}}
    build = api.post("/apps/hello/builds", body)
    assert api.delete(f"/apps/hello/builds/{build['id']}")["status"] == "failed"
    output = api.application.test_client().get(_path(build["output_stream_url"])).text
    assert "cancelled before it began" in output
    assert api.delete(f"/apps/hello/builds/{build['id']}", 409)["id"] == "conflict"
    builds.run(services, deployer.builder, uuid.UUID(build["id"]))
    assert len(api.get("/apps/hello/releases")) == 2
    api.delete(f"/apps/hello/builds/{uuid.uuid4()}", 404)


def test_a_build_while_the_queue_is_away(api, deployer, services, hello):
    """A build is accepted while the queue is down; it begins when it is back."""
    services.queue.down = True
    body = {"source_blob": {"url": deployer.upload(ARCHIVE)}}
    assert api.post("/apps/hello/builds", body)["status"] == "pending"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source_blob": None},
        {"source_blob": "x"},
        {"source_blob": {"url": 7}},
        {"source_blob": {"url": "http://x/y.tgz", "checksum": "MD5:1"}},
        {"source_blob": {"url": "http://x/y.tgz", "checksum": "x" * 500}},
        {"source_blob": {"url": "http://x/y.tgz", "version": "v" * 300}},
        {"source_blob": {"url": "http://x/y.tgz"}, "buildpacks": "python"},
        {"source_blob": {"url": "http://x/y.tgz"}, "buildpacks": [{"url": "cobol"}]},
        {"source_blob": {"url": "http://x/y.tgz"}, "buildpacks": [{}]},
    ],
)
def test_builds_that_may_not_be(api, hello, body):
    """A build without a source, or with members of the wrong kind, is refused in words."""
    assert api.post("/apps/hello/builds", body, 422)["message"]
    assert api.get("/apps/hello/builds") == []


def test_addresses_that_cannot_be_read(api, hello):
    """An address that is none is taken as it is: the build says that it cannot be fetched."""
    for url in ("http://[x", "/sources/" + "0" * 40, "sources", f"http://x/sources/{uuid.uuid4()}"):
        build = api.post("/apps/hello/builds", {"source_blob": {"url": url}})
        assert build["source_blob"]["url"] == url


def test_pages_of_builds(api, deployer, hello):
    """The newest builds come first when asked so, with the releases they made."""
    made = [deployer.build()["id"] for _ in range(3)]
    pages = api.pages("/apps/hello/builds", "created_at ..; order=desc,max=2")
    assert [build["id"] for page in pages for build in page] == made[::-1]
    assert all(build["release"] for page in pages for build in page)
    assert [build["id"] for build in api.get("/apps/hello/builds")] == made


def test_the_build_cache(api, services, hello):
    """The worker is told to drop an app's build cache; without a queue the answer is 503."""
    assert api.delete("/apps/hello/build-cache", 202) == {}
    assert services.queue.forgotten == [uuid.UUID(hello.id)]
    services.queue.down = True
    assert api.delete("/apps/hello/build-cache", 503)["id"] == "service_unavailable"
    api.delete("/apps/nothing/build-cache", 404)


def test_buildpacks(api, deployer, services, hello):
    """An app's buildpacks are set in their order, and its next build takes them."""
    url = "/apps/hello/buildpack-installations"
    assert api.get(url) == []
    wanted = {"updates": [{"buildpack": "heroku/nodejs"}, {"buildpack": "python"}]}
    assert [row["buildpack"]["name"] for row in api.put(url, wanted)] == ["nodejs", "python"]
    assert [row["ordinal"] for row in api.get(url)] == [0, 1]
    assert [each["name"] for each in deployer.build()["buildpacks"]] == ["nodejs", "python"]
    assert api.put(url, {"updates": []}) == []
    for bad in ([{"buildpack": "cobol"}], ["python"], [{}], "python"):
        assert api.put(url, {"updates": bad}, 422)["message"]


def _path(url):
    return "/" + url.split("/", 3)[3]
