"""The server's OpenAPI v3 documents, kept on disk by content hash.

Invariant: the disk only saves time. A cache that is missing, corrupt, foreign or not writable changes no answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import platformdirs
from cachetools import LRUCache

from genreconcile.cluster import Cluster
from genreconcile.cluster.answer import readable
from genreconcile.errors import ClusterError
from genreconcile.gojson import loads
from genreconcile.log import logger

_INDEX = "/openapi/v3"
_IN_MEMORY = 16  # Documents; the largest are several MB of text, and ten times that as dicts.
_UNUSED_AFTER = 30 * 24 * 3600.0

_log = logger(__name__)

Document = dict[str, Any]


class OpenAPIDocuments:
    """The documents of one server; thread-safe. ``cache_dir`` is created with mode 0700, by default below ~/.cache."""

    def __init__(self, cluster: Cluster, *, cache_dir: Path | None = None) -> None:
        self._cluster = cluster
        self._disk = _DiskCache(cache_dir or Path(platformdirs.user_cache_dir("genreconcile")) / "openapi")
        self._lock = threading.RLock()
        self._hashes: Mapping[str, str] | None = None
        self._documents: LRUCache[tuple[str, str], Document] = LRUCache(_IN_MEMORY)

    @property
    def server(self) -> str:
        """The server of the documents, for messages."""
        return self._cluster.server

    def hashes(self) -> Mapping[str, str]:
        """Content hash by path, as of the last ``refresh()``, by default of the first call. Raises ClusterError."""
        with self._lock:
            if self._hashes is None:
                self._hashes = self._read_index()
            return self._hashes

    def refresh(self) -> set[str]:
        """Read the index again; returns the paths that are new, gone, or have another hash. Raises ClusterError."""
        with self._lock:
            before = dict(self._hashes or {})
            self._hashes = self._read_index()
            return {path for path, _ in before.items() ^ self._hashes.items()}

    def document(self, path: str) -> Document | None:
        """The parsed document, shared: do not change it. None where the server has none. Raises ClusterError."""
        with self._lock:
            digest = self.hashes().get(path)
            if digest is None:
                return None
            document = self._documents.get((path, digest))
            if document is None:
                document = self._disk.read(path, digest) or self._fetch(path, digest)
                self._documents[path, self.hashes().get(path, digest)] = document
            return document

    def _read_index(self) -> Mapping[str, str]:
        data = self._cluster.request("GET", _INDEX)
        with readable(f"GET {self._cluster.server}{_INDEX}"):
            urls = {path: urlsplit(entry["serverRelativeURL"]) for path, entry in loads(data)["paths"].items()}
        return MappingProxyType({path: parse_qs(url.query).get("hash", [""])[0] for path, url in urls.items()})

    def _fetch(self, path: str, digest: str) -> Document:
        try:
            data = self._cluster.request("GET", f"{_INDEX}/{path}", query={"hash": digest} if digest else None)
        except ClusterError as error:
            if not 300 <= error.status < 400:
                raise
            # The hash is no longer the server's: https://kep.k8s.io/2896 answers with a redirect to the new one.
            self.refresh()
            data, digest = self._cluster.request("GET", f"{_INDEX}/{path}"), ""
        with readable(f"GET {self._cluster.server}{_INDEX}/{path}"):
            document = _parse(data)
        if digest:
            self._disk.write(path, digest, data)
        return document


def _parse(data: bytes) -> Document:
    document = loads(data)
    if not isinstance(document, dict):
        raise msgspec.ValidationError("the OpenAPI document is no JSON object")
    return document


class _DiskCache:
    """Documents as files named by path and hash. Its folder must be ours alone: others could plant a schema."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, digest: str) -> Document | None:
        file = self._file(path, digest)
        try:
            if not digest or not self._is_private():
                return None
            document = _parse(file.read_bytes())
            os.utime(file)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            _log.info("%s: not read: %s; the document is fetched instead", file, error)
            return None
        return document

    def write(self, path: str, digest: str, data: bytes) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_private():
                self._replace(self._file(path, digest), data)
                self._drop_unused()
        except OSError as error:
            _log.info("%s: not written: %s; the next start fetches again", self._folder, error)

    def _file(self, path: str, digest: str) -> Path:
        return self._folder / (hashlib.sha256(f"{path}?{digest}".encode()).hexdigest() + ".json")

    def _is_private(self) -> bool:
        if not hasattr(os, "getuid"):  # Windows: a user's cache folder is private by its place.
            return True
        found = self._folder.stat()
        private = found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not private:
            _log.warning(
                "%s: not used: others may write to it; remove it or give it mode 0700",
                self._folder,
                extra={"code": "GR009"},
            )
        return private

    def _replace(self, file: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _drop_unused(self) -> None:
        oldest = time.time() - _UNUSED_AFTER
        for file in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # Another process drops it, too.
                if file.stat().st_mtime < oldest:
                    file.unlink()
