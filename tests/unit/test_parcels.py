"""Files on the stream between the platform and a build: both ends, and what is refused."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import pytest

from kedge.engine.docker import parcels

RUNNERS = Path(__file__).resolve().parents[2] / "buildpacks" / "_runner" / "parcels.py"
FILES = {"build.json": b"{}", "source.tar": b"x" * 3_000_000, "env/EMPTY": b"", "env/ODD": b"a\nb"}


@pytest.fixture(scope="module")
def runners() -> Any:
    """The runner's end of it, which is not of the platform's packages."""
    spec = importlib.util.spec_from_file_location("runners_parcels", RUNNERS)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_the_platform_sends_the_runner_receives(runners: Any, tmp_path: Path):
    """Names and bytes arrive as they were, from memory and from disk, in any pieces."""
    large = tmp_path / "large"
    large.write_bytes(FILES["source.tar"])
    sent = parcels.packed({**FILES, "source.tar": large}.items())
    stream = io.BytesIO(b"".join(sent) + b"more")

    assert {name: b"".join(content) for name, content in runners.received(stream)} == FILES
    assert stream.read() == b"more"


def test_what_the_runner_sends_the_platform_receives(runners: Any, tmp_path: Path):
    """Names and bytes arrive as they were, cut anywhere; what nobody reads is passed over."""
    for name, content in FILES.items():
        (tmp_path / Path(name).name).write_bytes(content)
    sent = io.BytesIO()
    runners.send(sent, sorted(tmp_path.iterdir()))
    for step in (1_000_000, 7):
        pieces = (sent.getvalue()[n : n + step] for n in range(0, len(sent.getvalue()), step))
        found = {}
        for parcel in parcels.received(pieces):
            if parcel.name != "source.tar":
                found[parcel.name] = parcel.read(100)
        assert found == {"EMPTY": b"", "ODD": b"a\nb", "build.json": b"{}"}


GARBLED = {
    "nothing": b"",
    "a file cut off": b"5 name\nabc",
    "a line cut off": b"5 name",
    "a size below nothing": b"-1 name\n\n",
    "no number": b"x name\n\n",
    "no size": b"name\n",
    "a line without an end": b"9" * 2000,
    "no file": b"1 \n",
}


@pytest.mark.parametrize("stream", GARBLED.values(), ids=GARBLED)
def test_anything_else_is_refused(runners: Any, stream: bytes):
    """What is cut off or garbled ends in an error at both ends, never in a wait or half a file."""
    with pytest.raises(parcels.Garbled):
        _ = [parcel.read(1000) for parcel in parcels.received([stream])]
    with pytest.raises((runners.CutOff, ValueError)):
        _ = [list(content) for _, content in runners.received(io.BytesIO(stream))]


def test_a_file_that_shrinks_while_it_is_sent_is_not_taken_for_whole(runners: Any, tmp_path: Path):
    """Who receives it notices that it ends before it was to."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    sent = parcels.packed([("file", file)])
    begun = next(sent)
    file.write_bytes(b"1")
    stream = io.BytesIO(begun + b"".join(sent))

    with pytest.raises(runners.CutOff):
        _ = [list(content) for _, content in runners.received(stream)]
