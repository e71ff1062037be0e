"""What the router says about itself: one line of JSON per event, on standard error.

Written out rather than taken from a library because the agent's memory is a promise (25 MB), and
the usual one costs eleven.
"""

import json
import sys
import time


def say(event: str, **facts: object) -> None:
    """Write `event` ("haproxy.reloaded") with its facts; never key material, never a request."""
    line = {"at": round(time.time(), 3), "event": event, **facts}
    sys.stderr.write(json.dumps(line, default=str) + "\n")
    sys.stderr.flush()
