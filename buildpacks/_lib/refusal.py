"""The one way to end a build with words."""

from __future__ import annotations


class Refused(Exception):
    """The build cannot go on.

    `reason` is one sentence, kept with the build; `advice` are the lines shown after it, which
    say what to do next.
    """

    def __init__(self, reason: str, *advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
