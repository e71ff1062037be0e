"""What must be there before any part starts: the key, the certificates, the dyno network.

It runs as a process of its own (`python -m kedge.home foundation`), which ends: the libraries it
needs would otherwise stay in the memory of `kedge up` for as long as Kedge runs.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from kedge.errors import KedgeError, StartRefused
from kedge.home.installation import Installation, write_private


@dataclass(frozen=True, slots=True)
class Foundation:
    """What was found or made. `gateways` are this machine's addresses on the dyno network."""

    gateways: tuple[str, ...]
    certificate_is_new: bool


def ask(environment: Mapping[str, str], *, engine: bool) -> Foundation:
    """Lay the foundation in a process of its own.

    Raises:
        StartRefused: something could not be made.
    """
    command = [sys.executable, "-m", "kedge.home", "foundation", *(["--engine"] if engine else [])]
    asked = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=False
    )
    try:
        answer = json.loads(asked.stdout)
    except ValueError:
        raise StartRefused(
            f"The home's foundation could not be laid: {asked.stderr.strip()[-800:]}",
            "`kedge doctor` says what is wrong with this machine.",
        ) from None
    if "reason" in answer:
        raise StartRefused(answer["reason"], answer["remedy"])
    return Foundation(tuple(answer["gateways"]), answer["certificate_is_new"])


def answer(installation: Installation, *, engine: bool) -> str:
    """Lay it here; what was made, or why it could not be, as the JSON that `ask` reads."""
    try:
        made = lay(installation, engine=engine)
    except StartRefused as refusal:
        return json.dumps({"reason": refusal.reason, "remedy": refusal.remedy})
    except (OSError, KedgeError) as error:
        remedy = "Mend what it says, then start again; `kedge doctor` shows more."
        return json.dumps({"reason": str(error), "remedy": remedy})
    return json.dumps({"gateways": made.gateways, "certificate_is_new": made.certificate_is_new})


def lay(installation: Installation, *, engine: bool) -> Foundation:
    """Make what is missing. With `engine`, the dyno network too."""
    from kedge.home import certificates  # a large library, for this process alone

    _ensure_key(installation)
    _ensure_addons_key(installation)
    is_new = certificates.ensure_default(installation.settings)
    return Foundation(_gateways(installation) if engine else (), is_new)


def _ensure_key(installation: Installation) -> None:
    """The key config vars are sealed with; never made anew where there is one."""
    file = installation.home / "secret.key"
    if not installation.settings.secret_key and not file.exists():
        write_private(file, base64.b64encode(os.urandom(32)).decode() + "\n")


def _ensure_addons_key(installation: Installation) -> None:
    """The key the secrets of the built-in add-on providers follow from; likewise."""
    file = installation.home / "addons.key"
    if not file.exists():
        write_private(file, base64.b64encode(os.urandom(32)).decode() + "\n")


def _gateways(installation: Installation) -> tuple[str, ...]:
    """This machine's addresses on the dyno network: dynos reach the router there.

    An engine elsewhere has its network there, and nothing of it here to listen on.
    """
    from kedge.engine.docker.client import Engine
    from kedge.engine.docker.site import Site

    settings = installation.settings
    found = Site(Engine(settings.docker_host, installation.id), settings).ensure()
    is_here = os.path.exists(f"/sys/class/net/{found.bridge}")  # noqa: PTH110 - one question
    return (str(found.gateway),) if is_here else ()
