"""Bring a Kubernetes cluster to exactly the state given as plain dicts, and keep it there.

::

    import genreconcile as gr

    with gr.Reconciler(gr.connect()) as reconciler:
        result = reconciler.reconcile(expected, delete_from_namespace="shop", delete_selector={"app": "web"})

``Reconciler`` compares and writes, ``Cache`` reads, ``diff`` compares two dicts offline; ``Registry`` holds the rules
that say what Kubernetes itself adds to an object. Each name is imported when it is first used.
"""

from importlib import import_module

TYPE_CHECKING = False  # Type checkers know the name; importing typing for it would take most of the time.

_PUBLIC = {
    "GVK": "objects",
    "Access": "access",
    "ApplyFailed": "apply.result",
    "Cache": "cache",
    "CacheError": "errors",
    "CacheEvent": "cache",
    "Change": "plan",
    "Cluster": "cluster",
    "ClusterError": "errors",
    "Conflict": "errors",
    "Context": "controllers.context",
    "Controller": "controllers.controller",
    "Diff": "compare",
    "Difference": "compare",
    "Explanation": "compare.explain",
    "Forbidden": "errors",
    "Gone": "errors",
    "InputError": "errors",
    "Invalid": "errors",
    "Kind": "cache",
    "Lease": "election",
    "LoadError": "errors",
    "Loaded": "manifests",
    "NotFound": "errors",
    "NotLeading": "errors",
    "NotReadable": "errors",
    "NotSynced": "errors",
    "Notice": "notice",
    "Object": "objects",
    "ObjectKey": "objects",
    "Outcome": "apply.result",
    "Pace": "cache",
    "Plan": "plan",
    "PlanRefused": "errors",
    "ReconcileError": "errors",
    "Reconciler": "reconcile",
    "Record": "cache",
    "Registry": "normalize",
    "Resource": "kinds.discovery",
    "Result": "apply.result",
    "Retry": "controllers.retry",
    "Right": "access",
    "RuleError": "errors",
    "Schema": "catalog",
    "Selector": "settings",
    "Status": "readiness",
    "Throttled": "errors",
    "TooLarge": "errors",
    "Unauthorized": "errors",
    "Unreachable": "errors",
    "Waited": "waiting",
    "callable": "controllers.sets",
    "connect": "cluster",
    "controller": "controllers.controller",
    "diff": "compare",
    "explain": "compare.explain",
    "folder": "controllers.sets",
    "load": "manifests",
    "run": "controllers.program",
    "status": "readiness",
    "suggest": "compare.explain",
}
"""The public names, each with the module of this package that defines it; none is spelled like such a module."""


def _imported(name: str) -> object:
    """A public name: importing all of them takes as long as a hundred starts of Python's own modules."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


if TYPE_CHECKING:
    # Once more, for type checkers, which read no table; a test compares the two.
    from genreconcile.access import Access as Access
    from genreconcile.access import Right as Right
    from genreconcile.apply.result import ApplyFailed as ApplyFailed
    from genreconcile.apply.result import Outcome as Outcome
    from genreconcile.apply.result import Result as Result
    from genreconcile.cache import Cache as Cache
    from genreconcile.cache import CacheEvent as CacheEvent
    from genreconcile.cache import Kind as Kind
    from genreconcile.cache import Pace as Pace
    from genreconcile.cache import Record as Record
    from genreconcile.catalog import Schema as Schema
    from genreconcile.cluster import Cluster as Cluster
    from genreconcile.cluster import connect as connect
    from genreconcile.compare import Diff as Diff
    from genreconcile.compare import Difference as Difference
    from genreconcile.compare import diff as diff
    from genreconcile.compare.explain import Explanation as Explanation
    from genreconcile.compare.explain import explain as explain
    from genreconcile.compare.explain import suggest as suggest
    from genreconcile.controllers.context import Context as Context
    from genreconcile.controllers.controller import Controller as Controller
    from genreconcile.controllers.controller import controller as controller
    from genreconcile.controllers.program import run as run
    from genreconcile.controllers.retry import Retry as Retry
    from genreconcile.controllers.sets import callable as callable  # noqa: A004 - users write gr.callable
    from genreconcile.controllers.sets import folder as folder
    from genreconcile.election import Lease as Lease
    from genreconcile.errors import CacheError as CacheError
    from genreconcile.errors import ClusterError as ClusterError
    from genreconcile.errors import Conflict as Conflict
    from genreconcile.errors import Forbidden as Forbidden
    from genreconcile.errors import Gone as Gone
    from genreconcile.errors import InputError as InputError
    from genreconcile.errors import Invalid as Invalid
    from genreconcile.errors import LoadError as LoadError
    from genreconcile.errors import NotFound as NotFound
    from genreconcile.errors import NotLeading as NotLeading
    from genreconcile.errors import NotReadable as NotReadable
    from genreconcile.errors import NotSynced as NotSynced
    from genreconcile.errors import PlanRefused as PlanRefused
    from genreconcile.errors import ReconcileError as ReconcileError
    from genreconcile.errors import RuleError as RuleError
    from genreconcile.errors import Throttled as Throttled
    from genreconcile.errors import TooLarge as TooLarge
    from genreconcile.errors import Unauthorized as Unauthorized
    from genreconcile.errors import Unreachable as Unreachable
    from genreconcile.kinds.discovery import Resource as Resource
    from genreconcile.manifests import Loaded as Loaded
    from genreconcile.manifests import load as load
    from genreconcile.normalize import Registry as Registry
    from genreconcile.notice import Notice as Notice
    from genreconcile.objects import GVK as GVK
    from genreconcile.objects import Object as Object
    from genreconcile.objects import ObjectKey as ObjectKey
    from genreconcile.plan import Change as Change
    from genreconcile.plan import Plan as Plan
    from genreconcile.readiness import Status as Status
    from genreconcile.readiness import status as status
    from genreconcile.reconcile import Reconciler as Reconciler
    from genreconcile.settings import Selector as Selector
    from genreconcile.waiting import Waited as Waited
else:
    # Type checkers would take any name for one that is there.
    __getattr__ = _imported
    __all__ = list(_PUBLIC)
