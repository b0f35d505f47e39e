"""What a client of a ``Cluster`` sees, as cases that run on the API server and on what stands in for it.

Invariant: each case is written against the real API server, and asserts no value that changes from run to run.
"""

from __future__ import annotations

import importlib

from support.contract.cases import CASES, CONTROLLERS, Case
from support.contract.forgotten import Forgotten
from support.contract.place import Place

__all__ = ["CASES", "CONTROLLERS", "GROUPS", "Case", "Forgotten", "Place"]

GROUPS = (
    "listing",
    "selecting",
    "paging",
    "watching",
    "streaming",
    "streams",
    "creating",
    "wrong",
    "json_patch",
    "json_test",
    "merge_patch",
    "putting",
    "validation",
    "limits",
    "built_in",
    "immutable",
    "dry_run",
    "subresources",
    "generation",
    "deleting",
    "deletion_options",
    "owners",
    "collections",
    "managed_fields",
    "applying",
    "partial",
    "discovery",
    "reviews",
    "definitions",
    "versions",
    "writers",
    "namespaces",
    "propagation",
    "forgetting",
)

for _group in GROUPS:
    importlib.import_module(f"support.contract.{_group}")
