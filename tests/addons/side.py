"""A provider process in this one: application, worker, and the platform's way to ask it."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
from werkzeug.serving import make_server

from partner_contract import Platform, Subject, request_of


class Side:
    """The application on a loopback port, its worker, and a platform that it calls back."""

    def __init__(self, settings):
        from kedge_addons import catalogue, keys, web
        from kedge_addons.lifecycle import Lifecycle
        from kedge_addons.worker import Worker

        self.settings = settings
        self.keys = keys.load(settings.home)
        self.tools = catalogue.tools(settings, self.keys)
        self.tools.database.migrate()
        self.worker = Worker()
        self.lifecycle = Lifecycle(self.tools, catalogue.services(self.tools), self.worker.wake)
        self.worker.start(self.lifecycle)
        self.app = web.create(self.lifecycle, self.keys)
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.worker.stop()
        self.tools.database.close()

    def subject(self, service, **more):
        """The service as the contract asks it."""
        offer = self.lifecycle.services[service].offer
        return Subject(
            base_url=f"{self.url}/{service}/heroku/resources",
            service=service,
            sso_url=f"{self.url}/provider/{service}/sso/login",
            password=self.keys.password(service),
            sso_salt=self.keys.sso_salt(service),
            plan=offer.plans[0].name,
            config_vars=tuple(offer.config_vars),
            other_plan=offer.plans[1].name if len(offer.plans) > 1 else None,
            **more,
        )

    def ask(self, service, method, path, **more):
        """A call of the platform's beyond the partner API."""
        auth = (service, self.keys.password(service))
        with httpx.Client(auth=auth, timeout=120, trust_env=False, verify=False) as client:
            return client.request(method, f"{self.url}/{service}/kedge/resources/{path}", **more)

    @contextmanager
    def made(self, service, plan=None, **options) -> Iterator["Made"]:
        """A resource with a platform of its own. It goes with the module's installation."""
        subject, platform, resource_id = self.subject(service), Platform(), str(uuid.uuid4())
        try:
            request = request_of(subject, platform, resource_id)
            request |= {"options": options} | ({"plan": plan} if plan else {})
            response = subject.ask("POST", json=request)
            assert response.status_code in {201, 202}, response.text
            if response.status_code == 202:
                assert platform.wait_for(resource_id, 60)
            yield Made(self, service, resource_id, request["name"], platform)
        finally:
            platform.close()


class Made:
    """One resource under test."""

    def __init__(self, side, service, resource_id, name, platform):
        self.side, self.service, self.id = side, service, uuid.UUID(resource_id)
        self.name, self.platform = name, platform

    def ask(self, method, path="", **more):
        """What the platform asks beyond the partner API; its JSON."""
        response = self.side.ask(self.service, method, f"{self.id}{path}", **more)
        assert response.status_code < 300, response.text
        return response.json()

    def partner(self, method, path="", **more):
        """The partner API about it; the response."""
        return self.side.subject(self.service).ask(method, f"/{self.id}{path}", **more)

    @property
    def resource(self):
        return self.side.tools.resources.get(self.id)

    @property
    def config(self):
        """Its config vars as the provider has them now."""
        return self.side.lifecycle.services[self.service].config(self.resource)

    def told(self):
        """Its config vars, once the platform has been told those there are now."""
        wait_until(lambda: self.platform.config.get(str(self.id)) == self.config)
        return self.config

    def end_grace(self):
        """Have the moment come at which old credentials end."""
        with self.side.lifecycle.changing(
            self.side.lifecycle.services[self.service], self.id
        ) as it:
            now = datetime.now(UTC).isoformat()
            ending = dict.fromkeys(it.facts["ending"], now)
            self.side.tools.resources.keep(it, facts={"ending": ending})
        self.side.tools.resources.look_soon(self.id)
        self.side.worker.wake()

    @property
    def container(self):
        import docker

        return docker.from_env().containers.get(self.side.tools.instances.name(self.id))


def wait_until(is_so, seconds=60.0, what=""):
    """What it gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what or is_so}"
        time.sleep(0.05)
    return found
