"""The app's config vars as a buildpack gets them: a folder with one file a key (ENV_DIR)."""

from __future__ import annotations

from pathlib import Path

# Heroku's list: these would change the tools that build rather than the app that is built.
_NEVER = frozenset({
    "PATH", "GIT_DIR", "CPATH", "CPPATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LIBRARY_PATH", "HOME",
    "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "JAVA_OPTS", "JAVA_TOOL_OPTIONS", "BASH_ENV", "ENV",
    "PWD", "TMPDIR", "BUILD_DIR", "CACHE_DIR", "ENV_DIR", "STACK", "PORT", "DYNO",
})  # fmt: skip


def read_config_vars(env_dir: Path) -> dict[str, str]:
    """All config vars that a build may see, by name, without those that would break its tools."""
    if not env_dir.is_dir():
        return {}
    return {
        file.name: file.read_text(errors="surrogateescape")
        for file in sorted(env_dir.iterdir())
        if file.name not in _NEVER and file.is_file()
    }
