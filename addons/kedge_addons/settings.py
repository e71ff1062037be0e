"""What the providers are told by their environment, read once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's providers. The variables are those of `docs/settings.md`.

    `installation` (12 hex digits) is in the labels and names of all containers and volumes;
    `platform_socket` is where the platform's API listens on this machine, None to reach it as
    provision requests say; `rests_days`: how long what was in a destroyed add-on is kept;
    `backups_url`: the bucket backups are put in, "" for a folder of the home.
    """

    home: Path
    installation: str
    database_url: str
    image: str = "kedge/addons:kedge-13"
    docker_host: str = ""
    platform_url: str = "http://localhost:8080"
    platform_socket: Path | None = None
    rests_days: float = 7.0
    backups_url: str = ""
    log_level: str = "info"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of the environment a part of an installation is started with."""
    given = os.environ if environ is None else environ
    home = Path(given["KEDGE_HOME"])
    run_dir = given.get("KEDGE_RUN_DIR", "")
    return Settings(
        home=home,
        installation=given.get("KEDGE_INSTALLATION") or _written(home / "installation"),
        database_url=given.get("DATABASE_URL", ""),
        image=given.get("KEDGE_STACK_ADDONS_IMAGE") or "kedge/addons:kedge-13",
        docker_host=given.get("DOCKER_HOST", ""),
        platform_url=_platform_url(given),
        platform_socket=Path(run_dir) / "web.sock" if run_dir else None,
        backups_url=given.get("KEDGE_BACKUPS_URL", ""),
        log_level=given.get("KEDGE_LOG_LEVEL") or "info",
    )


def _written(file: Path) -> str:
    return file.read_text().strip()


def _platform_url(given: Mapping[str, str]) -> str:
    """Where people reach the platform, whose `/provider/…` is ours."""
    domain, port = given.get("KEDGE_DOMAIN") or "localhost", given.get("KEDGE_HTTP_PORT") or "8080"
    return f"http://{domain}" if port == "80" else f"http://{domain}:{port}"
