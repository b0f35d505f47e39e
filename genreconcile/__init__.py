"""Bring a Kubernetes cluster to exactly the state given as plain dicts, and keep it there.

::

    import genreconcile as gr

    with gr.Reconciler(gr.connect()) as reconciler:
        result = reconciler.reconcile(expected, delete_from_namespace="shop", delete_selector={"app": "web"})

``Reconciler`` compares and writes, ``Cache`` reads, ``diff`` compares two dicts offline; ``Registry`` holds the rules
that say what Kubernetes itself adds to an object. Each name is imported when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genreconcile.access import Access, Right
    from genreconcile.apply.result import ApplyFailed, Outcome, Result
    from genreconcile.cache import Cache, CacheEvent, Kind, Pace, Record
    from genreconcile.catalog import Schema
    from genreconcile.cluster import Cluster, connect
    from genreconcile.compare import Diff, Difference, diff
    from genreconcile.compare.explain import Explanation, explain, suggest
    from genreconcile.errors import (
        CacheError,
        ClusterError,
        Conflict,
        Forbidden,
        Gone,
        InputError,
        Invalid,
        LoadError,
        NotFound,
        NotLeading,
        NotSynced,
        PlanRefused,
        ReconcileError,
        RuleError,
        Throttled,
        TooLarge,
        Unauthorized,
        Unreachable,
    )
    from genreconcile.kinds.discovery import Resource
    from genreconcile.manifests import Loaded, load
    from genreconcile.normalize import Registry
    from genreconcile.objects import GVK, Object, ObjectKey
    from genreconcile.plan import Change, Plan
    from genreconcile.reconcile import Reconciler
    from genreconcile.settings import Selector

__all__ = [
    "GVK",
    "Access",
    "ApplyFailed",
    "Cache",
    "CacheError",
    "CacheEvent",
    "Change",
    "Cluster",
    "ClusterError",
    "Conflict",
    "Diff",
    "Difference",
    "Explanation",
    "Forbidden",
    "Gone",
    "InputError",
    "Invalid",
    "Kind",
    "LoadError",
    "Loaded",
    "NotFound",
    "NotLeading",
    "NotSynced",
    "Object",
    "ObjectKey",
    "Outcome",
    "Pace",
    "Plan",
    "PlanRefused",
    "ReconcileError",
    "Reconciler",
    "Record",
    "Registry",
    "Resource",
    "Result",
    "Right",
    "RuleError",
    "Schema",
    "Selector",
    "Throttled",
    "TooLarge",
    "Unauthorized",
    "Unreachable",
    "connect",
    "diff",
    "explain",
    "load",
    "suggest",
]

_MODULES = {
    "access": ("Access", "Right"),
    "cache": ("Cache", "CacheEvent", "Kind", "Pace", "Record"),
    "catalog": ("Schema",),
    "cluster": ("Cluster", "connect"),
    "compare": ("Diff", "Difference", "diff"),
    "compare.explain": ("Explanation", "explain", "suggest"),
    "errors": (
        "CacheError",
        "ClusterError",
        "Conflict",
        "Forbidden",
        "Gone",
        "InputError",
        "Invalid",
        "LoadError",
        "NotFound",
        "NotLeading",
        "NotSynced",
        "PlanRefused",
        "ReconcileError",
        "RuleError",
        "Throttled",
        "TooLarge",
        "Unauthorized",
        "Unreachable",
    ),
    "kinds.discovery": ("Resource",),
    "manifests": ("Loaded", "load"),
    "normalize": ("Registry",),
    "objects": ("GVK", "Object", "ObjectKey"),
    "apply.result": ("ApplyFailed", "Outcome", "Result"),
    "plan": ("Change", "Plan"),
    "reconcile": ("Reconciler",),
    "settings": ("Selector",),
}
_PLACES = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}


class _Package(ModuleType):
    """Imports a name when it is asked for: all of them take as long as a hundred starts of Python's own modules."""

    def __getattr__(self, name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_PLACES[name]), name)
        super().__setattr__(name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing a submodule binds it here, also where a public name is spelled like it.
        if not (isinstance(value, ModuleType) and name in _PLACES):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Package
