"""`python -m kedge.cli` is `kedge`."""

from __future__ import annotations

import sys

from kedge.cli import main

sys.exit(main())
