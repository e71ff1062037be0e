"""The built-in add-on services, registered by their manifests as a third party's would be.

The providers are a program of their own, known to the platform through HTTP alone; so is this.
"""

from __future__ import annotations

import json
import subprocess
import sys

from kedge.errors import StartRefused
from kedge.ops import addon_services
from kedge.ops.services import Services


def register(services: Services) -> None:
    """Register what the providers of this installation offer.

    Raises:
        StartRefused: they do not say what they offer.
    """
    command = [sys.executable, "-m", "kedge_addons", "manifests"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        raise StartRefused(
            f"The built-in add-on providers do not start: {said.stderr.strip()[-500:]}",
            "Their package, kedge_addons, belongs to Kedge: run `make setup`.",
        )
    for manifest in json.loads(said.stdout):
        addon_services.register(services, None, manifest, is_builtin=True)
