"""The platform as a provider knows it: grants exchanged for tokens, config told, dynos run.

Every call speaks for one add-on, by the token of its grant
(https://devcenter.heroku.com/articles/platform-api-for-partners).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import select

from kedge_addons.database import Database
from kedge_addons.errors import Away, Refused, Unknown
from kedge_addons.keys import Keys
from kedge_addons.resource import Config, ResourceRow

SECONDS = 20.0
EARLY_SECONDS = 60.0  # a token is renewed when it has this long to live


class Platform:
    """Calls of the platform's API. `socket`: where it listens on this machine, if it does."""

    def __init__(self, database: Database, keys: Keys, socket: Path | None) -> None:
        self._database, self._keys = database, keys
        # A connection that is kept may be closed by the other side as it is used again.
        unkept = httpx.Limits(max_keepalive_connections=0)
        self._transport = httpx.HTTPTransport(uds=str(socket), limits=unkept) if socket else None

    def exchange_grant(self, resource_id: uuid.UUID) -> None:
        """Turn the code of a provision request into tokens; nothing is done where there are some.

        Raises:
            Away: the platform does not answer; the code is still good.
        """
        if "code" in self._opened(self._row(resource_id)):
            self._token(resource_id)

    def set_config(self, resource_id: uuid.UUID, config: Config) -> None:
        """Tell a resource's config vars: a release of every app it is attached to. Raises Away."""
        listed = [{"name": name, "value": value} for name, value in sorted(config.items())]
        self.call(resource_id, "PATCH", f"/addons/{resource_id}/config", {"config": listed})

    def provisioned(self, resource_id: uuid.UUID) -> None:
        """Say that it is there, after a 202. Raises Away."""
        self.call(resource_id, "POST", f"/addons/{resource_id}/actions/provision", {})

    def deprovisioned(self, resource_id: uuid.UUID) -> None:
        """Say that it will not be. Raises Away."""
        self.call(resource_id, "POST", f"/addons/{resource_id}/actions/deprovision", {})

    def call(
        self, resource_id: uuid.UUID, method: str, path: str,
        body: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """Any call the add-on's token allows; its JSON.

        Raises:
            Unknown: the platform knows no such thing (status 404).
            Refused: the platform says no, in its words.
            Away: it does not answer.
        """
        token = self._token(resource_id)
        status, answer = self._call_with(token, resource_id, method, path, body, headers)
        if status == 401:  # it is of before another renewal, or of before the platform forgot it
            token = self._token(resource_id, refused=token)
            status, answer = self._call_with(token, resource_id, method, path, body, headers)
        if status >= 400:
            said = answer.get("message") if isinstance(answer, dict) else None
            kind = Unknown if status == 404 else Refused
            raise kind(str(said or f"The platform answered with status {status}."))
        return answer

    def _call_with(
        self, token: str, resource_id: uuid.UUID, method: str, path: str,
        body: Mapping[str, Any] | None, headers: Mapping[str, str] | None,
    ) -> tuple[int, Any]:  # fmt: skip
        shown = {**(headers or {}), "Authorization": f"Bearer {token}"}
        return self._ask(self._row(resource_id), method, path, json=body, headers=shown)

    def _token(self, resource_id: uuid.UUID, *, refused: str | None = None) -> str:
        """A token that is good still; `refused` is one that is not. Raises Away, Busy."""
        grant = self._opened(self._row(resource_id))
        if not _is_good(grant, refused):
            with self._database.claim(grant_context(resource_id), seconds=SECONDS):
                row = self._row(resource_id)
                grant = self._opened(row)  # somebody else may have renewed it meanwhile
                if not _is_good(grant, refused):
                    grant = self._renew(row, _shown(row, grant))
        return str(grant["access_token"])

    def _renew(self, row: ResourceRow, given: Mapping[str, str]) -> dict[str, Any]:
        form = {**given, "client_secret": self._keys.password(row.service)}
        status, answer = self._ask(row, "POST", "/oauth/token", data=form)
        if status != 200 or not isinstance(answer, dict):
            if status in {400, 401, 403}:  # spent or too old: it will never be good again
                self._keep(row.id, {})
            raise Away(f"The platform gave no token for {row.name} (status {status}).")
        made = {
            "access_token": answer["access_token"],
            "refresh_token": answer["refresh_token"],
            "until": time.time() + float(answer.get("expires_in") or 0),
        }
        self._keep(row.id, made)
        return made

    def _ask(self, row: ResourceRow, method: str, path: str, **more: Any) -> tuple[int, Any]:
        place = urlsplit(row.callback_url)
        try:
            with httpx.Client(transport=self._lent(), timeout=SECONDS, trust_env=False) as client:
                url = f"{place.scheme or 'http'}://{place.netloc or 'localhost'}{path}"
                answer = client.request(method, url, **more)
                answer_json = answer.json() if answer.content else None
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise Away("The platform does not answer.") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Away(f"The platform answered with status {answer.status_code}.")
        return answer.status_code, answer_json

    def _lent(self) -> httpx.BaseTransport | None:
        return _Lent(self._transport) if self._transport else None

    def _row(self, resource_id: uuid.UUID) -> ResourceRow:
        with self._database.transaction() as tx:
            return tx.scalars(select(ResourceRow).where(ResourceRow.id == resource_id)).one()

    def _opened(self, row: ResourceRow) -> dict[str, Any]:
        return self._keys.open(row.grant, grant_context(row.id))

    def _keep(self, resource_id: uuid.UUID, grant: dict[str, Any]) -> None:
        with self._database.transaction() as tx:
            row = tx.get_one(ResourceRow, resource_id, with_for_update=True)
            row.grant = self._keys.seal(grant, grant_context(resource_id))


def _is_good(grant: Mapping[str, Any], refused: str | None) -> bool:
    is_young = float(grant.get("until", 0)) >= time.time() + EARLY_SECONDS
    return is_young and grant.get("access_token") not in {None, refused}


def _shown(row: ResourceRow, grant: Mapping[str, Any]) -> dict[str, str]:
    """What a new token is given for. Raises Away: there is nothing."""
    if "code" in grant:
        return {"grant_type": "authorization_code", "code": grant["code"]}
    if "refresh_token" in grant:
        return {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
    raise Away(f"The platform has not let us speak for {row.name}.")


def grant_context(resource_id: uuid.UUID) -> str:
    """What the grant of a resource is sealed for."""
    return f"grant of resource {resource_id}"


class _Lent(httpx.BaseTransport):
    """A transport that outlives the clients that use it."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.handle_request = transport.handle_request  # type: ignore[method-assign]
