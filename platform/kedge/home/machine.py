"""Checks of this machine: programs, engine, disk, memory, clock."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kedge.errors import StartRefused
from kedge.home import account, postgres, probes, redis
from kedge.home.findings import Finding, finding
from kedge.settings import Settings, variable_of

DISK_MB = 4096
MEMORY_MB = 1024
OLDEST_HAPROXY = (2, 4)
# Certificates are refused when the clock is before their making: nothing here is older than this.
CLOCK_YEAR = 2025

Check = Callable[[Settings], Iterator[Finding]]


def _postgres(settings: Settings) -> Iterator[Finding]:
    if settings.database_url:
        yield _answers("PostgreSQL", lambda: probes.postgres(settings.database_url), "DATABASE_URL")
        return
    try:
        version = (settings.home / "postgres" / "data" / "PG_VERSION").read_text().strip()
    except OSError:
        version = None
    try:
        folder = postgres.programs_for(version)
    except StartRefused as refusal:
        yield Finding("PostgreSQL", ok=False, detail=refusal.reason, remedy=refusal.remedy)
        return
    yield Finding(
        "PostgreSQL", ok=True, detail=_first_line([str(folder / "postgres"), "--version"])
    )
    if account.needed():
        yield _confinement()


def _confinement() -> Finding:
    name = "account for PostgreSQL"
    try:
        account.refuse_without_namespaces()
    except StartRefused as refusal:
        return Finding(name, ok=False, detail=refusal.reason, remedy=refusal.remedy)
    return Finding(name, ok=True, detail=account.NAME)


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url:
        yield _answers("Redis", lambda: probes.redis(settings.redis_url), "REDIS_URL")
        return
    try:
        yield Finding("Redis", ok=True, detail=_first_line([redis.program(), "--version"]))
    except StartRefused as refusal:
        yield Finding("Redis", ok=False, detail=refusal.reason, remedy=refusal.remedy)


def _haproxy(_settings: Settings) -> Iterator[Finding]:
    words = _first_line(["haproxy", "-v"])
    version = re.search(r"(\d+)\.(\d+)", words)
    is_new = version is not None and (int(version[1]), int(version[2])) >= OLDEST_HAPROXY
    remedy = "Install HAProxy 2.4 or newer: `make setup`, or the Debian package haproxy."
    yield finding("HAProxy", is_new, words or "not installed", remedy)


def _programs(_settings: Settings) -> Iterator[Finding]:
    for program, package in (("git", "git"), ("iptables", "iptables"), ("docker", "docker.io")):
        words = _first_line([program, "--version"])
        remedy = f"Run `make setup`, or install the Debian package {package}."
        yield finding(program, bool(words), words or "not installed", remedy)


def _engine(settings: Settings) -> Iterator[Finding]:
    trouble = probes.probed(lambda: probes.engine(settings.docker_host))
    where = settings.docker_host or "/var/run/docker.sock"
    if trouble:
        remedy = "Start it: `sudo systemctl start docker`, or `bin/engine` without an init system."
        yield Finding("Docker engine", ok=False, detail=f"{where} {trouble}", remedy=remedy)
        return
    fields = "{{.ServerVersion}} {{.Driver}} {{.CgroupVersion}}"
    words = _docker(settings, "info", "--format", fields).split()
    if len(words) != 3:
        remedy = "`docker info` says why; an engine under heavy load may need minutes to answer."
        yield Finding("Docker engine", ok=False, detail=f"{where}: no answer", remedy=remedy)
        return
    version, driver, cgroup = words
    yield Finding("Docker engine", ok=True, detail=f"{version} at {where}")
    remedy = 'vfs copies whole images: set "storage-driver" to overlay2 in /etc/docker/daemon.json.'
    yield finding("storage driver", driver != "vfs", driver, remedy)
    yield Finding("control groups", ok=True, detail=f"version {cgroup}")
    yield from _images(settings)


def _images(settings: Settings) -> Iterator[Finding]:
    for image in settings.images:
        there = _docker(settings, "image", "inspect", "--format", "{{.Id}}", image)
        yield finding(f"image {image}", bool(there), there[:19] or "missing", "Run `make stack`.")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free_mb = shutil.disk_usage(folder).free // 2**20
    remedy = "Make room: `docker system df` shows what images take. Kedge starts with 256 MB."
    yield finding("disk", free_mb >= DISK_MB, f"{free_mb} MB free at {folder}", remedy)


def _memory(_settings: Settings) -> Iterator[Finding]:
    line = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())
    free_mb = int(line[1]) // 1024 if line else 0
    remedy = "Kedge takes 450 MB, each dyno what its size says: stop something or add memory."
    yield finding("memory", free_mb >= MEMORY_MB, f"{free_mb} MB available", remedy)


def _clock(_settings: Settings) -> Iterator[Finding]:
    now = dt.datetime.now(dt.UTC)
    remedy = (
        "Set the clock (`timedatectl set-ntp true`): certificates are refused when it is wrong."
    )
    yield finding("clock", now.year >= CLOCK_YEAR, now.strftime("%Y-%m-%d %H:%M UTC"), remedy)


def _forwarding(_settings: Settings) -> Iterator[Finding]:
    on = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "1"
    remedy = "Dynos reach no network without it: `sysctl -w net.ipv4.ip_forward=1`."
    yield finding("ip_forward", on, "on" if on else "off", remedy)


def _ca_bundle(settings: Settings) -> Iterator[Finding]:
    named = settings.ca_bundle
    if settings.host_ca_bundle:
        readable = os.access(settings.host_ca_bundle, os.R_OK)
        remedy = f"Make it readable, or set {variable_of('ca_bundle')}."
        yield finding("CA bundle", readable, str(settings.host_ca_bundle), remedy)
    elif named and named != "none":
        remedy = f"Set {variable_of('ca_bundle')} to a file, or to none."
        yield Finding("CA bundle", ok=False, detail=f"{named} is not a file", remedy=remedy)


def _answers(name: str, probe: probes.Probe, variable: str) -> Finding:
    trouble = probes.probed(probe)
    return finding(name, not trouble, trouble or "answers", f"Look at the server {variable} names.")


def _docker(settings: Settings, *words: str) -> str:
    """What the Docker CLI prints; empty when it fails."""
    host = {"DOCKER_HOST": settings.docker_host} if settings.docker_host else {}
    return _output(["docker", *words], {**os.environ, **host})


def _first_line(command: Sequence[str]) -> str:
    """The first line a program prints; empty when it is not there or fails."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
    return _output(command, {**os.environ, "PATH": path}).partition("\n")[0]


def _output(command: Sequence[str], environment: dict[str, str]) -> str:
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        return ""
    try:
        ran = subprocess.run(
            [program, *command[1:]],
            env=environment, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


CHECKS: tuple[Check, ...] = (
    _postgres,
    _redis,
    _haproxy,
    _programs,
    _engine,
    _disk,
    _memory,
    _clock,
    _forwarding,
    _ca_bundle,
)
# Those that can be looked at from inside a container of compose.
INSIDE: tuple[Check, ...] = (_postgres, _redis, _haproxy, _disk, _memory, _clock)
