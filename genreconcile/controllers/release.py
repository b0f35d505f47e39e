"""The parents of controllers that are removed for good: their finalizers go, and their children stay.

Invariant: nothing else of a parent is written, and no child is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from genreconcile.arguments import require_name, texts
from genreconcile.cache import Cache
from genreconcile.cluster import Cluster
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.parent import Finalizers, is_going
from genreconcile.errors import Conflict, Invalid, NotFound, ReconcileError, code_of
from genreconcile.gojson import loads
from genreconcile.kinds.discovery import Resource
from genreconcile.log import logger
from genreconcile.notice import Notice
from genreconcile.objects import Object, ObjectKey

_log = logger("genreconcile.controllers")
_ATTEMPTS: Final = 5
_SYNC: Final = 60.0


def release(
    controllers: Sequence[Controller], cluster: Cluster, namespaces: Iterable[str] | None = None
) -> list[Notice]:
    """Take the finalizers of these controllers off all parents, in these ``namespaces`` or in all; returns a text for
    each parent of which that failed. No program with these controllers is to run meanwhile, for it would put them on
    again.

    A parent that is being deleted goes then; what would have been done before (``on_delete``, the deletion of children
    without a reference) is not done. Raises CacheError for a kind of parents that is not served, NotSynced where the
    parents cannot be listed, InputError.
    """
    places = None if namespaces is None else texts("namespaces", namespaces, require_name)
    with Cache(cluster, namespaces=places) as cache:
        resources = [cache.add(controller.settings.kind) for controller in controllers]
        cache.wait_for_sync(timeout=_SYNC)
        pairs = zip(controllers, resources, strict=True)
        return [text for controller, resource in pairs for text in _released(controller, resource, cluster, cache)]


def _released(controller: Controller, resource: Resource, cluster: Cluster, cache: Cache) -> Iterator[Notice]:
    settings = controller.settings
    finalizers = Finalizers(cluster, cache, settings)
    for parent in cache.list(resource):
        if not finalizers.has(parent):
            continue
        key = ObjectKey.of(parent)
        try:
            _take_off(finalizers, resource, parent, cluster)
        except ReconcileError as error:
            _log.warning("%s: %s: not released: %s", settings.name, key, error)
            yield Notice(f"{key}: not released: {error}", code_of(error))
        else:
            gone = "; it was being deleted, and goes" if is_going(parent) else ""
            _log.info("%s: %s: released, and its children stay%s", settings.name, key, gone)


def _take_off(finalizers: Finalizers, resource: Resource, parent: Object, cluster: Cluster) -> None:
    """Take the finalizers off, also where others change the parent meanwhile. Raises ClusterError."""
    key = ObjectKey.of(parent)
    for attempt in range(_ATTEMPTS):
        try:
            finalizers.remove(resource, parent)
        except NotFound:
            return
        except (Conflict, Invalid):  # Invalid: another object has its name now.
            if attempt + 1 == _ATTEMPTS:
                raise
            try:
                parent = loads(cluster.request("GET", resource.path(key.namespace, key.name)))
            except NotFound:
                return
        else:
            return
