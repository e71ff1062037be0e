"""Archives as people send them, good and bad, and a disk that is full."""

import io
import resource
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

MB = 1024 * 1024


def entry(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", **also: object):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    for key, value in also.items():
        setattr(info, key, value)
    return info


def link(name: str, to: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, to)


def folder(name: str) -> tarfile.TarInfo:
    return entry(name, tarfile.DIRTYPE, mode=0o755)


def tar(
    *entries: str | tarfile.TarInfo | tuple[str, bytes], tar_format=tarfile.PAX_FORMAT
) -> bytes:
    """An archive: files by name (their content is their name), or entries as they are."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tar_format) as out:
        for one in entries:
            if isinstance(one, tarfile.TarInfo):
                out.addfile(one)
                continue
            name, content = (one, one.encode()) if isinstance(one, str) else one
            out.addfile(entry(name, size=len(content)), io.BytesIO(content))
    return made.getvalue()


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    """Writes beyond a file's size fail half-way, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
