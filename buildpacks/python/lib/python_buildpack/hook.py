"""The app's own steps `bin/pre_compile` and `bin/post_compile`, as Heroku's buildpack has them."""

from __future__ import annotations

from _lib import screen, tool
from _lib.place import Place
from _lib.refusal import Refused

from python_buildpack.uv import pythons_environment


def run(place: Place, name: str) -> None:
    """Run `bin/NAME` if the source has it.

    Raises:
        Refused: it ended with an error.
    """
    program = place.build_dir / "bin" / name
    if not program.is_file():
        return
    screen.step(f"Running bin/{name}")
    program.chmod(0o755)
    env = place.app_env(**pythons_environment(), HOME=str(place.build_dir))
    # A shell runs a program without `#!` as a script of its own; so it does on Heroku.
    arguments = ["bash", "-c", '"$0"', str(program)]
    status, _ = tool.run_shown(arguments, env=env, cwd=place.build_dir)
    if status != 0:
        raise Refused(f"bin/{name} of the app ended with status {status}.")
