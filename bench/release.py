"""From the API call to the first answer of the new state: config change, rollback, restart."""

from __future__ import annotations

import time

from measured import Bare, checkout, median, platform, seconds, table, until_answer, verdict

ROUNDS = 11
TARGET_SECONDS = 0.5
REST_SECONDS = 2.0


def main() -> None:
    """Measure and print."""
    boot, config, rollback = [], [], []
    with platform() as made, checkout() as folder:
        app = made.app("flask-hello", folder)
        app.push()
        bare = Bare.of(app, "gunicorn app:app")
        for number in range(ROUNDS):
            boot.append(bare.boot_seconds())
            began = time.monotonic()
            app.api("PATCH", "/config-vars", {"GREETING": f"hello{number}"})
            config.append(until_answer(app, f"hello{number} ", began))
            time.sleep(REST_SECONDS)  # the old dyno ends
            target = app.head() - 1
            began = time.monotonic()
            made_release = app.api("POST", "/releases", {"release": str(target)})
            rollback.append(until_answer(app, f"release=v{made_release['version']}", began))
            time.sleep(REST_SECONDS)
    rows = [("the app's own boot: docker run to the first answer", seconds(boot), "", "")]
    for name, found in (("config change", config), ("rollback", rollback)):
        over = median([whole - bare for whole, bare in zip(found, boot, strict=True)])
        rows.append(
            (f"{name}: API call to the first answer", seconds(found), f"{over:+.2f} s",
             f"{TARGET_SECONDS} s: {verdict(over, TARGET_SECONDS)}")
        )  # fmt: skip
    table(
        f"A release without a build, small Flask app, {ROUNDS} rounds",
        ("", "median (range)", "over boot", "target"),
        rows,
    )


if __name__ == "__main__":
    main()
