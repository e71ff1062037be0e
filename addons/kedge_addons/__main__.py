"""`python -m kedge_addons manifests`: the manifests of all services as JSON, for registration.

They hold the services' passwords: what is printed is for a pipe.
"""

from __future__ import annotations

import json
import sys

from kedge_addons import keys, offers, settings


def main() -> int:
    """Print; the exit status."""
    if sys.argv[1:] != ["manifests"]:
        print("usage: python -m kedge_addons manifests", file=sys.stderr)  # noqa: T201
        return 2
    declared = settings.load()
    known = keys.load(declared.home)
    made = [offer.manifest(known, declared.platform_url) for offer in offers.OFFERS]
    print(json.dumps(made))  # noqa: T201 - this is its output
    return 0


sys.exit(main())
