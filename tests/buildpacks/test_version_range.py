"""Version ranges as npm has them."""

import pytest
from _lib.version_range import InvalidRange, matcher, newest, parse_version


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("22.x", "22.0.0 22.9.1", "21.9.9 23.0.0"),
        ("22", "22.0.0 22.9.1", "23.0.0"),
        ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.x", "0.0.0 0.9.9", "1.0.0"),
        ("~1.2", "1.2.0 1.2.9", "1.3.0"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        (">=18 <21", "18.0.0 20.9.9", "17.9.9 21.0.0"),
        (">= 18.2", "18.2.0 99.0.0", "18.1.9"),
        (">1.2", "1.3.0", "1.2.9"),
        (">1.2.3", "1.2.4", "1.2.3"),
        ("<=20", "20.9.9", "21.0.0"),
        ("18 || >=22", "18.1.0 22.0.0", "20.0.0"),
        ("1.2 - 2.3", "1.2.0 2.3.9", "2.4.0"),
        ("1.2.3 - 2.3.4", "2.3.4", "2.3.5"),
        ("*", "0.0.1 99.0.0", ""),
        ("", "1.0.0", ""),
        ("v20.11.0", "20.11.0", "20.11.1"),
        ("=20.11", "20.11.5", "20.12.0"),
    ],
)
def test_ranges_hold_what_npm_says_they_hold(text, inside, outside):
    """A range holds the versions node-semver says it holds, and no others."""
    fits = matcher(text)
    assert all(fits(parse_version(version)) for version in inside.split())
    assert not any(fits(parse_version(version)) for version in outside.split())


@pytest.mark.parametrize("text", ["latest please", "twenty", "20..1", ">="])
def test_a_text_that_is_no_range_is_refused(text):
    """Words and broken numbers are no range."""
    with pytest.raises(InvalidRange):
        matcher(text)


def test_the_newest_fitting_version_is_found():
    """Newest means by number, not by text."""
    versions = [(20, 9, 0), (20, 10, 0), (22, 1, 0)]
    assert newest(versions, "20.x") == (20, 10, 0)
    assert newest(versions, "23") is None


def test_prereleases_are_no_versions():
    """A pre-release is never chosen."""
    assert parse_version("22.0.0-rc.1") is None
