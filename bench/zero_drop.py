"""Failed requests during everything that changes what runs, under load."""

from __future__ import annotations

import time
from collections.abc import Callable

from measured import checkout, platform, seconds, table

from system.installation import App
from system.load import VISITED, Load

DEPLOYS, CONFIGS, ROLLBACKS, RESTARTS, SCALINGS = 20, 20, 10, 10, 10
KINDS = "kept,kept,kept,fresh,fresh,upload,upload,stream,websocket"


def main() -> None:
    """Measure and print."""
    taken: dict[str, list[float]] = {}
    with platform() as made, checkout() as folder:
        app = made.app(VISITED, folder)
        app.push()
        app.kedge("ps:scale", "web=2")
        with Load(made.http_port, f"{app.name}.localhost", kinds=KINDS) as load:
            began = time.monotonic()
            for kind, acts in _changes(app).items():
                taken[kind] = [_timed(act) for act in acts]
            lasted = time.monotonic() - began
            report = load.stop()
    table(
        f"{sum(map(len, taken.values()))} changes of what runs, web=2, in {lasted:.0f} s",
        ("change", "times", "each, CLI included: median (range)"),
        [(kind, len(found), seconds(found)) for kind, found in taken.items()],
    )
    table(
        f"Requests meanwhile: {report.total} ({report.total / lasted:.0f}/s), "
        f"slowest GET {report.longest_ms:.0f} ms",
        ("kind", "requests", "failed"),
        [
            (kind, count, sum(row["kind"] == kind for row in report.failures))
            for kind, count in report.requests.items()
        ],
    )
    print(f"  failed requests: {len(report.failures)}  target 0")
    for row in report.failures[:10]:
        print(f"  {row}")


def _changes(app: App) -> dict[str, list[Callable[[], object]]]:
    """All changes in their order."""

    def deploy(number: int) -> Callable[[], object]:
        def act() -> None:
            app.commit({"VERSION": f"code{number}"})
            app.push()

        return act

    return {
        "deploy": [deploy(n) for n in range(DEPLOYS)],
        "config change": [_kedge(app, "config:set", f"GREETING=g{n}") for n in range(CONFIGS)],
        "rollback": [_kedge(app, "rollback", "--yes")] * ROLLBACKS,
        "restart": [_kedge(app, "ps:restart")] * RESTARTS,
        "scaling": [_kedge(app, "ps:scale", f"web={2 + (n + 1) % 2}") for n in range(SCALINGS)],
    }


def _kedge(app: App, *arguments: str) -> Callable[[], object]:
    return lambda: app.kedge(*arguments)


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
