"""The real runtime on an installation of its own, as the contract tests have it."""

from __future__ import annotations

from contract.lab import docker_home, docker_lab, docker_runtime

__all__ = ["docker_home", "docker_lab", "docker_runtime"]
