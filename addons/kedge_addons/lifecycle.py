"""The life of a resource: what is asked for is written down, and then done until it is done.

A row says what is wanted. Whoever holds the claim on a resource does the next step; a process
killed at any moment lets go of its claims, and the worker of another, or of the next, goes on.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kedge_addons.database import Claim
from kedge_addons.errors import Away, Busy, Gone, ProviderError, Refused
from kedge_addons.platform import grant_context
from kedge_addons.resource import Resource, ResourceRow, State
from kedge_addons.served import ServerService
from kedge_addons.service import Service, Tools

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.02
CLAIM_SECONDS = 20.0
AGAIN_AFTER_KILLED = timedelta(seconds=30)
NAME = re.compile(r"[a-z][a-z0-9-]{1,78}[a-z0-9]")
ON_ITS_WAY = (State.MAKING, State.RESTORING, State.LEAVING)


class Lifecycle:
    """All resources of all services. `wake` is called when the worker has something to do."""

    def __init__(
        self, tools: Tools, services: Mapping[str, Service], wake: Callable[[], None]
    ) -> None:
        self.tools, self.services, self.wake = tools, services, wake

    # --- what is asked for ---

    def request(self, service: Service, resource_id: uuid.UUID, body: Mapping[str, Any]) -> None:
        """Write down a resource that is wanted; the same one again changes nothing.

        Raises:
            Refused: there is no such plan, or its options cannot be.
        """
        plan = service.offer.plan(body.get("plan"))
        options = service.accept(plan, body.get("options") or {})
        values = {
            "id": resource_id, "service": service.offer.name, "plan": plan.name,
            "name": _name(service, resource_id, body), "options": options,
            "state": State.MAKING, "facts": {}, "attempts": 0, "try_at": _now(),
            "callback_url": str(body.get("callback_url") or "")[:1000],
        }  # fmt: skip
        with self.tools.database.transaction() as tx:
            tx.execute(insert(ResourceRow).values(values).on_conflict_do_nothing())
            row = tx.get_one(ResourceRow, resource_id, with_for_update=True)
            self._keep_code(row, body)
        self.wake()

    def wait(self, resource_id: uuid.UUID, seconds: float) -> Resource:
        """Give what is on its way a moment."""
        until = time.monotonic() + seconds
        while True:
            found = self.tools.resources.get(resource_id)
            if found.state not in ON_ITS_WAY or time.monotonic() > until:
                return found
            time.sleep(LOOK_SECONDS)

    def promise(self, resource_id: uuid.UUID) -> bool:
        """Whether the platform is to be called back; False when it is there by now."""
        with self.tools.database.transaction() as tx:
            row = tx.get_one(ResourceRow, resource_id, with_for_update=True)
            if row.state not in ON_ITS_WAY:
                return False
            row.owes = "provision"
            return True

    def leave(self, resource: Resource) -> None:
        """Have a resource destroyed."""
        with self.tools.database.transaction() as tx:
            row = tx.get_one(ResourceRow, resource.id, with_for_update=True)
            if row.state in (State.MAKING, State.READY, State.RESTORING):
                row.state, row.owes, row.attempts = State.LEAVING, None, 0
                row.try_at = _now()
        self.wake()

    def come_back(self, resource: Resource) -> None:
        """Have a destroyed resource restored. Raises Gone: what was in it is removed."""
        with self.tools.database.transaction() as tx:
            row = tx.get_one(ResourceRow, resource.id, with_for_update=True)
            if row.state in (State.REMOVED, State.FAILED):
                raise Gone(f"What was in {row.name} has been removed.")
            if row.state in (State.LEAVING, State.RESTING):
                row.state, row.attempts, row.rests_until = State.RESTORING, 0, None
                row.try_at = _now()
        self.wake()

    @contextmanager
    def changing(self, service: Service, resource_id: uuid.UUID | None) -> Iterator[Resource]:
        """A resource that is ready, and nobody else's to change meanwhile.

        Raises:
            Unknown: never was.
            Gone: was destroyed.
            Busy: is being changed.
        """
        name = service.offer.name
        resource = self.tools.resources.find(name, resource_id)
        with self.tools.database.claim(resource.id, seconds=CLAIM_SECONDS):
            resource = self.tools.resources.find(name, resource_id)
            if resource.state != State.READY:
                raise Busy(f"{resource.name} is on its way. Try again in a moment.")
            yield resource

    def tell_config(self, resource: Resource) -> None:
        """Tell the platform the config vars a resource has once nobody is at it, and it answers."""
        with self.tools.database.transaction() as tx:
            row = tx.get_one(ResourceRow, resource.id, with_for_update=True)
            row.owes, row.try_at = row.owes or "config", _now()
        self.wake()

    # --- what is done ---

    def advance(self, resource_id: uuid.UUID) -> None:
        """Do what is due at a resource, unless somebody is at it. Never raises ProviderError."""
        try:
            with self.tools.database.claim(resource_id) as claim:
                self._step(claim, self.tools.resources.get(resource_id))
        except Busy:
            return

    def _step(self, claim: Claim, resource: Resource) -> None:
        service = self.services[resource.service]
        try:
            if resource.state == State.MAKING:
                self._make(claim, service, resource)
            elif resource.state == State.RESTORING:
                service.restore(resource)
                self._settled(claim, resource, State.READY)
            elif resource.state == State.LEAVING:
                service.destroy(resource)
                self._rest(claim, resource)
            elif resource.state == State.RESTING and _is_over(resource):
                service.remove(resource)
                self._settled(claim, resource, State.REMOVED)
            elif resource.state == State.READY:
                self._tend(claim, service, resource)
            else:
                self._settled(claim, resource, resource.state)
        except Refused as error:
            self._refused(claim, resource, error)
        except ProviderError as error:
            self._again(claim, resource, error.message)
        except Exception as error:
            # A defect of one service must not stop the others; it is in the log with its place.
            log.exception("%s: a step of %s failed", resource.name, resource.state)
            self._again(claim, resource, f"Something went wrong: {type(error).__name__}.")
        self.wake()

    def _make(self, claim: Claim, service: Service, resource: Resource) -> None:
        self._exchange(resource)
        made = service.provision(resource)
        self._settled(claim, made, State.READY, service.message(made))

    def _exchange(self, resource: Resource) -> None:
        """The grant's code is good for five minutes: it comes first. It is tried again later."""
        try:
            self.tools.platform.exchange_grant(resource.id)
        except Away as error:
            log.info("%s: its grant waits: %s", resource.name, error.message)

    def _tend(self, claim: Claim, service: Service, resource: Resource) -> None:
        # Whoever asks for a look while this one goes on puts the moment forward, and is seen below.
        back_at = _now() + AGAIN_AFTER_KILLED
        with claim.transaction() as tx:
            _held(tx, resource).try_at = back_at
        if isinstance(service, ServerService):
            service.mend(resource)
        again_at = service.settle(resource)
        with claim.transaction() as tx:
            owes = _held(tx, resource).owes
        if owes:
            self._pay(service, self.tools.resources.get(resource.id), owes)
        with claim.transaction() as tx:
            row = _held(tx, resource)
            asked_at = None if row.try_at == back_at else row.try_at
            moments = [each for each in (asked_at, again_at) if each is not None]
            row.try_at, row.attempts = min(moments, default=None), 0
            row.owes = None if row.owes == owes else row.owes

    def _pay(self, service: Service, resource: Resource, owes: str) -> None:
        platform = self.tools.platform
        platform.set_config(resource.id, service.config(resource))
        if owes == "provision":
            platform.provisioned(resource.id)

    def _rest(self, claim: Claim, resource: Resource) -> None:
        with claim.transaction() as tx:
            row = _held(tx, resource)
            if row.state == State.LEAVING:
                row.state, row.try_at, row.attempts = State.RESTING, None, 0
                row.rests_until = _now() + timedelta(days=self.tools.settings.rests_days)

    def _settled(
        self, claim: Claim, resource: Resource, state: str, message: str | None = None
    ) -> None:
        """The step is done, unless something else is wanted by now."""
        with claim.transaction() as tx:
            row = _held(tx, resource)
            if row.state != resource.state:
                return  # it was destroyed meanwhile: the worker goes on from there
            row.state, row.attempts, row.message = state, 0, message
            # What is owed is paid, and what is due is done, by the look after this one.
            row.try_at = _now() if state == State.READY else None
            if state == State.REMOVED:
                row.sealed = row.grant = row.rests_until = None

    def _refused(self, claim: Claim, resource: Resource, error: Refused) -> None:
        log.info("%s: refused: %s", resource.name, error.message)
        if resource.state != State.MAKING:
            self._again(claim, resource, error.message)
            return
        self.services[resource.service].remove(resource)
        with claim.transaction() as tx:
            row = _held(tx, resource)
            promised, row.owes = row.owes == "provision", None
            row.state, row.message, row.try_at = State.FAILED, error.message, None
        if promised:
            try:
                self.tools.platform.deprovisioned(resource.id)
            except ProviderError:
                log.warning("%s: the platform was not told that it failed", resource.name)

    def _again(self, claim: Claim, resource: Resource, reason: str) -> None:
        """Try again later: at once first, then with pauses of up to a minute."""
        with claim.transaction() as tx:
            row = _held(tx, resource)
            pause = timedelta(seconds=min(60, 0.5 * 2 ** min(row.attempts, 10)))
            row.attempts, row.try_at, row.message = row.attempts + 1, _now() + pause, reason
            if row.state == State.RESTING:
                row.rests_until = _now() + pause
        log.warning("%s: %s waits %s: %s", resource.name, resource.state, pause, reason)

    def _keep_code(self, row: ResourceRow, body: Mapping[str, Any]) -> None:
        """The grant's code, for tokens; each request brings a new one, until there are some."""
        keys, context = self.tools.keys, grant_context(row.id)
        grant = body.get("oauth_grant")
        code = grant.get("code") if isinstance(grant, dict) else None
        if code and "refresh_token" not in keys.open(row.grant, context):
            row.grant = keys.seal({"code": str(code)}, context)


def _held(tx: Session, resource: Resource) -> ResourceRow:
    return tx.get_one(ResourceRow, resource.id, with_for_update=True, populate_existing=True)


def _is_over(resource: Resource) -> bool:
    return resource.rests_until is not None and resource.rests_until <= _now()


def _now() -> datetime:
    return datetime.now(UTC)


def _name(service: Service, resource_id: uuid.UUID, body: Mapping[str, Any]) -> str:
    """The add-on's name, by which dynos find its server; a safe one where it is none."""
    given = str(body.get("name") or "")
    return given if NAME.fullmatch(given) else f"{service.offer.name}-{resource_id.hex[:12]}"
