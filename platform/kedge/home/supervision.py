"""The process supervisor's configuration, made from the parts.

supervisord starts a part that dies again: at once when it had run for its `start_seconds`, else a
second later, then two. After that it gives up; `kedge up` does not, and has it begin anew
(`watch.py`), so the pause between two tries never grows beyond `LONGEST_PAUSE_SECONDS`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from kedge.home.installation import Installation, write_private
from kedge.home.parts import GROUPS, Part

SHELL = "/bin/sh"
TRIES = 2
RPC = """[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface"""
LONGEST_PAUSE_SECONDS = TRIES + 1
LOG_BYTES = 10 * 2**20


def render(installation: Installation, parts: Sequence[Part], fingerprint: str) -> str:
    """The configuration; by `fingerprint` a later start knows one of the same making."""
    own = [part for part in parts if part.command is not None]
    blocks = [f"; {fingerprint}", *_daemon(installation)]
    blocks += [_program(installation, part) for part in own]
    blocks += [_group(index, name, own) for index, name in enumerate(reversed(GROUPS))]
    return "\n\n".join(filter(None, blocks)) + "\n"


def write(installation: Installation, parts: Sequence[Part], fingerprint: str) -> Path:
    """Write the configuration and the parts' commands; the configuration's path."""
    for part in parts:
        if part.command is not None:
            write_private(script(installation, part.name), _script(installation, part))
    write_private(path(installation), render(installation, parts, fingerprint))
    return path(installation)


def path(installation: Installation) -> Path:
    """Where the configuration lies."""
    return installation.run_dir / "supervisor.conf"


def script(installation: Installation, part: str) -> Path:
    """A part's command as a file: the configuration's syntax would cut it at a ` ;` or ` #`.

    It ends with `exec`, so the program itself is what is signalled.
    """
    return installation.run_dir / f"{part}.command"


def _script(installation: Installation, part: Part) -> str:
    forget = f"rm -f {shlex.quote(str(installation.ready_file(part.name)))}"
    return f"{forget}\nexec {part.command}\n"


def read_script(path: Path) -> tuple[Path, str]:
    """What is written there: the file that says the part is ready, and the part's command."""
    forget, command = path.read_text().split("\n", 1)
    return Path(shlex.split(forget)[-1]), command.removeprefix("exec ").removesuffix("\n")


def _daemon(installation: Installation) -> list[str]:
    socket = _escaped(str(installation.supervisor_socket))
    return [
        _block("unix_http_server", file=socket, chmod="0600"),
        _block(
            "supervisord",
            logfile=_escaped(str(installation.log_dir / "supervisor.log")),
            logfile_maxbytes=LOG_BYTES,
            logfile_backups=1,
            pidfile=_escaped(str(installation.run_dir / "supervisor.pid")),
            childlogdir=_escaped(str(installation.log_dir)),
            umask="077",
            nodaemon="true",
            silent="true",
            # It warns when root does not say that root is meant.
            **({"user": "root"} if os.geteuid() == 0 else {}),
        ),
        RPC,
    ]


def _program(installation: Installation, part: Part) -> str:
    return _block(
        f"program:{part.name}",
        command=_escaped(f"{SHELL} {shlex.quote(str(script(installation, part.name)))}"),
        directory=_escaped(str(installation.home)),
        autostart="false",
        autorestart="true",
        startsecs=part.start_seconds,
        startretries=TRIES,
        stopsignal=part.stop_signal,
        stopwaitsecs=part.stop_seconds,
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=_escaped(str(installation.log_dir / f"{part.name}.log")),
        stdout_logfile_maxbytes=LOG_BYTES,
        stdout_logfile_backups=2,
    )


def _group(index: int, name: str, parts: Iterable[Part]) -> str:
    """Groups stop one after the other, the highest number first; their parts at once."""
    members = [part.name for part in parts if part.group == name]
    return _block(f"group:{name}", programs=",".join(members), priority=index) if members else ""


def _block(header: str, **values: object) -> str:
    return "\n".join([f"[{header}]", *(f"{key} = {value}" for key, value in values.items())])


def _escaped(value: str) -> str:
    """A value in which per cent signs stand for themselves."""
    return value.replace("%", "%%")
