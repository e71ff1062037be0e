"""A client of the API over the real WSGI application, whose every answer must fit the schema."""

import gzip
import io
import tarfile
import uuid
from types import SimpleNamespace

import pytest

from api.schema import check_answer


@pytest.fixture(scope="session")
def _applications():
    """The one application, once there is one: to make its rules takes longer than most tests."""
    return []


@pytest.fixture
def application(services, _applications):
    """The application, with the services of this test."""
    from kedge.api import context
    from kedge.api.application import create

    if not _applications:
        _applications.append(create(services))
    context.install(_applications[0], services)
    return _applications[0]


@pytest.fixture
def api(application, owner):
    """Calls of the API as the installation's owner."""
    return Api(application, owner.token)


class Api:
    """Calls of the API with a token; each answer is held against the official schema."""

    def __init__(self, application, token):
        self.application, self.token = application, token

    def get(self, path, status=200, **more):
        return self.call("GET", path, status, **more)

    def post(self, path, body=None, status=201, **more):
        return self.call("POST", path, status, body, **more)

    def patch(self, path, body=None, status=200, **more):
        return self.call("PATCH", path, status, body, **more)

    def put(self, path, body=None, status=200, **more):
        return self.call("PUT", path, status, body, **more)

    def delete(self, path, status=200, **more):
        return self.call("DELETE", path, status, **more)

    def call(self, method, path, status, body=None, **more):
        """One call that must have this status; its JSON."""
        answer = self.answer(method, path, body, **more)
        assert answer.status_code == status, f"{answer.status_code}: {answer.get_data()[:500]}"
        return answer.json

    def answer(self, method, path, body=None, *, headers=None, **more):
        """One call; its whole answer."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if body is not None:
            more["json"] = body
        answer = self.application.test_client().open(path, method=method, headers=headers, **more)
        check_answer(method, path, answer)
        return answer

    def pages(self, path, span):
        """All pages of a list, following Next-Range as clients do."""
        found = []
        while span:
            answer = self.answer("GET", path, headers={"Range": span})
            assert answer.status_code in {200, 206}
            found.append(answer.json)
            span = answer.headers.get("Next-Range")
            assert bool(span) == (answer.status_code == 206)
        return found


@pytest.fixture
def hello(api):
    """An app without code."""
    return SimpleNamespace(**api.post("/apps", {"name": "hello"}))


def tarball(**files):
    """A gzipped source archive of these files; `__` in a name is a dot."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)


class Deployer:
    """Deploys by the API, with a builder and a supervisor that take no time."""

    def __init__(self, api, services, builder):
        self.api, self.services, self.builder = api, services, builder

    def upload(self, archive):
        """Where a build gets the archive."""
        blob = self.api.post("/sources", {})["source_blob"]
        self.api.put(_path(blob["put_url"]), data=archive)
        return blob["get_url"]

    def build(self, app="hello", **files):
        """A build that has ended, of an archive with these files."""
        from kedge.ops import builds

        files = files or {"Procfile": "web: python app.py\nworker: python worker.py\n"}
        source = {"url": self.upload(tarball(**files)), "version": uuid.uuid4().hex}
        build = self.api.post(f"/apps/{app}/builds", {"source_blob": source})
        builds.run(self.services, self.builder, uuid.UUID(build["id"]))
        return self.api.get(f"/apps/{app}/builds/{build['id']}")

    def deploy(self, app="hello", **files):
        """A release that is live."""
        release_id = self.build(app, **files)["release"]["id"]
        release = self.api.get(f"/apps/{app}/releases/{release_id}")
        return self.go_live(app, release["version"])

    def go_live(self, app, version):
        """Say of a release what the supervisor says when its dynos are up."""
        from kedge.ops import releases

        with self.services.database.transaction() as tx:
            row = _release(tx, app, version)
            releases.succeed(self.services, tx, row.app, row)
        return self.api.get(f"/apps/{app}/releases/{version}")

    def fail(self, app, version):
        """Say of a release what the supervisor says when its dynos did not come up."""
        from kedge.ops import releases

        with self.services.database.transaction() as tx:
            row = _release(tx, app, version)
            releases.fail(self.services, tx, row.app, row, {"reason": "It did not boot."})

    def expire(self, app, version):
        """Say of a release what the supervisor says when a newer one made it unnecessary."""
        from kedge.ops import releases

        with self.services.database.transaction() as tx:
            releases.expire(_release(tx, app, version))

    def dyno(self, app="hello", **columns):
        """A dyno of the app's newest release, as the supervisor writes it."""
        from kedge.model.dyno import Dyno

        with self.services.database.transaction() as tx:
            release = _newest(tx, app)
            usual = {"kind": "dyno", "type": "web", "ordinal": 1, "size": "Standard-1X"}
            usual |= {"command": "python app.py", "state": "up", "id": uuid.uuid4()}
            row = Dyno(app_id=release.app_id, release_id=release.id, **{**usual, **columns})
            tx.add(row)
            return str(row.id)


@pytest.fixture
def deployer(api, services):
    from kedge.engine.fakes.builder import FakeBuilder

    return Deployer(api, services, FakeBuilder(services.slugs))


def _release(tx, app, version):
    from sqlalchemy import select

    from kedge.model.app import App
    from kedge.model.release import Release

    query = select(Release).join(App, Release.app_id == App.id)
    return tx.scalars(query.where(App.name == app, Release.version == version)).one()


def _newest(tx, app):
    from sqlalchemy import select

    from kedge.model.app import App

    return _release(tx, app, tx.scalars(select(App).where(App.name == app)).one().last_version)


def _path(url):
    return "/" + url.split("/", 3)[3]
