"""Why an app does not answer, or a release failed: findings from what is known, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kedge.model.dyno import State
from kedge.model.tables import Json


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause: what it is, what shows it, and what to do about it."""

    title: str
    evidence: tuple[str, ...]
    next_step: str


@dataclass(frozen=True, slots=True)
class SeenDyno:
    """A dyno of the formation as it stands."""

    name: str
    state: str
    failure: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is known of an app when somebody asks why.

    `router_codes` counts the requests of the last hour that got an error, by its code.
    """

    app: str
    has_code: bool
    has_web: bool
    web_quantity: int
    is_in_maintenance: bool
    dynos: Sequence[SeenDyno] = ()
    failed_release: tuple[int, Json] | None = None
    failed_build: tuple[str, str] | None = None
    router_codes: Mapping[str, int] | None = None


def explain(case: Case) -> list[Finding]:
    """The findings, the one to mend first at the front; none when all is well."""
    found = [
        _failed_release(case),
        *(_crashed(case, dyno) for dyno in case.dynos if dyno.state == State.CRASHED),
        _failed_build(case),
        _not_there(case),
        _router(case),
    ]
    return [finding for finding in found if finding]


def summarise(case: Case, findings: Sequence[Finding]) -> str:
    """One sentence."""
    if findings:
        return findings[0].title
    running = sum(1 for dyno in case.dynos if dyno.state == State.UP)
    return f"{case.app} is up: {running} of {len(case.dynos)} dynos run and nothing failed lately."


def evidence_of(failure: Json) -> tuple[str, ...]:
    """The evidence a cause record holds, as lines to read."""
    lines = []
    if failure.get("dyno"):
        lines.append(f"dyno: {failure['dyno']}, command: {failure.get('command', '')}")
    if failure.get("exit_status") is not None:
        lines.append(f"exit status: {failure['exit_status']}")
    if "ports_bound" in failure:
        listed = ", ".join(str(port) for port in failure["ports_bound"]) or "none"
        lines.append(f"ports bound: {listed} (wanted: {failure.get('port')})")
    lines += [f"probe: {told}" for told in failure.get("probes", ())]
    lines += [f"output: {told}" for told in failure.get("last_lines", ())]
    return tuple(lines)


def _failed_release(case: Case) -> Finding | None:
    if case.failed_release is None:
        return None
    version, failure = case.failed_release
    return Finding(
        f"Release v{version} failed: {failure.get('reason', 'for an unknown reason')}",
        evidence_of(failure),
        _step_for(failure, f"What ran before goes on serving. `kedge releases:output v{version}` "
                  "shows the release command's output; mend the cause and push again."),
    )  # fmt: skip


def _crashed(case: Case, dyno: SeenDyno) -> Finding:
    failure = dyno.failure or {}
    words = f"`kedge logs --dyno {dyno.name} -a {case.app}` shows its output."
    reason = failure.get("reason", "its process ended")
    return Finding(
        f"{dyno.name} has crashed: {reason}", evidence_of(failure), _step_for(failure, words)
    )


def _failed_build(case: Case) -> Finding | None:
    if case.failed_build is None:
        return None
    build_id, reason = case.failed_build
    step = f"`kedge builds:output {build_id} -a {case.app}` shows the whole output."
    return Finding("The newest build failed.", (reason,), step)


def _not_there(case: Case) -> Finding | None:
    if case.is_in_maintenance:
        return Finding("Maintenance mode is on, so every request gets H80.", (),
                       "Turn it off when you are ready.")  # fmt: skip
    if not case.has_code:
        return Finding(f"{case.app} has no code yet (H81).", (), "Deploy it: git push kedge main")
    if not case.has_web:
        return Finding("The Procfile declares no web process, so requests get H14.", (),
                       "Add a line `web: COMMAND` to the Procfile and push.")  # fmt: skip
    if case.web_quantity == 0:
        return Finding("The web process is scaled to 0, so requests get H14.", (),
                       f"kedge ps:scale web=1 -a {case.app}")  # fmt: skip
    return None


def _router(case: Case) -> Finding | None:
    codes = case.router_codes or {}
    if not codes:
        return None
    lines = tuple(f"{code}: {count} request{'s' * (count > 1)}" for code, count in codes.items())
    return Finding("The router could not answer some requests in the last hour.", lines,
                   f"`kedge logs --dyno router -a {case.app}` shows them.")  # fmt: skip


def _step_for(failure: Json, otherwise: str) -> str:
    code, status = failure.get("code"), failure.get("exit_status")
    if code == "R10":
        return "Listen on 0.0.0.0 at the port in $PORT, and answer within the boot time."
    if code == "R15":
        return "Use less memory, or a larger size: kedge ps:type web=standard-2x"
    if status == 127:
        return "The command was not found: check the Procfile, and that the build installs it."
    return otherwise
