"""The plans of scheduler: how many jobs, and how often they may run."""

from __future__ import annotations

from kedge_addons.offer import Offer, Plan


def _plan(
    name: str, human_name: str, jobs: int, minutes: int, history: int, *, is_default: bool = False
) -> Plan:
    often = "every minute" if minutes == 1 else f"every {minutes} minutes"
    return Plan(
        name=name,
        human_name=human_name,
        description=f"{jobs} jobs, at most {often}",
        limits={"jobs": jobs, "minutes": minutes, "history": history},
        attributes={
            "Jobs": str(jobs),
            "As often as": often,
            "History": f"{history} runs of each job",
        },
        is_default=is_default,
    )


OFFER = Offer(
    name="scheduler",
    human_name="Scheduler",
    description="Commands of the app run by the clock, as one-off dynos, with their history.",
    icon="clock-history",
    config_vars=[],
    prefix="SCHEDULER",
    primary="SCHEDULER",
    capabilities=("restore", "run-dynos"),
    plans=[
        _plan("standard", "Standard", 20, 10, 200, is_default=True),
        _plan("frequent", "Frequent", 100, 1, 1000),
    ],
    hooks="kedge_addons.scheduler.service:Scheduler",
)
