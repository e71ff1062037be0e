"""Which store an installation keeps its backups in; backups made before stay where they are."""

from __future__ import annotations

from pathlib import Path

from kedge_addons.postgres.backups.bucket import S3Store, bucket_of
from kedge_addons.postgres.backups.folder import FolderStore
from kedge_addons.postgres.backups.store import Store, StoreFailed

FOLDER = "backups"


class Places:
    """The folder `backups` of the home, and a bucket where `url` names one."""

    def __init__(self, home: Path, url: str) -> None:
        self._folder, self._url = FolderStore(home / FOLDER), url

    def newest(self) -> Store:
        """Where backups are put now. Raises StoreFailed: the bucket's URL is none."""
        return self._bucket() if self._url else self._folder

    def called(self, name: str | None) -> Store:
        """Where a backup was put, by the store's name. Raises StoreFailed."""
        return self._bucket() if name == S3Store.name else self._folder

    def is_known(self, name: str | None) -> bool:
        """Whether a backup in the store of that name can be reached."""
        return name != S3Store.name or bool(self._url)

    def _bucket(self) -> Store:
        if not self._url:
            raise StoreFailed("KEDGE_BACKUPS_URL names no bucket any more.")
        try:
            return S3Store(bucket_of(self._url))
        except ValueError as error:
            raise StoreFailed(str(error)) from None
