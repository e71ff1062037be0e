"""A build from its request to its result, stage by stage."""

from __future__ import annotations

import errno
import os
import sys
import traceback
import uuid
from pathlib import Path

from _lib import screen
from _lib.dependency_tree import declared, keep
from _lib.refusal import Refused

from _runner import choice, process_types, procfile, slugignore
from _runner.buildpack import Buildpack, CompileFailed, writable_copy
from _runner.layers import Layer, largest, write_layers
from _runner.layout import Layout
from _runner.outcome import Outcome
from _runner.request import BuildRequest, read_request, stack_title
from _runner.source import remove, unpack


def run(layout: Layout | None = None) -> int:
    """Build what `layout` holds; the exit status. The result is written whatever happens."""
    place = layout or Layout()
    try:
        outcome = _prepared_and_built(place)
    except Refused as refused:
        outcome = _refused(refused)
    except Exception as error:  # noqa: BLE001  (the build's boundary: its end must be recorded)
        outcome = _refused(_unforeseen(error))
    screen.blank()
    try:
        outcome.write(place.out)
    except OSError as error:
        screen.error(f"The result could not be written: {error}")
        return 1
    return 1 if outcome.reason else 0


def _unforeseen(error: Exception) -> Refused:
    """A full disk in words; anything else as what it is, a fault of the platform."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Refused(
            "The disk is full: the build was ended.",
            "Free space on the server, then push again.",
        )
    traceback.print_exc(file=sys.stdout)
    return Refused(
        f"The build failed by a fault of Kedge's own: {type(error).__name__}: {error}",
        "Push again; if it stays so, report the lines above.",
    )


def _refused(refused: Refused) -> Outcome:
    screen.blank()
    if isinstance(refused, CompileFailed):
        screen.error(f"Push rejected, {refused.headline}.")
    else:
        screen.error(refused.reason)
    for line in refused.advice:
        screen.error(line)
    screen.blank()
    screen.error("Push failed")
    return Outcome(reason=refused.reason)


def _prepared_and_built(layout: Layout) -> Outcome:
    # A build that was killed (cancelled, out of time) left its installed trees where they were.
    _keep_trees(layout)
    for folder in (layout.work, layout.out):
        remove(folder)
    for folder in (layout.build_dir, layout.declared, layout.temporary, layout.cache, layout.out):
        folder.mkdir(parents=True, exist_ok=True)
    request = read_request(layout.request)
    layout.check()
    try:
        return _built(layout, request)
    finally:
        _keep_trees(layout)


def _keep_trees(layout: Layout) -> None:
    for declaration in declared(layout.declared):
        keep(declaration, layout.build_dir)


def _built(layout: Layout, request: BuildRequest) -> Outcome:
    screen.step(f"Building on the {stack_title(request.stack)} stack")
    unpack(layout.source_tar, layout.app, commit_time=request.commit_time)
    _ignore(layout)
    declared_types = procfile.read(layout.app)
    env = _environment(layout, request)
    chosen = _choose(layout, request, env)
    titles, defaults = _compile(layout, chosen, env)
    process_types.show(declared_types, defaults)
    types = process_types.merge(declared_types, defaults)
    process_types.show_missing_web(types, procfile.misspelled(layout.app))
    layers = _compress(layout, request)
    return Outcome(
        description=", ".join(dict.fromkeys(titles)),
        buildpacks=[{"name": pack.name, "version": pack.version} for pack in chosen],
        process_types=types,
        layers=layers,
        largest=largest(layers),
    )


def _ignore(layout: Layout) -> None:
    removed, warnings = slugignore.apply(layout.app)
    for warning in warnings:
        screen.error(warning)
    if removed:
        screen.detail(f"{removed} files and folders left out by .slugignore")


def _environment(layout: Layout, request: BuildRequest) -> dict[str, str]:
    """What every buildpack finds, by the buildpack API, and where it may put things."""
    return {
        **os.environ,
        "PATH": f"{os.environ.get('PATH', os.defpath)}:{layout.tools}",
        "HOME": str(layout.app),
        "STACK": request.stack,
        "SOURCE_VERSION": request.source_version,
        "SOURCE_DATE_EPOCH": str(request.commit_time),
        "REQUEST_ID": str(uuid.uuid4()),
        "TMPDIR": str(layout.temporary),
        "KEDGE_DEPENDENCIES": str(layout.declared),
        "KEDGE_REASON": str(layout.reason),
    }


def _choose(layout: Layout, request: BuildRequest, env: dict[str, str]) -> list[Buildpack]:
    everyone = choice.available(layout.buildpacks)
    if request.buildpacks:
        chosen = choice.named(request.buildpacks, everyone)
        _show_chosen(request.buildpacks)
        return chosen
    screen.step("Determining which buildpack to use for this app")
    wanting = choice.detected(layout.app, everyone, env)
    if not wanting:
        raise choice.undetectable(everyone, layout.app)
    _show_others(wanting)
    return [wanting[0][0]]


def _show_chosen(names: tuple[str, ...]) -> None:
    if len(names) == 1:
        screen.step(f"Using buildpack: {names[0]}")
        return
    screen.step("Using buildpacks:")
    for number, name in enumerate(names, start=1):
        screen.detail(f"{number}. {name}")


def _show_others(wanting: list[tuple[Buildpack, str]]) -> None:
    """Heroku's warning when more than one language fits, with the command that uses them all."""
    languages = [
        (pack, title) for pack, title in wanting if pack.name not in {"static", "procfile"}
    ]
    if len(languages) < 2:
        return
    names = " then ".join(f"`{pack.name}`" for pack, _ in reversed(languages))
    screen.error(f"Also found: {', '.join(title for _, title in languages[1:])}.")
    screen.error(f"Only {languages[0][1]} is built. To build all, add the buildpacks {names}")
    screen.error("with `kedge buildpacks:add`; the last one decides the default process types.")


