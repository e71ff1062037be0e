"""What the server of one resource is: its container, as the engine is to make it.

Nothing here asks the engine; `instances.py` does.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from docker import APIClient
from docker.types import LogConfig, Ulimit

HOME, KIND, ADDON, SERVICE = "kedge.home", "kedge.kind", "kedge.addon", "kedge.service"
PORT, KEEP, SPEC = "kedge.port", "kedge.keep", "kedge.spec"
DATA = "/data"
USER = 1000
PIDS = 512
OPEN_FILES = 10_000
# An address that was another's a moment ago: a datagram to the gateway has the host learn it anew.
GREETING = 'echo 2>/dev/null >"/dev/udp/{gateway}/9"\nexec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What the server of one resource is.

    Args:
        resource_id: whose it is.
        service: of which service.
        alias: the name dynos find it by.
        command: what runs in it, as the account `addon`; it holds no secret.
        ports: the TCP ports dynos may reach.
        memory_mb: the hard limit, swap included.
        shared_memory_mb: the size of /dev/shm.
        stop_signal: what asks it to end; it has `instances.STOP_SECONDS` for that.
        environment: variables; no secret either.
        files: written below /data before each start: path, and content, readable by it alone.
    """

    resource_id: uuid.UUID
    service: str
    alias: str
    command: Sequence[str]
    ports: Sequence[int]
    memory_mb: int
    shared_memory_mb: int = 64
    stop_signal: str = "SIGTERM"
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def digest(self) -> str:
        """Changes with anything that only a new container would follow; files are written anew."""
        facts = asdict(self) | {"files": sorted(self.files)}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def labels_of(wanted: Instance, installation: str) -> dict[str, str]:
    """By what its container and its volume are found again."""
    return {
        HOME: installation,
        KIND: "addon",
        ADDON: str(wanted.resource_id),
        SERVICE: wanted.service,
        PORT: ",".join(str(port) for port in wanted.ports),
    }


def command_of(wanted: Instance, gateway: str) -> list[str]:
    """Its command, once the gateway of its network has heard of its address."""
    return ["bash", "-c", GREETING.format(gateway=gateway), "bash", *wanted.command]


def host_config(api: APIClient, wanted: Instance, volume: str, network: str) -> dict[str, Any]:
    """What it may: no rights, so much memory, one folder that lasts."""
    memory = f"{wanted.memory_mb}m"
    return api.create_host_config(
        init=True,
        binds=[f"{volume}:{DATA}"],
        network_mode=network,
        read_only=True,
        tmpfs={
            "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777",  # noqa: S108 - its own
            "/run": f"rw,noexec,nosuid,nodev,size=16m,mode=700,uid={USER},gid={USER}",
        },
        shm_size=f"{wanted.shared_memory_mb}m",
        mem_limit=memory,
        memswap_limit=memory,
        pids_limit=PIDS,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        ulimits=[Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES)],
        # The bridge has IPv4 alone, and so has the firewall.
        sysctls={"net.ipv6.conf.all.disable_ipv6": "1"},
        restart_policy={"Name": "unless-stopped"},
        log_config=LogConfig(type="local", config={"max-size": "5m", "max-file": "2"}),
    )


def packed(files: Mapping[str, bytes]) -> bytes:
    """Files as a tar, each readable by the server's account alone."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.uid, member.gid = len(content), 0o600, USER, USER
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()
