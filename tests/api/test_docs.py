"""docs/api.md against the code."""

import re
from pathlib import Path

from kedge.api.application import create

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
ROW = re.compile(r"\| `(?P<method>[A-Z]+) (?P<path>\S+)` \| (?P<words>.*) \|")


def test_every_endpoint_is_documented(services):
    """docs/api.md has a row for each endpoint, in its view's own words, and none for others."""
    documented = [
        (row["path"], row["method"], row["words"])
        for row in map(ROW.fullmatch, DOCUMENT.read_text().splitlines())
        if row
    ]
    expected = sorted(endpoints(create(services)))
    table = "\n".join(f"| `{method} {path}` | {words} |" for path, method, words in expected)
    assert documented == expected, f"The table is to be:\n{table}"


def endpoints(application):
    """(path, method, first line of the view's docstring) of every endpoint of the API."""
    for rule in application.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r":\1", rule.rule)
        words = application.view_functions[rule.endpoint].__doc__.strip().partition("\n")[0]
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            yield path, method, words
