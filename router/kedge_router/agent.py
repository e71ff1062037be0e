"""The agent: takes the platform's routes, keeps HAProxy at them, answers when they are in force.

One lock serialises everything that writes. A change is saved, then applied, then seen in force, and
only then acknowledged; so it may be killed anywhere, and the next one goes on from the disk.
"""

import json
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import durable
from .app import App
from .backlog import Backlog
from .certificates import Certificates
from .drain import Reaper, sessions
from .errors import Invalid, NotFound, RouterError, Unavailable
from .journal import say
from .map import RouteMap, refuse_reused_names
from .plan import in_force
from .reconcile import Reconciler
from .runtime import Info, Master
from .settings import Settings

TICK_SECONDS = 1.0
AWAY_SECONDS = 0.1
"""How often HAProxy is looked for when it is not there."""
LOOK_SECONDS = 10.0
"""How often HAProxy is compared with the map although nothing seems to have changed."""
REAP_SECONDS = 1.0


class Agent:
    """What the HTTP API can ask for, and the loop that watches HAProxy."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.map = RouteMap.load(settings.map_path, settings.slots)
        self.master = Master(settings.master_socket, settings.admin_socket, settings.dir / "maps")
        self.reconciler = Reconciler(settings, self.master)
        self.reaper = Reaper(settings.quarantine_seconds)
        self.certificates = Certificates(settings, self.master.current)
        self.backlog = Backlog(settings.log_buffer_bytes)
        self.lock = threading.Lock()
        self.looked_at = self.reaped_at = 0.0
        self.dropped = _dropped_before(settings.dropped_path)

    # -- routes -----------------------------------------------------------------------------------

    def put_app(self, app_id: str, body: object) -> dict[str, Any]:
        """Bring one app's routes into force.

        Raises:
            Invalid, Stale, Conflict: nothing has changed.
            Unavailable: it may or may not be in force; repeat it with the same version.
        """
        began = time.monotonic()
        app = App.parse(app_id, body, self.settings.platform_hosts)
        with self.lock:
            self._refuse_reused_names([app])
            self._change(self.map.put(app, self.reconciler.occupied()))
        return {"version": app.version, "applied_ms": _ms_since(began)}

    def remove_app(self, app_id: str, version: int | None) -> dict[str, Any]:
        """Take an app's routes out of force; an app that is not there is no error."""
        began = time.monotonic()
        with self.lock:
            self._change(self.map.remove(app_id, version))
        return {"applied_ms": _ms_since(began)}

    def resync(self, body: object) -> dict[str, Any]:
        """Bring exactly the given apps into force, in one step."""
        began = time.monotonic()
        match body:
            case {"apps": dict(given)}:
                reserved = self.settings.platform_hosts
                apps = {app_id: App.parse(app_id, app, reserved) for app_id, app in given.items()}
            case _:
                raise Invalid("A resync needs apps: an object of apps by id.")
        with self.lock:
            self._refuse_reused_names(apps.values())
            self._change(self.map.resync(apps, self.reconciler.occupied()))
        return {"apps": len(apps), "applied_ms": _ms_since(began)}

    def _refuse_reused_names(self, apps: Iterable[App]) -> None:
        """Judge by what HAProxy holds, which an agent just started has yet to see."""
        if not self.reconciler.synced_pid:
            self.reconciler.converge(self.map)
        for app in apps:
            refuse_reused_names(app, self.reconciler.known(self.map.slots.get(app.id)))

    def _change(self, route_map: RouteMap) -> None:
        """Save, apply and see in force; the same map again is applied again."""
        if route_map != self.map:
            try:
                route_map.save(self.settings.map_path)
            except OSError as error:
                raise Unavailable(
                    f"The routes could not be saved, and nothing was changed: {error}. "
                    "Make room on the disk, then repeat the request."
                ) from error
            self.map = route_map
        self.reconciler.converge(self.map)

    def apps(self) -> dict[str, Any]:
        """All apps, each with whether HAProxy was just seen to serve it so."""
        with self.lock:
            route_map, observed = self.map, self.master.current.observe()
        served = in_force(route_map, observed, self.master.maps)
        return {
            app_id: {**app.body(), "in_force": app_id in served}
            for app_id, app in route_map.apps.items()
        }

    def app(self, app_id: str) -> dict[str, Any]:
        """One app, as `apps` has it."""
        self._slot(app_id)
        body: dict[str, Any] = self.apps()[app_id]
        return body

    # -- sessions ---------------------------------------------------------------------------------

    def sessions(self, app_id: str) -> dict[str, Any]:
        """Requests in flight on each server HAProxy still knows for the app."""
        found = sessions(self.master, self._slot(app_id))
        return {"servers": {name: asdict(server) for name, server in found.items()}}

    def close_sessions(self, app_id: str, server: str) -> dict[str, Any]:
        """Cut what is in flight on one server (H24), in every worker."""
        slot = self._slot(app_id)
        known = sessions(self.master, slot)
        if server not in known:
            raise NotFound(f"HAProxy knows no server {server} of app {app_id}: it is gone already.")
        for worker in self.master.workers():
            if server in worker.servers(slot):
                worker.cut(slot, server)
        return {"closed": known[server].in_flight}

    def _slot(self, app_id: str) -> str:
        if app_id not in self.map.slots:
            raise NotFound(f"The router serves no app {app_id}.")
        return self.map.slots[app_id]

    # -- certificates -----------------------------------------------------------------------------

    def put_certificate(self, name: str, body: object) -> dict[str, Any]:
        """Serve a certificate, now and after restarts."""
        with self.lock:
            self._require_https()
            self.certificates.put(name, body)
        return {"name": name}

    def remove_certificate(self, name: str) -> dict[str, Any]:
        """Stop serving a certificate."""
        with self.lock:
            self._require_https()
            self.certificates.remove(name)
        return {"name": name}

    def _require_https(self) -> None:
        if not self.settings.https_binds:
            raise Invalid("The router serves no HTTPS: set KEDGE_ROUTER_HTTPS_BINDS.")

    # -- watching ---------------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """Whether HAProxy answers and holds the map."""
        slots = {"total": self.map.slot_count, "used": len(self.map.slots)}
        try:
            info = self.master.current.info()
        except (OSError, KeyError):
            return {"ready": False, "haproxy": None, "slots": slots}
        process = {
            "pid": info.pid,
            "version": info.version,
            "uptime_seconds": info.uptime_seconds,
        }
        return {"ready": info.pid == self.reconciler.synced_pid, "haproxy": process, "slots": slots}

    def watch(self) -> None:
        """Tick for ever, at once when HAProxy ends; what goes wrong is said and tried again."""
        said = ""
        while True:
            try:
                self.tick(time.monotonic())
                said = ""
            except (OSError, KeyError, RouterError) as error:
                if str(error) != said:
                    said = str(error)
                    say("haproxy.unavailable", reason=said)
            if self.master.current.ended_within(TICK_SECONDS):
                time.sleep(AWAY_SECONDS)

    def tick(self, now: float) -> None:
        """One look at HAProxy: resync after its restart and now and then, reap what has drained."""
        info = self.master.current.info()
        self._count_dropped(info)
        restarted = info.pid != self.reconciler.synced_pid
        if restarted or now - self.looked_at > LOOK_SECONDS:
            with self.lock:
                self._look(info, restarted=restarted)
            self.looked_at = now
        if self.reconciler.retiring and now - self.reaped_at > REAP_SECONDS:
            with self.lock:
                self._reap()
            self.reaped_at = now

    def _look(self, info: Info, *, restarted: bool) -> None:
        told = self.reconciler.converge(self.map)
        if told or restarted:
            say("haproxy.resynced", pid=info.pid, restarted=restarted, commands=told)

    def _reap(self) -> None:
        worker = self.master.current
        leaving = self.reaper.step(worker, worker.observe())
        self.reconciler.converge(self.map)  # forgets the ones deleted
        self.reconciler.retiring = leaving > 0

    def _count_dropped(self, info: Info) -> None:
        """Count lines HAProxy could not write, also while no agent was there to count."""
        known = self.dropped.get(info.pid, 0)
        if info.dropped_logs > known:
            self.backlog.lose(info.dropped_logs - known)
            say("access.dropped", lines=info.dropped_logs - known)
            self.dropped = {info.pid: info.dropped_logs}
            durable.write(self.settings.dropped_path, json.dumps(self.dropped))


def _ms_since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)


def _dropped_before(path: Path) -> dict[int, int]:
    """Log lines counted as dropped by the agent before, by worker."""
    try:
        return {int(pid): int(count) for pid, count in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):  # none yet, or not ours: then it counts from zero
        return {}


def stop_at_once(thread: threading.ExceptHookArgs) -> None:
    """End the agent when a thread of it dies unforeseen: the supervisor starts a whole one."""
    say("agent.failed", error=f"{thread.exc_type.__name__}: {thread.exc_value}")
    os._exit(1)
