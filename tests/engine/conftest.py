"""The real runtime on an installation of its own, as the contract tests have it."""

from __future__ import annotations

from contract.lab import docker_builds, docker_home, docker_lab, docker_runtime, shared_builder

__all__ = ["docker_builds", "docker_home", "docker_lab", "docker_runtime", "shared_builder"]
