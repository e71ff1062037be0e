"""Keeping the platform's own certificate good for as long as Kedge runs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping

from kedge.errors import StartRefused
from kedge.home import foundation, probes
from kedge.home.installation import Installation
from kedge.home.start import Say

LOOK_SECONDS = 24 * 3600.0


def renew(installation: Installation, environment: Mapping[str, str], say: Say) -> None:
    """Renew the certificate when its end is near, and have the router serve it without a restart.

    What goes wrong is said; tomorrow it is tried again, and the certificate has weeks left.
    """
    try:
        if foundation.ask(environment, engine=False).certificate_is_new:
            _hand_to_router(installation)
            say("The platform's certificate was renewed.")
    except (StartRefused, OSError, http.client.HTTPException) as error:
        say(f"The platform's certificate could not be renewed: {error}")


def _hand_to_router(installation: Installation) -> None:
    pem = (installation.router_dir / "certs" / "default.pem").read_text()
    agent = probes.UnixHTTP(installation.router_dir / "agent.sock")
    headers = {"Content-Type": "application/json"}
    try:
        agent.request(
            "PUT", "/certificates/default", json.dumps({"pem": pem, "hosts": []}), headers
        )
        answer = agent.getresponse()
        if answer.status >= 300:
            raise OSError(f"the router answers {answer.status}: {answer.read()[:200]!r}")
    finally:
        agent.close()
