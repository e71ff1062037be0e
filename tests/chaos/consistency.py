"""What must be true of an app once Kedge has come to rest, whatever was killed before."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from system.installation import App

UNFINISHED = {"pending"}


def complaints(app: App) -> list[str]:
    """What is not (yet) as it must be; nothing when the state is one and consistent."""
    try:
        return list(_complaints(app))
    except (
        AssertionError,
        httpx.HTTPError,
        OSError,
        ValueError,
        KeyError,
    ) as error:  # the API is not back yet
        return [f"{type(error).__name__}: {error}"]


def _complaints(app: App) -> Iterator[str]:
    releases = app.releases()
    head = next(row for row in releases if row["current"])
    yield from _of_history(releases)
    yield from (
        f"build {row['id']} is pending" for row in app.api("GET", "/builds") if _pending(row)
    )
    yield from _of_answer(app, head["version"])
    yield from _of_dynos(app, head["version"])
    yield from _of_containers(app, head["version"])


def _of_history(releases: list[dict[str, object]]) -> Iterator[str]:
    versions = [row["version"] for row in releases]
    if versions != list(range(1, len(versions) + 1)):
        yield f"the releases have a gap: {versions}"
    yield from (f"v{row['version']} is pending" for row in releases if _pending(row))


def _of_answer(app: App, head: int) -> Iterator[str]:
    answer = app.get()
    if answer.status_code != 200 or not answer.text.endswith(f" v{head}"):
        yield f"head is v{head}; a visitor gets {answer.status_code} {answer.text[:80]!r}"


def _of_dynos(app: App, head: int) -> Iterator[str]:
    found = sorted(
        (row["name"], row["release"]["version"], row["state"]) for row in app.api("GET", "/dynos")
    )
    wanted = [(name, head, "up") for name in _formation(app)]
    if found != wanted:
        yield f"dynos are {found} instead of {wanted}"


def _of_containers(app: App, head: int) -> Iterator[str]:
    found = sorted(
        (each.labels["kedge.kind"], each.labels.get("kedge.dyno", ""),
         each.labels.get("kedge.release", ""), each.status)
        for each in app.platform.containers()
    )  # fmt: skip
    wanted = [("dyno", name, str(head), "running") for name in _formation(app)]
    if found != wanted:
        yield f"containers are {found} instead of {wanted}"


def _formation(app: App) -> list[str]:
    rows = app.api("GET", "/formation")
    return sorted(f"{row['type']}.{n}" for row in rows for n in range(1, row["quantity"] + 1))


def _pending(row: dict[str, object]) -> bool:
    return row["status"] in UNFINISHED
