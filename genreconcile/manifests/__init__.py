"""Files, folders, stdin and iterables of dicts → expected objects.

Invariant: a set that cannot be read or is ambiguous is refused as a whole by a LoadError that names the place;
the expected objects are plain JSON data that share nothing with the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, BinaryIO

from genreconcile.arguments import refused, require_flag, require_namespace
from genreconcile.errors import LoadError
from genreconcile.manifests.check import flatten, plain
from genreconcile.manifests.parse import documents
from genreconcile.manifests.sources import read
from genreconcile.manifests.usable import refuse_unusable
from genreconcile.objects import Object, ObjectKey

__all__ = ["Loaded", "load", "load_object", "load_objects", "refuse_duplicates", "require_iterable", "validate_set"]


class Loaded(Object):
    """An expected object, as a dict that knows its ``origin``: ``shop.yaml:12``, ``shop.yaml:1 items[3]`` or
    ``expected[0]``.
    """

    __slots__ = ("origin",)

    def __init__(self, obj: Mapping[str, Any], origin: str) -> None:
        super().__init__(obj)
        self.origin = origin

    @property
    def obj(self) -> Object:
        """The object as a plain dict; its values are shared."""
        return dict(self)

    def __repr__(self) -> str:
        return f"<Loaded {ObjectKey.of(self)} from {self.origin}>"  # Never the object: it may be secret.


def load(
    sources: Iterable[str | PathLike[str]],
    *,
    recursive: bool = False,
    namespace: str = "",
    stdin: BinaryIO | None = None,
) -> list[Loaded]:
    """Read files, folders and ``-`` (``stdin``, or the process's own) in the given order.

    A folder gives its ``.yaml``, ``.yml`` and ``.json`` files by name, with ``recursive`` those below it too; a file
    may have any suffix. ``namespace`` is as in ``validate_set``. Returns dicts, as ``reconcile`` takes them. Raises
    LoadError, and InputError for an argument of a wrong type.
    """
    require_flag("recursive", recursive)
    require_namespace("namespace", namespace)
    paths = [sources] if isinstance(sources, str | PathLike) else _paths(sources)
    loaded = [
        found
        for source in read(paths, recursive=recursive, stdin=stdin)
        for value, line in documents(source.text, source.name, strict_json=source.strict_json)
        for found in load_object(value, f"{source.name}:{line}")
    ]
    _refuse_duplicates_of(loaded, namespace)
    return loaded


def _paths(sources: Any) -> list[str | PathLike[str]]:
    if isinstance(sources, bytes | Mapping) or not isinstance(sources, Iterable):
        raise refused("sources", sources, "is no path; give a list of files and folders")
    paths = list(sources)
    for index, path in enumerate(paths):
        if not isinstance(path, str | PathLike):
            raise refused(f"sources[{index}]", path, "is no path; give a file, a folder or -")
    return paths


def load_objects(
    objects: Iterable[Mapping[str, Any]], *, origin: str = "expected", namespace: str = ""
) -> list[Loaded]:
    """Check dicts, which are copied, never changed. Lists (``kind: …List``) give their items. Raises LoadError."""
    every = enumerate(require_iterable(objects, origin))
    loaded = [found for index, obj in every for found in load_object(obj, f"{origin}[{index}]")]
    _refuse_duplicates_of(loaded, namespace)
    return loaded


def validate_set(objects: Iterable[Mapping[str, Any]], namespace: str = "") -> list[Object]:
    """The objects of ``load_objects``, without their origins.

    ``namespace`` is that of objects that name none, for finding duplicates only; it is not filled in.
    """
    return [loaded.obj for loaded in load_objects(objects, namespace=namespace)]


def refuse_duplicates(pairs: Iterable[tuple[ObjectKey, str]]) -> None:
    """Raise LoadError where two pairs of key and origin have the same key; it names both origins."""
    origins: dict[ObjectKey, str] = {}
    for key, origin in pairs:
        if key in origins:
            raise LoadError(f"{key}: expected twice: {origins[key]} and {origin}; keep one of them", code="GR208")
        origins[key] = origin


def require_iterable(objects: Any, origin: str = "expected") -> Iterable[Any]:
    """The argument; LoadError where it is no iterable of objects."""
    if isinstance(objects, Mapping | str | bytes) or not isinstance(objects, Iterable):
        raise LoadError(
            f"{origin}: not readable: {type(objects).__name__}; give an iterable of dicts, one per object", code="GR206"
        )
    return objects


def load_object(value: Any, origin: str, data: bytes | bytearray = b"") -> Iterable[Loaded]:
    """One object, or those of a list, as copies. Raises LoadError. ``data`` is the value's JSON, if it is known."""
    for obj, place in flatten(plain(value, origin, data), origin):
        refuse_unusable(obj, place)
        yield Loaded(obj, place)


def _refuse_duplicates_of(loaded: list[Loaded], namespace: str) -> None:
    keys = ((ObjectKey.of(found), found.origin) for found in loaded)
    refuse_duplicates((key._replace(namespace=key.namespace or namespace), origin) for key, origin in keys)
