"""What a token may be used for: Heroku's OAuth scopes.

https://devcenter.heroku.com/articles/oauth#scopes. A scope narrows what a token's account may do;
it never adds to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from kedge.errors import InvalidParams


class Scope(StrEnum):
    """As Heroku names them. Protected is what holds secrets or makes code run: see docs/access.md.

    What nobody says a narrower one for needs `global`.
    """

    GLOBAL = "global"
    IDENTITY = "identity"
    READ = "read"
    WRITE = "write"
    READ_PROTECTED = "read-protected"
    WRITE_PROTECTED = "write-protected"


EVERYTHING = frozenset({Scope.GLOBAL})
_COVERS = {
    Scope.GLOBAL: frozenset(Scope),
    Scope.IDENTITY: {Scope.IDENTITY},
    Scope.READ: {Scope.READ},
    Scope.WRITE: {Scope.READ, Scope.WRITE},
    Scope.READ_PROTECTED: {Scope.READ, Scope.READ_PROTECTED},
    Scope.WRITE_PROTECTED: {
        Scope.READ, Scope.WRITE, Scope.READ_PROTECTED, Scope.WRITE_PROTECTED,
    },
}  # fmt: skip


def covers(held: Collection[Scope], needed: Scope) -> bool:
    """Whether a token with these scopes may be used for what needs that one."""
    return any(needed in _COVERS[scope] for scope in held)


def read(written: Iterable[object]) -> list[Scope]:
    """Scopes as a client names them, in one order; none named is `global`, as on Heroku.

    Raises:
        InvalidParams: one there is not.
    """
    wanted = {str(each) for each in written} or {str(Scope.GLOBAL)}
    unknown = sorted(wanted - set(Scope))
    if unknown:
        raise InvalidParams(f"There is no scope {unknown[0][:40]!r}: there are {', '.join(Scope)}.")
    return [scope for scope in Scope if scope in wanted]
