"""Prints one line a second until it is told to stop."""

import itertools
import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

for tick in itertools.count():
    sys.stdout.write(f"tick {tick}\n")
    sys.stdout.flush()
    time.sleep(1)
