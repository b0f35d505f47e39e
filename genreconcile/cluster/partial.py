"""The metadata of objects without the rest: how servers are asked for it, and the reading of one object's.

Invariant: a server that cannot leave out the rest sends whole objects, which is no error: their metadata is the same.
"""

from __future__ import annotations

from typing import Final

from genreconcile.cluster import Cluster
from genreconcile.gojson import loads
from genreconcile.objects import Object

METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_OF_LISTS: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


def read_metadata(cluster: Cluster, path: str) -> Object:
    """The object at a path of the API, its metadata at least. Raises ClusterError, ValueError for what is no JSON."""
    found: Object = loads(cluster.request("GET", path, accept=METADATA))
    return found
