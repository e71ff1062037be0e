"""An app with a past: built by a builder that takes no time, run by a supervisor of two lines."""

from __future__ import annotations

import io
import tarfile
import uuid
from datetime import timedelta

from sqlalchemy import select

from kedge.engine.fakes.builder import FakeBuilder
from kedge.engine.protocols import LogLine
from kedge.model.app import App
from kedge.model.dyno import Dyno
from kedge.model.release import Release
from kedge.ops import apps, builds, config_vars, outputs, releases, sources
from kedge.ops.builds import SourceRef

PROCFILE = "web: gunicorn app:app\nworker: celery -A tasks worker\n"


class Shop:
    """An app, and whatever happens to it."""

    def __init__(self, services, owner, name):
        self.services, self.owner, self.name = services, owner, name
        self.app = apps.create(services, owner, name)

    def deployed(self):
        """Two deploys, config vars, and two web dynos that are up."""
        self.deploy("First version")
        self.deploy("Checkout in one step", PROCFILE.replace("worker\n", "worker -c 2\n"))
        self.config(GREETING="Ahoy", STRIPE_KEY="sk_live_hunter2hunter2")
        self.dyno()
        return self

    def build(self, subject="A change", procfile=PROCFILE, *, run=True, output=b""):
        """A build, run to its end or left waiting."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            member = tarfile.TarInfo("Procfile")
            member.size = len(procfile)
            tar.addfile(member, io.BytesIO(procfile.encode()))
        source = sources.keep(self.services, self.app.id, lambda f: f.write(packed.getvalue()))
        asked = SourceRef(
            id=source, version=uuid.uuid4().hex + "0" * 8, version_description=subject
        )
        build = builds.start(self.services, self.owner, self.name, asked)
        if output:
            self.print(build.output_id, output)
        if run:
            self.finish(build)
        return build

    def finish(self, build):
        """Run a build that waits."""
        builds.run(self.services, FakeBuilder(self.services.slugs), build.id)

    def print(self, output_id, payload):
        """More output."""
        outputs.write(self.services, output_id, payload)

    def deploy(self, subject="A change", procfile=PROCFILE):
        """A build whose release goes live; its number."""
        self.build(subject, procfile)
        return self.go_live()

    def config(self, **changes):
        """Config vars, live."""
        config_vars.update(self.services, self.owner, self.name, changes)
        return self.go_live()

    def go_live(self):
        """Say of the newest release what the supervisor says when its dynos are up."""
        with self.services.database.transaction() as tx:
            release = self._newest(tx)
            releases.succeed(self.services, tx, release.app, release)
            return release.version

    def fail(self, reason="It did not boot."):
        """Say of the newest release what the supervisor says when its dynos did not come up."""
        with self.services.database.transaction() as tx:
            release = self._newest(tx)
            releases.fail(self.services, tx, release.app, release, {"reason": reason, "code": None})
            return release.version

    def dyno(self, type_="web", ordinal=1, state="up", **columns):
        """A dyno of the release that runs; its id."""
        now = self.services.now()
        with self.services.database.transaction() as tx:
            head = releases.head(tx, tx.get_one(App, self.app.id))
            row = Dyno(
                id=uuid.uuid4(), app_id=self.app.id, release_id=head.id, kind="dyno", type=type_,
                ordinal=ordinal, size="Standard-1X", command="gunicorn app:app", state=state,
                started_at=now - timedelta(minutes=13), up_at=now - timedelta(minutes=12),
                **columns,
            )  # fmt: skip
            tx.add(row)
            return row.id

    def change_dyno(self, dyno_id, **columns):
        """A dyno moves on."""
        with self.services.database.transaction() as tx:
            row = tx.get_one(Dyno, dyno_id)
            for name, value in columns.items():
                setattr(row, name, value)

    def log(self, *texts, process="web.1", source="app"):
        """Lines of its log."""
        at_ns = int(self.services.now().timestamp() * 1e6) * 1000
        lines = [LogLine(at_ns + n, source, process, text) for n, text in enumerate(texts)]
        self.services.logs.append(self.app.id, lines)

    def version(self):
        """The number of its newest release."""
        with self.services.database.transaction() as tx:
            return self._newest(tx).version

    def path(self, *parts):
        """A page of it."""
        return "/".join(["/dashboard/apps", self.name, *map(str, parts)])

    def _newest(self, tx):
        query = select(Release).where(Release.app_id == self.app.id)
        return tx.scalars(query.order_by(Release.version.desc()).limit(1)).one()
