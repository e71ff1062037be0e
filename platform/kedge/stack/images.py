"""The stack images, made from their recipes into the engine, side by side."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from kedge.errors import RuntimeDown
from kedge.stack import mirror
from kedge.stack.failure import explain, require_programs, require_same_architecture
from kedge.stack.recipe import (
    RECIPE_LABEL,
    SOURCE_DATE_EPOCH,
    Recipe,
    addons_recipe,
    build_recipe,
    run_recipe,
)
from kedge.stack.workspace import temporary_folder

Emit = Callable[[str], None]

_CHUNK_BYTES = 1 << 20
_TAIL_LINES = 40


@dataclass(frozen=True, slots=True)
class StackImages:
    """The image ids (`sha256:…`) behind the tags, and whether this call made any of them."""

    run_id: str
    build_id: str
    addons_id: str
    made: bool


def build_images(
    *,
    emit: Emit,
    run_tag: str,
    build_tag: str,
    addons_tag: str,
    docker_host: str | None,
    rebuild: bool = False,
) -> StackImages:
    """Make the images of the stack, or find that they are there already.

    Args:
        emit: takes progress, one line at a time, from more than one thread but never at once.
        run_tag: what the image of dynos is called, such as `kedge/run:kedge-13`.
        build_tag: what the image of builds is called.
        addons_tag: what the image of the built-in add-ons' servers is called.
        docker_host: the engine; None takes the environment's or the default socket.
        rebuild: make them although images of the same recipe exist (newer packages).

    Raises:
        StackRefused: they cannot be made here; it says why and what to do.
        RuntimeDown: the engine does not answer.
    """
    api = _engine(docker_host)
    wanted = {run_tag: run_recipe(), build_tag: build_recipe(), addons_tag: addons_recipe()}
    present = {tag: _present(api, tag, recipe) for tag, recipe in wanted.items()}
    missing = {tag: recipe for tag, recipe in wanted.items() if rebuild or not present[tag]}
    if missing:
        require_programs()
        require_same_architecture(str(api.version()["Arch"]), platform.machine())
        present |= _make_all(api, missing, _one_at_a_time(emit))
    else:
        emit("The stack images are there already.")
    return StackImages(
        present[run_tag], present[build_tag], present[addons_tag], made=bool(missing)
    )


def _engine(docker_host: str | None) -> docker.APIClient:
    try:
        base_url = docker_host or os.environ.get("DOCKER_HOST") or None
        return docker.APIClient(base_url=base_url, version="auto", timeout=600)
    except DockerException as error:
        raise RuntimeDown(
            f"The Docker engine does not answer ({error}). Start it, or set DOCKER_HOST."
        ) from error


def _present(api: docker.APIClient, tag: str, recipe: Recipe) -> str:
    """The id of the image called `tag` when it was made from this very recipe, else ''."""
    try:
        image: dict[str, Any] = api.inspect_image(tag)  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return ""
    labels = image["Config"].get("Labels") or {}
    return str(image["Id"]) if labels.get(RECIPE_LABEL) == recipe.digest else ""


def _one_at_a_time(emit: Emit) -> Emit:
    lock = threading.Lock()

    def locked(line: str) -> None:
        with lock:
            emit(line)

    return locked


def _make_all(api: docker.APIClient, recipes: dict[str, Recipe], emit: Emit) -> dict[str, str]:
    """Make the images at the same time: downloading and unpacking take turns well."""
    sources = mirror.source_lines(mirror.choose_mirrors(mirror.host_sources()))
    with tempfile.NamedTemporaryFile("w", prefix="kedge-apt-", suffix=".conf") as options:
        options.write(mirror.host_apt_options())
        options.flush()
        with ThreadPoolExecutor(max_workers=len(recipes)) as pool:
            makings = {
                tag: pool.submit(_make, api, tag, recipe, Path(options.name), sources, emit)
                for tag, recipe in recipes.items()
            }
    return {tag: making.result() for tag, making in makings.items()}


def _make(
    api: docker.APIClient,
    tag: str,
    recipe: Recipe,
    apt_options: Path,
    sources: tuple[str, ...],
    emit: Emit,
) -> str:
    """Pipe mmdebstrap into the engine; the tag is set only when both ended well.

    (The engine makes an image even of a tar that breaks off.)
    """
    emit(f"{recipe.name} image: {len(recipe.packages)} packages and what they need")
    making = subprocess.Popen(
        recipe.command(apt_options, sources),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH),
            "TMPDIR": str(temporary_folder()),
            "LC_ALL": "C.UTF-8",
        },
    )
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    reader = threading.Thread(target=_follow, args=(making, recipe.name, tail, emit))
    reader.start()
    image_id = _import(api, making, recipe)
    status = making.wait()
    reader.join()
    if status != 0 or not image_id:
        if image_id:
            api.remove_image(image_id, force=True)
        raise explain(recipe.name, status, list(tail))
    repository, _, name = tag.rpartition(":")
    api.tag(image_id, repository, name, force=True)
    emit(f"{recipe.name} image: done, {tag}")
    return image_id


def _import(api: docker.APIClient, making: subprocess.Popen[bytes], recipe: Recipe) -> str:
    """Hand the tar to the engine as it comes; the new image's id, or '' when it was no tar."""
    try:
        answer = api.import_image_from_stream(_chunks(making), changes=recipe.labelled_changes())
    except APIError:
        making.kill()
        return ""
    found = [line for line in str(answer).splitlines() if "sha256:" in line]
    return "sha256:" + found[-1].split("sha256:")[1][:64] if found else ""


def _chunks(making: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert making.stdout is not None  # noqa: S101  (it was opened as a pipe)
    while chunk := making.stdout.read(_CHUNK_BYTES):
        yield chunk


def _follow(making: subprocess.Popen[bytes], name: str, tail: deque[str], emit: Emit) -> None:
    """Pass mmdebstrap's own progress lines (`I: …`) on and keep the last lines of all."""
    assert making.stderr is not None  # noqa: S101  (it was opened as a pipe)
    for raw in making.stderr:
        line = raw.decode(errors="replace").rstrip()
        if not line:
            continue
        tail.append(line)
        if line.startswith("I: "):
            emit(f"{name} image: {line[3:]}")