def _compile(
    layout: Layout, chosen: list[Buildpack], env: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Run the buildpacks in order; what they call the app, and the last one's process types."""
    titles: list[str] = []
    defaults: dict[str, str] = {}
    for number, buildpack in enumerate(chosen, start=1):
        own = writable_copy(buildpack, layout.own_buildpacks, number)
        title = own.detect(layout.app, env)
        if title is None:
            raise _incompatible(own)
        screen.step(f"{title} app detected")
        own.compile(layout.app, layout.cache, layout.env_dir, env)
        env = own.exported(env)
        titles.append(title)
        defaults = own.default_process_types(layout.app, env)
    return titles, defaults


def _incompatible(buildpack: Buildpack) -> Refused:
    """Heroku's words for a named buildpack that does not want the source."""
    screen.step(f"App not compatible with buildpack: {buildpack.name}")
    detects = buildpack.about.get("detects", "see its bin/detect")
    return Refused(
        f"App not compatible with buildpack: {buildpack.name}",
        f"The {buildpack.title} buildpack needs, in the root of the source: {detects}",
        "Is the file committed? Or let the buildpack be detected: kedge buildpacks:clear",
    )


def _compress(layout: Layout, request: BuildRequest) -> list[Layer]:
    """Write the layers and hold them against the slug limit.

    The limit is on what zstd makes of the layers, as Heroku's is on the compressed slug.
    """
    screen.step("Compressing...")
    layers = write_layers(layout, request)
    size = sum(layer.compressed_bytes for layer in layers)
    if size > request.slug_limit_bytes:
        raise _too_large(size, request.slug_limit_bytes, layers, layout.out)
    screen.detail(f"Done: {screen.human_size(size)}")
    return layers


def _too_large(size: int, limit: int, layers: list[Layer], out: Path) -> Refused:
    for layer in layers:
        if layer.path:
            (out / Path(layer.path).name).unlink(missing_ok=True)
    folders = [f"  {screen.human_size(taken):>8}  {name}" for name, taken in largest(layers)]
    return Refused(
        f"Compiled slug size: {screen.human_size(size)} is too large "
        f"(max is {screen.human_size(limit)}).",
        "Its largest files and folders, before compression:",
        *folders,
        "Leave out of the slug what the app does not need to run: name it in .slugignore,",
        "remove dependencies, or keep large files in an object store.",
    )
