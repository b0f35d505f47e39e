"""A Reconciler that only remembers."""

from __future__ import annotations

import io
import json

import jsonpatch

from genreconcile.apply.result import Outcome, Result
from genreconcile.errors import PlanRefused
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan
from genreconcile.testing.fake.cluster import MemoryCluster
from support.api.reviews import Reviews
from support.api.script import Script

VERBS = ["get", "list", "watch", "create", "patch", "delete"]
KINDS = [
    {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": VERBS}
    for kind, plural, scope in [("Widget", "widgets", "Namespaced"), ("Planet", "planets", "Cluster")]
]
EXAMPLE = {"metadata": {"name": "example.dev"}, "versions": [{"version": "v1", "resources": KINDS}]}
DISCOVERY = json.dumps({"apiVersion": "apidiscovery.k8s.io/v2", "items": [EXAMPLE]}).encode()
STATUSES = {"create": "created", "update": "configured", "delete": "deleted", "none": "skipped"}


def change(operation, name="a", *, kind="Widget", namespace="", labels=None, patch=(), expected=None, **extra):
    obj = {"apiVersion": "example.dev/v1", "kind": kind, "metadata": {"name": name, "labels": labels or {}}}
    live = None if operation == "create" else obj
    return Change(
        operation,
        GVK("example.dev", "v1", kind),
        ObjectKey("example.dev", kind, namespace, name),
        jsonpatch.JsonPatch(list(patch)),
        expected=expected or obj,
        live=live,
        **extra,
    )


class FakeCluster(MemoryCluster):
    """It serves two kinds, and allows everything unless ``allows`` is False."""

    def __init__(self):
        self.allows = True
        script = Script()
        for path in ("/api", "/apis"):
            script.says(path, DISCOVERY)
        super().__init__(Reviews(lambda _: self.allows, over=script), server="https://fake", namespace="context")

    @property
    def reviews(self):
        return self.backend.attributes

    def request(self, method, path, **settings):
        if method != "GET":
            assert path.endswith("selfsubjectaccessreviews")
        return super().request(method, path, **settings)


class FakeReconciler:
    """Plans are given; an apply does what the plan says, and ``applied`` holds the plans."""

    def __init__(self):
        self.plans = [Plan(())]
        self.expected = None
        self.calls = []
        self.applied = []
        self.apply_settings = None
        self.waits = []
        self.waited = ()
        self.connected = None
        self.cluster = FakeCluster()
        self.settings = {}
        self.result = None
        self.raises = {}
        self.is_open = False

    def connect(self, **arguments):
        self.connected = arguments
        self._raise("connect")
        return self.cluster

    def __call__(self, cluster, **settings):
        assert cluster is self.cluster
        self.settings = settings
        return self

    def __enter__(self):
        self.is_open = True
        return self

    def __exit__(self, *_):
        self.is_open = False

    def plan(self, expected, **settings):
        assert self.is_open
        self._raise("plan")
        self.expected = list(expected)
        self.calls.append(settings)
        return self.plans[min(len(self.calls), len(self.plans)) - 1]

    def apply(self, plan, **settings):
        assert self.is_open
        self.applied.append(plan)
        self.apply_settings = settings
        self._raise("apply")
        outcomes = tuple(
            Outcome(item, "failed" if item.error else STATUSES[item.operation], item.reason, item.error)
            for item in plan
        )
        result = Result(outcomes) if self.result is None else self.result
        if plan.refusals:
            raise PlanRefused("; ".join(plan.refusals), result)
        return result

    def wait(self, expected, **settings):
        self.waits.append((list(expected), settings))
        return self.waited

    def _raise(self, step):
        if step in self.raises:
            raise self.raises[step]


class Terminal(io.StringIO):
    def isatty(self):
        return True
