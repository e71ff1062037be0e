"""The container of one build: what is in it, and what it may use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import APIClient

from kedge.engine.docker import dyno
from kedge.engine.docker.network import Network
from kedge.engine.protocols import BuildSpec
from kedge.settings import Settings

COMMAND = ("python3", "-u", "/kedge/buildpacks/_runner/serve.py")
# Config vars lie in memory, not in the layer the build writes to.
ENV_MOUNT = {"/kedge/env": f"mode=0700,uid={dyno.DYNO_USER},gid={dyno.DYNO_USER}"}
# The build is the first to go when the host itself runs out of memory, and gives way to dynos.
OOM_SCORE = 800
CPU_SHARES = 128
# A corporate proxy of the host is the builds' too.
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildVolumes:
    """Names of the volumes of one build."""

    cache: str
    buildpacks: str
    tools: str

    def binds(self) -> list[str]:
        """Where they are mounted."""
        return [
            f"{self.cache}:/build",
            f"{self.buildpacks}:/kedge/buildpacks:ro",
            f"{self.tools}:/kedge/tools:ro",
        ]


def processors(settings: Settings) -> float:
    """How many processors one build may use: all but one unless the settings say otherwise."""
    return settings.build_cpus or max(1, (os.cpu_count() or 1) - 1)


def request(
    api: APIClient, settings: Settings, *, network: Network, volumes: BuildVolumes, stack: str
) -> dict[str, Any]:
    """The arguments of the SDK's `create_container` but name and labels."""
    limit = f"{settings.build_memory_mb}m"
    bundle = settings.host_ca_bundle
    return {
        "image": settings.stack_build_image,
        "entrypoint": list(COMMAND),
        "command": [],
        "user": dyno.DYNO_USER,
        "working_dir": "/build",
        "stdin_open": True,
        "environment": {
            **{name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ},
            **dyno.ca_variables(bundle),
            "HOME": "/app",
            "STACK": stack,
        },
        "host_config": api.create_host_config(
            **dyno.HARDENED,
            mem_limit=limit,
            memswap_limit=limit,
            nano_cpus=int(processors(settings) * 1_000_000_000),
            cpu_shares=CPU_SHARES,
            pids_limit=settings.build_pids,
            oom_score_adj=OOM_SCORE,
            network_mode=network.name,
            binds=[*volumes.binds(), *dyno.ca_binds(bundle)],
            tmpfs=ENV_MOUNT,
            log_config=dyno.log_config(keep=False),
        ),
    }


def order(spec: BuildSpec, settings: Settings) -> Iterator[tuple[str, bytes | Path]]:
    """The files the runner (`buildpacks/_runner/serve.py`) is given to build from."""
    yield "build.json", _request(spec, settings)
    yield "source.tar", spec.source
    for key, value in spec.env.items():
        yield f"env/{key}", value.encode()


def _request(spec: BuildSpec, settings: Settings) -> bytes:
    return json.dumps(
        {
            "app": spec.app_name,
            "stack": spec.stack,
            "buildpacks": list(spec.buildpacks),
            "source_version": spec.source_version,
            "commit_time": spec.commit_time,
            "slug_limit_bytes": settings.slug_limit_mb << 20,
            "known_layers": list(spec.known_layers),
        }
    ).encode()
