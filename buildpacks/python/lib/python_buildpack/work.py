"""bin/compile from end to end."""

from __future__ import annotations

from _lib.place import Place

from python_buildpack import advice, django, environment, hook, interpreter, lockfile
from python_buildpack.install import install


def work(place: Place) -> None:
    """Install what the app's lock file names and prepare the dyno's environment.

    Raises:
        Refused: a step failed; says what to do.
    """
    hook.run(place, "pre_compile")
    lock = lockfile.choose(place.build_dir)
    install(place, interpreter.choose(place), lock)
    environment.write(place)
    django.collect_static(place)
    hook.run(place, "post_compile")
    advice.advise(place.build_dir)
