"""Waiting for a roll-out: progress while it goes on, the reason when it failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from kedge.cli.api import AppApi
from kedge.cli.failure import ApiRefused, CommandFailed, PlatformUnreachable
from kedge.cli.progress import Progress
from kedge.cli.screen import app_name, colour_of, count, paint, say

# How long one question is held open by the platform, at most.
POLL_SECONDS = 1
PAUSE_SECONDS = 0.2
# How long the platform may be away in a wait: a part that died is ready again within 10 s.
AWAY_SECONDS = 30.0
MANY_DYNOS = 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a roll-out ended: `failed` is the reason, None when it is live."""

    failed: str | None = None


def look(app: AppApi) -> dict[str, Any]:
    """Where the roll-out of the app stands now."""
    state: dict[str, Any] = app.api.get(app.own_path("rollout"), wait=0)
    return state


def wait_for_release(app: AppApi, version: int) -> None:
    """Wait until that release, or one that took its place, is live.

    Raises:
        CommandFailed: it failed, or the one that took its place did.
    """
    _wait(app, lambda state: judge_release(state, version, lambda: _status(app, version)), version)


def wait_for_dynos(app: AppApi, before: dict[str, Any] | None = None) -> None:
    """Wait until what runs is what is wanted; `before` is `look()` from before it was asked for.

    Raises:
        CommandFailed: what was asked for failed.
    """
    _wait(app, lambda state: judge_dynos(state, before), None)


def judge_release(state: dict[str, Any], version: int, status: Callable[[], str]) -> Verdict | None:
    """Whether the wait for a release is over; None: not yet.

    Args:
        state: the roll-out as the platform tells it.
        version: the release waited for.
        status: asks for the status of that release.
    """
    failed = state["failed"]
    if state["head"] is not None and state["head"] >= version:
        return Verdict()
    if failed and failed["version"] >= version and state["rolling_out"] is None:
        newer = failed["version"] > version
        prefix = f"v{version} gave way to v{failed['version']}, which failed: " if newer else ""
        return Verdict(prefix + reason_of(failed))
    if not state["settled"]:
        return None
    return {
        "failed": Verdict("The release failed."),
        "pending": None,
    }.get(status(), Verdict())


def judge_dynos(state: dict[str, Any], before: dict[str, Any] | None) -> Verdict | None:
    """Whether the wait for dynos is over; a failure or crash known `before` is not its."""
    if not state["settled"]:
        return None
    failed = state["failed"]
    if failed and (failed["version"] == state["head"] or (before and failed != before["failed"])):
        return Verdict(reason_of(failed))
    crashed = _crashed(state) - _crashed(before) if before else set()
    return Verdict(f"{', '.join(sorted(crashed))} crashed" if crashed else None)


def _crashed(state: dict[str, Any]) -> set[str]:
    return {dyno["name"] for dyno in state["dynos"] if dyno["state"] == "crashed"}


def reason_of(failed: dict[str, Any]) -> str:
    """Why, in the platform's words, with the code in front where there is one."""
    code = failed.get("code")
    reason = failed.get("reason") or "no reason was recorded"
    return f"{code}: {reason}" if code and code not in reason else str(reason)


def _wait(
    app: AppApi, judge: Callable[[dict[str, Any]], Verdict | None], version: int | None
) -> None:
    began = time.monotonic()
    try:
        with Progress() as line:
            state = _poll(app, line, hold_seconds=0)
            while (verdict := judge(state)) is None:
                line.show(_told(state, version))
                asked_at = time.monotonic()
                state = _poll(app, line, hold_seconds=POLL_SECONDS)
                if time.monotonic() - asked_at < PAUSE_SECONDS and judge(state) is None:
                    time.sleep(PAUSE_SECONDS)  # settled, but the change is not picked up yet
            _end(
                line,
                app,
                verdict=verdict,
                state=state,
                version=version,
                seconds=time.monotonic() - began,
            )
    except KeyboardInterrupt:
        say(f"\nNo longer waiting; it goes on. `kedge ps:wait -a {app.name}` waits again.")
        raise


def _poll(app: AppApi, line: Progress, *, hold_seconds: int) -> dict[str, Any]:
    """The next state of the roll-out; a platform that is being restarted is waited for."""
    away_since: float | None = None
    while True:
        try:
            state: dict[str, Any] = app.api.get(app.own_path("rollout"), wait=hold_seconds)
        except (PlatformUnreachable, ApiRefused) as failed:
            if isinstance(failed, ApiRefused) and failed.status < 502:
                raise
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > AWAY_SECONDS:
                raise
            line.show("The platform does not answer; trying again…")
            time.sleep(0.5)
        else:
            return state


def _status(app: AppApi, version: int) -> str:
    return str(app.api.get(app.path("releases", version))["status"])


def _told(state: dict[str, Any], version: int | None) -> str:
    """`Rolling out v8: web.1 up, web.2 starting`."""
    rolling = state["rolling_out"] or version
    stage = state.get("stage")
    if stage == "release phase":
        return f"v{rolling}: running the release command…"
    if stage == "waiting":
        return f"v{rolling or '?'}: waiting to roll out…"
    words = f"Rolling out v{rolling}" if rolling else "Changing dynos"
    return f"{words}: {_dynos_told(state['dynos'], rolling) or 'starting dynos'}"


def _dynos_told(dynos: list[dict[str, Any]], release: int | None) -> str:
    """States by name; of two of one name (an old one draining) the newer, which is last."""
    by_name = {d["name"]: d for d in dynos if release is None or d["release"] == release}
    shown = [by_name[name] for name in sorted(by_name)]
    if len(shown) > MANY_DYNOS:
        tally = Counter(d["state"] for d in shown)
        return ", ".join(
            f"{number} {paint(state, colour_of(state))}" for state, number in tally.items()
        )
    return ", ".join(f"{d['name']} {paint(d['state'], colour_of(d['state']))}" for d in shown)


def _end(
    line: Progress,
    app: AppApi,
    *,
    verdict: Verdict,
    state: dict[str, Any],
    version: int | None,
    seconds: float,
) -> None:
    if verdict.failed is not None:
        still = f" v{state['head']} still serves." if state["head"] else ""
        what = f"v{version} did not go live" if version else "The change did not go through"
        raise CommandFailed(
            f"{what}: {verdict.failed}{'' if verdict.failed.endswith('.') else '.'}{still}",
            f"`kedge why -a {app.name}` says more.",
        )
    line.settle(_live(app, state, version, seconds))
    for dyno in state["dynos"]:
        if dyno["state"] == "crashed":
            say(
                f"{paint('Warning:', 'yellow')} {dyno['name']} crashed and is started again with "
                f"growing pauses. `kedge why -a {app.name}` says more."
            )


def _live(app: AppApi, state: dict[str, Any], version: int | None, seconds: float) -> str:
    up = sum(1 for dyno in state["dynos"] if dyno["state"] == "up")
    head = state["head"]
    taken = f" (v{version} is part of it)" if version and head and head > version else ""
    what = f"v{head or version}{taken} is live on" if version else "Done on"
    mark = click.style("✓", fg="green")
    return f"{mark} {what} {app_name(app.name)}: {count(up, 'dyno')} up, {seconds:.1f} s."
