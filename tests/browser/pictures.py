"""Pictures of pages for the documents, taken while tests look at them.

`KEDGE_PICTURES=docs/images` keeps them; without it a test takes none.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "KEDGE_PICTURES"
LARGEST_BYTES = 150_000


def take(page, name):
    """The page as it is now, as `name`.png."""
    if not (folder := os.environ.get(VARIABLE)):
        return
    path = Path(folder) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size < LARGEST_BYTES, name
