"""A dyno's container as the engine is asked to make it: hardened, limited, with its own boot."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from docker import APIClient
from docker.types import LogConfig, Ulimit
from docker.utils import version_gte

from kedge.engine.docker.network import Network
from kedge.engine.protocols import ContainerSpec

DYNO_USER = "1000"
OPEN_FILES = 10_000
# Where Debian keeps its bundle; the host's takes its place, so that tools without a variable
# of their own find it too.
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CA_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NPM_CONFIG_CAFILE",
)
# As on Heroku: the buildpacks' profile scripts, the app's own, then the command in their place.
# A terminal has its size before the first program asks for it. SIGTERM goes to every process; a
# shell that is still there for a command of several parts must outlive the part it runs, for the
# dyno ends with it. A plain command takes the shell's place.
# An address a dyno had before is another's soon, and the host would send to the interface that had
# it last for half a minute: a datagram to the gateway makes it learn the new one at once.
BOOT = r"""while read -r _ to via _; do
  [ "$to" = 00000000 ] || continue
  via="$((16#${via:6:2})).$((16#${via:4:2})).$((16#${via:2:2})).$((16#${via:0:2}))"
  echo 2>/dev/null >"/dev/udp/$via/9"
done </proc/net/route
cd /app
[ -t 0 ] && [ -n "$COLUMNS" ] && [ -n "$LINES" ] && stty cols "$COLUMNS" rows "$LINES"
for script in .profile.d/*.sh; do [ -f "$script" ] && . "./$script"; done
[ -f .profile ] && . ./.profile
unset script to via
case "$1" in
  *[\;\&\|]*|*$'\n'*) exec bash -c "trap 'exit \$?' TERM
$1" ;;
  *) exec bash -c "$1" ;;
esac
"""
LOG_OPTIONS = {"max-size": "20m", "max-file": "5", "compress": "false"}
# The bridge has IPv4 alone, and so has the firewall.
SYSCTLS = {"net.ipv6.conf.all.disable_ipv6": "1"}


def ca_variables(bundle: Path | None) -> dict[str, str]:
    """The variables that point tools at the CA bundle; none when there is none."""
    return dict.fromkeys(CA_VARIABLES, CA_BUNDLE) if bundle else {}


def ca_binds(bundle: Path | None) -> list[str]:
    """The mount of the CA bundle, read-only."""
    return [f"{bundle}:{CA_BUNDLE}:ro"] if bundle else []


def mac_of(dyno_id: UUID) -> str:
    """The hardware address of a dyno's interface: a locally administered one, from its id."""
    return ":".join(f"{byte:02x}" for byte in (0x02, *dyno_id.bytes[:5]))


def request(
    api: APIClient,
    spec: ContainerSpec,
    *,
    image: str,
    network: Network,
    ca_bundle: Path | None,
    processors: int,
) -> dict[str, Any]:
    """The arguments of the SDK's `create_container` but the installation's name and labels.

    A size with more processors than the host's `processors` gets all of those: the engine refuses
    to promise what is not there.
    """
    environment = {**ca_variables(ca_bundle), **spec.env, "HOME": "/app"}
    return {
        "image": image,
        "entrypoint": ["bash", "-c", BOOT, "bash"],
        "command": [spec.command],
        "hostname": str(spec.dyno_id),
        "user": DYNO_USER,
        "working_dir": "/app",
        "environment": environment,
        "tty": spec.tty,
        "stdin_open": spec.stdin,
        **_interface(api, network, mac_of(spec.dyno_id)),
        "host_config": _host_config(api, spec, network, ca_bundle, min(spec.cpus, processors)),
    }


def _interface(api: APIClient, network: Network, mac: str) -> dict[str, Any]:
    """The hardware address, where the engine's API wants it: on the network since 1.44."""
    if not version_gte(api.api_version, "1.44"):
        return {"mac_address": mac}
    endpoint = api.create_endpoint_config(mac_address=mac)
    networks: Any = {network.name: endpoint}  # the type stubs want a single endpoint here
    return {"networking_config": api.create_networking_config(networks)}


def _host_config(
    api: APIClient, spec: ContainerSpec, network: Network, ca_bundle: Path | None, cpus: float
) -> dict[str, Any]:
    hard_limit = f"{2 * spec.memory_mb}m"
    return api.create_host_config(
        **HARDENED,
        mem_limit=hard_limit,
        memswap_limit=hard_limit,
        cpu_shares=spec.cpu_shares,
        nano_cpus=int(cpus * 1_000_000_000) or None,
        pids_limit=spec.pids,
        # Docker's default is noexec, on which Java and Ruby libraries that unpack themselves fail.
        tmpfs={"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={hard_limit}"},  # noqa: S108
        network_mode=network.name,
        binds=ca_binds(ca_bundle),
        log_config=log_config(keep=spec.keep_logs),
    )


HARDENED: dict[str, Any] = {
    "init": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "ulimits": [Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES)],
    "sysctls": SYSCTLS,
    "restart_policy": {"Name": "no"},
}


def log_config(*, keep: bool) -> LogConfig:
    """Docker's own compact log files for what is kept, else no log at all."""
    if not keep:
        return LogConfig(type=LogConfig.types.NONE)
    return LogConfig(type="local", config=dict(LOG_OPTIONS))
