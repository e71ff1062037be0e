"""A stand-in for what the buildpacks' runner does: the source itself says what its build does.

It goes into the buildpacks volume as `_runner/stages.py`, beside the real `serve.py`. A source's
`build.py` is run with what is below; without one, the source is the slug and its Procfile gives
the process types.
"""

import hashlib
import json
import os  # noqa: F401 - for the scripts of sources
import pathlib
import sys  # noqa: F401
import tarfile

BUILD = pathlib.Path("/build")
OUT = BUILD / "out"
WORK = BUILD / "work"
request = {}


def run(layout):
    """Build what `layout` holds; the exit status."""
    try:
        build(layout)
    except SystemExit as end:
        return end.code
    return 0


def build(layout):
    """The same, but that scripts may leave by `sys.exit`."""
    request.update(json.loads(layout.request.read_text()))
    OUT.mkdir(exist_ok=True)
    WORK.mkdir(exist_ok=True)
    for old in (*OUT.glob("*.tar"), *WORK.iterdir()):
        old.unlink()
    with tarfile.open(layout.source_tar) as source:
        source.extractall(WORK, filter="data")
    print("-----> Building", flush=True)  # noqa: T201 - what a build says
    script = WORK / "build.py"
    if script.exists():
        exec(compile(script.read_text(), "build.py", "exec"), globals())
        return
    lines = (WORK / "Procfile").read_text().splitlines()
    result(
        description="Test",
        buildpacks=[{"name": "test", "version": "1"}],
        process_types={k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)},
        layers=[layer("source", {path.name: 10 for path in sorted(WORK.iterdir())})],
        largest=[],
    )


def layer(kind, files):
    """Write a layer; its entry in the result."""
    path = OUT / f"{kind}.tar"
    with tarfile.open(path, "w") as tar:
        for name, size in files.items():
            member = tarfile.TarInfo(f"app/{name}")
            member.size = size
            kind_of_bytes = "urandom" if name.startswith("random") else "zero"
            with pathlib.Path("/dev", kind_of_bytes).open("rb") as content:
                tar.addfile(member, content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"kind": kind, "digest": digest, "bytes": path.stat().st_size, "path": str(path)}


def result(status="succeeded", **facts):
    """Write the result."""
    (OUT / "result.json").write_text(json.dumps({"status": status, **facts}))
