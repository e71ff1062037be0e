"""What a push asks for, from the refs it wants to move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ZERO = "0" * 40
DEPLOYABLE = ("refs/heads/main", "refs/heads/master")


@dataclass(frozen=True, slots=True)
class Update:
    """One ref of a push: from which commit to which. All zeros: it is new, or goes away."""

    old: str
    new: str
    ref: str

    @property
    def is_deletion(self) -> bool:
        """Whether the ref goes away."""
        return set(self.new) == {"0"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a push: a reason to refuse it, or what to deploy (if anything).

    `remarks` are said in either case.
    """

    deploy: Update | None = None
    refusal: str | None = None
    remarks: tuple[str, ...] = ()


def judge(updates: Sequence[Update]) -> Verdict:
    """Heroku's rule: `main` and `master` are deployed, whatever else is only kept."""
    remarks = tuple(_remark(update) for update in updates if update.ref not in DEPLOYABLE)
    deployable = [update for update in updates if update.ref in DEPLOYABLE]
    for update in deployable:
        if update.is_deletion:
            name = _short(update.ref)
            return Verdict(refusal=(
                f"{name} is what is deployed and cannot be deleted. To stop the app, scale it "
                "down (kedge ps:scale web=0) or destroy it (kedge apps:destroy)."
            ))  # fmt: skip
    if len(deployable) > 1:
        return Verdict(refusal=(
            "This push moves both main and master, and only one can be deployed. "
            "Push one of them: git push kedge main"
        ))  # fmt: skip
    return Verdict(deploy=deployable[0] if deployable else None, remarks=remarks)


def _remark(update: Update) -> str:
    kind = "tag" if update.ref.startswith("refs/tags/") else "branch"
    verb = "Deleted" if update.is_deletion else "Stored"
    return f"{verb} {kind} {_short(update.ref)} without a build: only main and master are deployed."


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
