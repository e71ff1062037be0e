"""Kedge's control plane: push → build → slug → release → rollout → route.

Read in this order: `git/receive.py`, `ops/builds.py`, `ops/releases.py`, `plan/rollout.py`,
`loops/rollout.py`. Here belongs everything that decides what runs. Not here: the router
(`kedge_router`) and the add-on providers (`kedge_addons`), which are known only through HTTP.
"""

__version__ = "0.1.0"
