"""Prints one line a second until it is told to stop."""

import itertools
import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

for tick in itertools.count():
    print(f"tick {tick}", flush=True)
    time.sleep(1)
