"""What bin/release prints."""

import pytest
from _runner.release_output import default_process_types

YAML = """---
addons:
  - heroku-postgresql
config_vars:
  PATH: bin
default_process_types:
  web: npm start  # served
  worker: "node \\"w\\".js: x"
  clock: 'it''s time'

other:
  web: wrong
"""


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (YAML, {"web": "npm start", "worker": 'node "w".js: x', "clock": "it's time"}),
        ("default_process_types:\n    web: a\n", {"web": "a"}),
        ('{"default_process_types": {"web": "a"}}', {"web": "a"}),
        (
            "default_process_types: {web: npm start, 'w': \"a, b\"}",
            {"web": "npm start", "w": "a, b"},
        ),
        ("--- {}\n", {}),
        ("default_process_types: {}\n", {}),
        ("", {}),
    ],
)
def test_default_process_types_are_read(text, types):
    """Process types are read from the YAML and JSON buildpacks print; other sections are not."""
    assert default_process_types(text) == types
