"""Entry point in the build container: waits for an order, builds it, hands the result back.

The container may have been started long before there is anything to build; it takes one order.

stdin: the order, parcels of `build.json`, `source.tar` and `env/KEY`. Stays open behind them: its
end is the container's, for then whoever gave the order has let go of it, or has died.
stdout: the pusher's screen, ended by a NUL.
stderr: the result, parcels of `result.json` and of the layers.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import BinaryIO

sys.path[0] = str(Path(__file__).resolve().parents[1])

from _runner import parcels  # noqa: E402  (the path above makes the packages importable)
from _runner.layout import Layout  # noqa: E402
from _runner.stages import run  # noqa: E402

STDIN, STDOUT, STDERR = 0, 1, 2


def main() -> int:
    """Build one order; the build's exit status."""
    orders, results = os.fdopen(os.dup(STDIN), "rb"), os.fdopen(os.dup(STDERR), "wb")
    _keep_to_the_screen()
    layout = Layout()
    try:
        _receive(orders, layout)
    except parcels.CutOff:
        return 0  # let go before there was an order, or in the middle of it
    attendance = threading.Thread(target=_end_when_let_go, args=(orders,), daemon=True)
    attendance.start()
    status = run(layout)
    os.write(STDOUT, b"\0")
    _hand_back(results, layout.out)
    if status == 0:
        attendance.join()  # to end takes long; whoever has the result need not wait for it
    return status


def _receive(orders: BinaryIO, layout: Layout) -> None:
    """Put an order where the build looks for it. Raises CutOff."""
    (layout.out / "result.json").unlink(missing_ok=True)  # the last build's
    layout.order.mkdir(mode=0o700, exist_ok=True)
    for name, content in parcels.received(orders):
        folder, _, key = name.partition("/")
        target = layout.env_dir / key if folder == "env" else layout.order / name
        with target.open("xb") as file:
            target.chmod(0o400)
            file.writelines(content)


def _hand_back(results: BinaryIO, out: Path) -> None:
    """Send the result, and what layers there are; nothing where there is no result."""
    files = (out / "result.json", *sorted(out.glob("*.tar")))
    parcels.send(results, [file for file in files if file.is_file()])


def _keep_to_the_screen() -> None:
    """What the build runs reads nothing, and writes to the screen whatever it writes.

    One stream for both: lines written to two at the same time would be cut into each other.
    """
    os.dup2(os.open(os.devnull, os.O_RDONLY), STDIN)
    os.dup2(STDOUT, STDERR)


def _end_when_let_go(orders: BinaryIO) -> None:
    orders.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
