"""Version ranges as npm understands them (https://github.com/npm/node-semver#ranges).

Pre-releases never match: nothing here wants one that was not named exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Version = tuple[int, int, int]
Test = Callable[[Version], bool]

_FULL = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:\+[\w.-]+)?")
_PARTIAL = r"v?=?\s*(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-[\w.-]+)?(?:\+[\w.-]+)?"
_COMPARATOR = re.compile(rf"(\^|~>?|>=|<=|>|<|=)?\s*{_PARTIAL}")
_HYPHEN = re.compile(rf"\s*{_PARTIAL}\s+-\s+{_PARTIAL}\s*")


class InvalidRange(ValueError):
    """A text that is no version range."""


def parse_version(text: str) -> Version | None:
    """A full release version, or None (also for pre-releases)."""
    match = _FULL.fullmatch(text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def show(version: Version) -> str:
    """`1.2.3`."""
    return ".".join(map(str, version))


def newest(versions: Iterable[Version], range_text: str) -> Version | None:
    """The newest of `versions` in the range, or None. Raises InvalidRange."""
    matches = matcher(range_text)
    return max((version for version in versions if matches(version)), default=None)


def matcher(range_text: str) -> Test:
    """A test for versions in the range. Raises InvalidRange."""
    alternatives = [_all_of(part) for part in range_text.split("||")]
    return lambda version: any(
        all(test(version) for test in alternative) for alternative in alternatives
    )


def _all_of(text: str) -> list[Test]:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        low, high = _numbers(hyphen.groups()[:3]), _numbers(hyphen.groups()[3:])
        return [_at_least(_floor(low)), _below(_ceiling(high))]
    rest, tests = text.strip(), list[Test]()
    if rest in {"", "latest", "x", "X"}:
        return [lambda _: True]
    while rest:
        match = _COMPARATOR.match(rest)
        if match is None:
            raise InvalidRange(text.strip())
        tests += _comparator(match[1] or "=", _numbers(match.groups()[1:]))
        after = rest[match.end() :]
        if after and not after[0].isspace() and after[0] not in ",<>=^~":
            raise InvalidRange(text.strip())
        rest = after.lstrip(", \t")
    return tests


def _numbers(parts: tuple[str | None, ...]) -> tuple[int, ...]:
    """The leading numbers of a partial version: `1.x` is (1,), `*` is ()."""
    numbers: list[int] = []
    for part in parts:
        if part is None or not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _comparator(operator: str, bound: tuple[int, ...]) -> list[Test]:
    floor = _floor(bound)
    if operator == ">=":
        return [_at_least(floor)]
    if operator == ">":
        # `>1.2` means above all of 1.2.x
        return [_at_least(_ceiling(bound) if len(bound) < 3 else _next_patch(floor))]
    if operator == "<":
        return [_below(floor)]
    if operator == "<=":
        return [_below(_ceiling(bound))]
    if operator == "^":
        return [_at_least(floor), _below(_caret_end(bound))]
    if operator in {"~", "~>"}:
        return [_at_least(floor), _below(_ceiling(bound[:2]))]
    return [_at_least(floor), _below(_ceiling(bound))]


def _floor(bound: tuple[int, ...]) -> Version:
    padded = (*bound, 0, 0, 0)
    return (padded[0], padded[1], padded[2])


def _next_patch(version: Version) -> Version:
    return (version[0], version[1], version[2] + 1)


def _ceiling(bound: tuple[int, ...]) -> Version:
    """The first version after all that begin with `bound`; of an empty one, out of reach."""
    if not bound:
        return (1 << 62, 0, 0)
    return _floor((*bound[:-1], bound[-1] + 1))


def _caret_end(bound: tuple[int, ...]) -> Version:
    """`^1.2` ends before 2, `^0.2.3` before 0.3, `^0.0.3` before 0.0.4."""
    for index, number in enumerate(bound):
        if number:
            return _ceiling(bound[: index + 1])
    return _ceiling(bound)


def _at_least(bound: Version) -> Test:
    return lambda version: version >= bound


def _below(bound: Version) -> Test:
    return lambda version: version < bound
