"""Bring a Kubernetes cluster to exactly the state given as plain dicts, and keep it there.

::

    import genreconcile as gr

    with gr.Reconciler(gr.connect()) as reconciler:
        result = reconciler.reconcile(expected, delete_from_namespace="shop", delete_selector={"app": "web"})

``Reconciler`` compares and writes, ``Cache`` reads, ``diff`` compares two dicts offline; ``Registry`` holds the rules
that say what Kubernetes itself adds to an object.
"""

from genreconcile.cache import Cache
from genreconcile.catalog import Schema
from genreconcile.cluster import Cluster, connect
from genreconcile.diff import Diff, Difference, diff
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
    NotSynced,
    PlanRefused,
    ReconcileError,
    RuleError,
    Throttled,
    Unauthorized,
    Unreachable,
)
from genreconcile.explain import Explanation, explain, suggest
from genreconcile.load import load
from genreconcile.normalize import Registry
from genreconcile.objects import GVK, Object, ObjectKey
from genreconcile.outcome import ApplyFailed, Outcome, Result
from genreconcile.plan import Change, Plan
from genreconcile.reconcile import Reconciler

__all__ = [
    "GVK",
    "ApplyFailed",
    "Cache",
    "CacheError",
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
    "LoadError",
    "NotFound",
    "NotSynced",
    "Object",
    "ObjectKey",
    "Outcome",
    "Plan",
    "PlanRefused",
    "ReconcileError",
    "Reconciler",
    "Registry",
    "Result",
    "RuleError",
    "Schema",
    "Throttled",
    "Unauthorized",
    "Unreachable",
    "connect",
    "diff",
    "explain",
    "load",
    "suggest",
]
