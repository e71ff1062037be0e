"""Reading a tar somebody sent: bounded in bytes, members and memory, and strict about damage.

`tarfile` takes a damaged header in the middle for the end; half a source would then be built as if
it were the whole. Here it is an error, as are archives that unpack without end.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

import zstandard

from kedge.errors import BuildFailed

MOST_MEMBERS = 200_000
# Long names and other extensions are read into memory whole.
MOST_HEADER_BYTES = 256 * 1024
# Source code packs to a tenth or so; a ratio like this is only reached by an attack.
MOST_RATIO = 300
RATIO_COUNTS_FROM_BYTES = 64 * 1024 * 1024
# What `xz -9` needs is 65 MB, `zstd --ultra` 128 MB.
UNPACK_MEMORY_BYTES = 160 * 1024 * 1024
READ_BYTES = 256 * 1024

_EXTENSIONS = frozenset(
    {
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    }
)
_DAMAGE = (
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    EOFError,
    ValueError,
    OverflowError,
    RecursionError,
)


@contextmanager
def members(archive: Path, limit_bytes: int, noun: str = "source") -> Iterator[Iterator[Member]]:
    """The members of a .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst, in their order.

    `noun` is what the archive is called in the words of a refusal.

    Raises (also while members are read):
        BuildFailed: not an archive, damaged, or more than `limit_bytes` of plain tar.
    """
    try:
        with archive.open("rb") as packed, _unpacked(packed) as plain:
            bounded = _Bounded(plain, archive.stat().st_size, limit_bytes, noun)
            with tarfile.open(
                fileobj=cast("IO[bytes]", bounded),
                mode="r|",
                tarinfo=_StrictHeader,
                bufsize=READ_BYTES,
            ) as tar:
                yield _each(tar, noun)
    except _DAMAGE as error:
        raise _damaged(error) from error
    except OSError as error:
        if error.errno is None:  # how gzip and bz2 say that their data is damaged
            raise _damaged(error) from error
        raise


class Member:
    """One entry of an archive while it is the current one."""

    def __init__(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> None:
        self._tar = tar
        self.info = info

    def open(self) -> IO[bytes] | None:
        """The content of a regular file, before the next member is asked for."""
        return self._tar.extractfile(self.info) if self.info.isreg() else None


def _each(tar: tarfile.TarFile, noun: str) -> Iterator[Member]:
    count = 0
    while (info := tar.next()) is not None:
        count += 1
        if count > MOST_MEMBERS:
            raise BuildFailed(
                f"The {noun} holds more than {MOST_MEMBERS:,} files and folders. "
                "Leave out what is not needed, or can be made again, such as node_modules."
            )
        yield Member(tar, info)
        vars(tar)["members"].clear()  # else all stay in memory


class _StrictHeader(tarfile.TarInfo):
    """A header that is either right or an error."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """The next header. Raises BuildFailed for one that is damaged or cut off."""
        try:
            return super().fromtarfile(tarfile)
        except _HEADER_ERROR as error:
            if isinstance(error, _END):
                raise
            raise _damaged(error) from error

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """A header from its block. Raises BuildFailed for a size that cannot be true."""
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in _EXTENSIONS and header.size > MOST_HEADER_BYTES):
            raise BuildFailed("The archive has a header of an impossible size.")
        return header


# Not among the names typeshed knows.
_HEADER_ERROR: type[Exception] = tarfile.HeaderError
_END: type[Exception] = vars(tarfile)["EOFHeaderError"]


class _Bounded:
    """Counts the plain bytes of an archive and stops where there are too many."""

    def __init__(self, plain: BinaryIO, packed_bytes: int, limit_bytes: int, noun: str) -> None:
        self._plain, self._noun = plain, noun
        self._limit_bytes = limit_bytes
        self._ratio_bytes = max(RATIO_COUNTS_FROM_BYTES, packed_bytes * MOST_RATIO)
        self._read_bytes = 0

    def read(self, size: int) -> bytes:
        """The next bytes. Raises BuildFailed over the limit."""
        chunk = self._plain.read(size)
        self._read_bytes += len(chunk)
        if self._read_bytes > self._limit_bytes:
            raise BuildFailed(
                f"The {self._noun} is larger than {self._limit_bytes // (1024 * 1024)} MB "
                "unpacked. Leave out what the app does not need."
            )
        if self._read_bytes > self._ratio_bytes:
            raise BuildFailed(
                f"The archive unpacks to more than {MOST_RATIO} times its size, which code does "
                "not. Leave out files of zeros."
            )
        return chunk


class _XzStream(io.RawIOBase):
    """A readable file over xz data, with a bound on memory (`lzma.open` has none)."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._unpacker = self._new()

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=UNPACK_MEMORY_BYTES)

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` plain bytes; b"" at the end. Raises EOFError for a cut-off stream."""
        while True:
            if self._unpacker.eof:
                rest = (self._unpacker.unused_data or self._packed.read(READ_BYTES)).lstrip(b"\0")
                if not rest:
                    return b""
                self._unpacker = self._new()
            elif self._unpacker.needs_input:
                rest = self._packed.read(READ_BYTES)
                if not rest:
                    raise EOFError("the xz data ends early")
            else:
                rest = b""
            if plain := self._unpacker.decompress(rest, size):
                return plain


def _zstd(packed: BinaryIO) -> BinaryIO:
    unpacker = zstandard.ZstdDecompressor(max_window_size=UNPACK_MEMORY_BYTES)
    return cast("BinaryIO", unpacker.stream_reader(packed, read_across_frames=True))


_BY_MAGIC: Mapping[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda packed: cast("BinaryIO", gzip.GzipFile(fileobj=packed)),
    b"BZh": lambda packed: cast("BinaryIO", bz2.BZ2File(packed)),
    b"\xfd7zXZ\0": lambda packed: cast("BinaryIO", _XzStream(packed)),
    b"\x28\xb5\x2f\xfd": _zstd,
}


def _unpacked(packed: BinaryIO) -> BinaryIO:
    """The plain tar within; which packer made it is told by its first bytes."""
    head = packed.read(8)
    packed.seek(0)
    if not head:
        raise BuildFailed("The archive is empty.")
    if head.startswith(b"PK"):
        raise BuildFailed("This is a zip archive. Send a .tar.gz (`git archive` makes one).")
    for magic, opened in _BY_MAGIC.items():
        if head.startswith(magic):
            return opened(packed)
    return packed


def _damaged(error: Exception) -> BuildFailed:
    return BuildFailed(
        f"This is not a tar archive, or it is cut off or damaged ({error}). "
        "Send a whole .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst."
    )
