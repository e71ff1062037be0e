"""The environment of a dyno that runs Python, and of the buildpacks that come after."""

from __future__ import annotations

from _lib.place import Place

from python_buildpack.uv import VENV

# PYTHONPATH, LANG and PYTHONHASHSEED as Heroku's buildpack sets them. FORWARDED_ALLOW_IPS because
# only the router reaches a dyno; gunicorn's heartbeat belongs in memory: on a busy disk it stalls
# workers.
_PROFILE = f"""\
export PATH="$HOME/{VENV}/bin:$PATH"
export PYTHONUNBUFFERED="${{PYTHONUNBUFFERED:-true}}"
export PYTHONHASHSEED="${{PYTHONHASHSEED:-random}}"
export PYTHONPATH="${{PYTHONPATH:-$HOME}}"
export LANG="${{LANG:-en_US.UTF-8}}"
export FORWARDED_ALLOW_IPS="${{FORWARDED_ALLOW_IPS:-*}}"
if [ -w /dev/shm ]; then
  export GUNICORN_CMD_ARGS="${{GUNICORN_CMD_ARGS:---access-logfile - --worker-tmp-dir /dev/shm}}"
else
  export GUNICORN_CMD_ARGS="${{GUNICORN_CMD_ARGS:---access-logfile -}}"
fi
"""

# Heroku's figures: 256 MB a worker, at most two a processor and one.
_CONCURRENCY = """\
if [ -z "${WEB_CONCURRENCY:-}" ]; then
  WEB_CONCURRENCY=$(($(kedge_dyno_memory_mb) / 256))
  most=$(($(nproc) * 2 + 1))
  if [ "$WEB_CONCURRENCY" -gt "$most" ]; then WEB_CONCURRENCY=$most; fi
  if [ "$WEB_CONCURRENCY" -lt 1 ]; then WEB_CONCURRENCY=1; fi
  export WEB_CONCURRENCY
  unset most
fi
"""


def write(place: Place) -> None:
    """Write `.profile.d/python.sh` and the buildpack's `export`."""
    memory = (place.folder.parent / "_lib" / "memory.sh").read_text()
    place.profile("python").write_text(_PROFILE + memory + _CONCURRENCY)
    bin_dir = place.build_dir / VENV / "bin"
    (place.folder / "export").write_text(f'export PATH="{bin_dir}:$PATH"\n')
