"""A controller in the Reconciler's place: it states what its parent says, and a ``Program`` runs it in this process.

Invariant: what the controller does is its own doing; a test only edits the parent, lets the key run again, and looks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import json
import threading
import time
from typing import NamedTuple
from unittest import mock

import genreconcile as gr
from faults.oracles import LABELS, MAPS, PARENTS, QUICK, assert_no_gap, names, path_of
from genreconcile.cache import Cache
from genreconcile.controllers import program
from genreconcile.errors import CacheError, ReconcileError
from genreconcile.objects import ObjectKey, resource_version_of
from genreconcile.ownership import PART_OF
from genreconcile.ownership.parent import ID
from support import objects
from support.api.client import Refused
from support.eventually import eventually

GROUP, KIND, PLURAL = PARENTS, f"{PARENTS}/v1/Wish", "wishes"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAME = "parent"
IGNORED = frozenset({"delete_from_namespace", "delete_selector", "allow_empty", "kinds", "max_deletions"})
"""Settings of a reconcile that a controller has no need of: it deletes the children that it states no more."""


def definition(scope="Namespaced"):
    """The kind of the parents; its spec is the expected set as JSON, so that the server changes nothing in it."""
    text = {"type": "string"}
    condition = objects.struct(
        **dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), text),
        observedGeneration={"type": "integer"},
    )
    conditions = {
        "type": "array", "items": condition | {"required": ["type", "status"]},
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
    }  # fmt: skip
    status = objects.struct(observedGeneration={"type": "integer"}, conditions=conditions, seen={"type": "integer"})
    version = objects.version("v1", objects.struct(spec=objects.struct(objects=text), status=status))
    names = {"singular": "wish", "plural": PLURAL, "listKind": "WishList"}
    return objects.definition(GROUP, version | {"subresources": {"status": {}}}, kind="Wish", names=names, scope=scope)


def define(ground):
    """Have the server serve the parents' kind."""
    with contextlib.suppress(Refused):  # It does already.
        ground.admin.create(CRDS, definition())
    eventually(lambda: ground.admin.list(parent_path(ground)) is not None, "parents are served", despite=(Refused,))
    group = f"apis/{GROUP}/v1"
    eventually(lambda: group in ground.admin.get("/openapi/v3")["paths"], "and described")


def undefine(ground):
    """Have the server not serve the parents' kind, which a test before may have defined."""
    with contextlib.suppress(Refused):  # It does not.
        ground.admin.delete(f"{CRDS}/{PLURAL}.{GROUP}")
    eventually(lambda: ground.admin.find(f"{CRDS}/{PLURAL}.{GROUP}") is None, "the definition is gone")
    eventually(lambda: ground.admin.find(f"/apis/{GROUP}/v1") is None, "parents are not served")


def parent_path(ground, name=""):
    return path_of(ground.namespace, name, plural=PLURAL, prefix=f"/apis/{GROUP}/v1")


def parent_of(namespace, expected, name=NAME):
    """A parent that wants these objects."""
    return objects.obj(f"{GROUP}/v1", "Wish", name, namespace, spec={"objects": json.dumps(expected)})


def state(ground, expected, name=NAME):
    """Let the parent want these; its resourceVersion from which on it does."""
    live = ground.admin.find(parent_path(ground, name))
    wanted = parent_of(ground.namespace, expected, name)
    if live is None:
        live = ground.admin.create(parent_path(ground), wanted)
    elif live["spec"] != wanted["spec"]:
        change = {"op": "replace", "path": "/spec", "value": wanted["spec"]}
        live = ground.admin.patch(parent_path(ground, name), change)
    return int(resource_version_of(live))


def _has_seen(parent):
    return (parent.get("status") or {}).get("observedGeneration") == parent["metadata"]["generation"]


def live_parent(ground, name=NAME):
    """The parent as the server has it, None where it is not."""
    return ground.admin.find(parent_path(ground, name))


def condition(ground, which="Ready", name=NAME):
    """(status, reason) of a condition of the parent; (None, None) where it has none."""
    found = ((live_parent(ground, name) or {}).get("status") or {}).get("conditions") or ()
    return next(((one["status"], one["reason"]) for one in found if one["type"] == which), (None, None))


def foreign(ground):
    """Objects of others that look alike: the same labels, the mark of the parent's set, and that of another set."""
    set_id = live_parent(ground)["metadata"]["labels"][ID]
    marks = {"labelled": {}, "marked": {PART_OF: set_id}, "others": {PART_OF: f"{set_id[:-3]}x-v1"}}
    made = {}
    for name, mark in marks.items():
        obj = objects.config_map(name, ground.namespace, labels={**LABELS, **mark}, k="theirs")
        made[name] = ground.admin.create(path_of(ground.namespace), obj)
    return made


def assert_untouched(ground, made):
    """Each is the object that it was, and nobody has written it."""
    found = {name: ground.admin.find(path_of(ground.namespace, name)) for name in made}
    assert found == made, found


def rest(ground, opened, *, rounds=3, name=NAME):
    """I1 and I2 of a program: its parent comes to rest, and stays: further runs send nothing but watches.

    First it has seen all that there is, and its watches are well: else it is right to be restless still.
    """
    key = ObjectKey(GROUP, "Wish", ground.namespace, name)
    assert_no_gap(ground, opened.cache, KIND, parent_path(ground))
    assert_no_gap(ground, opened.cache)  # Its own writes alone may have closed it.
    eventually(lambda: all(is_well(opened.cache, kind) for kind in (KIND, MAPS)), "the watches are well")
    opened.cache.flush()
    eventually(lambda: _has_seen(live_parent(ground, name)), "the status is of the parent as it is")

    def sent():
        begun, since = next(opened.begun), len(ground.log)
        opened.loop.queue.add(key)
        eventually(lambda: any(run.number > begun for run in opened.finished), "a run")
        return ground.log.entries("get", "create", "patch", "update", "delete", since=since)

    eventually(lambda: sent() == [], "a run that sends nothing")
    for _ in range(rounds):
        found = sent()
        assert found == [], found


def is_well(cache, kind):
    """Whether nothing is to be said against the view of a kind."""
    return cache.error(kind) is None and cache.stale_for(kind) is None


def children(ground):
    """The names of the ConfigMaps that carry our labels, but for those of others."""
    return names(ground) - {"labelled", "marked", "others"}


def tally(ground, since=0, plural="configmaps"):
    """(creates, deletes) by the name of each object of a kind, as the program sent them."""
    found = ground.log.tally(since=since).items()
    return {name: counts for (kind, _, name), counts in found if kind == plural}


def wishes(parent, ctx):
    """The function: what the parent says, and how many that are."""
    found = json.loads(parent["spec"]["objects"])
    ctx.status["seen"] = len(found)
    yield from found


class Finished(NamedTuple):
    """A run that has ended: its place in the order in which they began, the version of the parent that it saw at least,
    what it came to, and when it ended, in seconds of ``time.monotonic``.
    """

    number: int
    version: int
    result: object
    error: Exception | None
    ended: float


class _Noted:
    """The children of a controller; what becomes of them in a run is noted in ``here``."""

    def __init__(self, children, here):
        self._children = children
        self._here = here

    def __getattr__(self, name):
        return getattr(self._children, name)

    def prepare(self, *arguments, **settings):
        return self._tried(self._children.prepare, arguments, settings)

    def plan(self, *arguments, **settings):
        return self._tried(self._children.plan, arguments, settings)

    def apply(self, *arguments, **settings):
        self._here.result = self._tried(self._children.apply, arguments, settings)
        return self._here.result

    def _tried(self, function, arguments, settings):
        try:
            return function(*arguments, **settings)
        except ReconcileError as error:
            self._here.error, self._here.result = error, getattr(error, "result", None)
            raise


class Observed(program.Program):
    """A Program of one controller that tells of its runs."""

    def __init__(self, *arguments, may_write=None, **settings):
        super().__init__(*arguments, **settings)
        leads = self._shared.may_write
        if may_write:
            self._shared = dataclasses.replace(self._shared, may_write=lambda: leads() and may_write())
        self.begun, self.finished = itertools.count(1), []
        self._here = threading.local()

    @property
    def loop(self):
        return self._loops[0]

    @property
    def cache(self):
        return self._cache

    def _loop(self, source):
        loop = super()._loop(source)
        loop.parts = dataclasses.replace(loop.parts, children=_Noted(loop.parts.children, self._here))
        process = loop.process

        def noted(key):
            here, number = self._here, next(self.begun)
            here.result = here.error = None
            version = self._version(loop, key)
            process(key)
            self.finished.append(Finished(number, version, here.result, here.error, time.monotonic()))

        loop.process = noted
        return loop

    def _version(self, loop, key):
        try:
            record = self._cache.record(loop.parts.resource, key.name, namespace=key.namespace)
        except CacheError:
            return 0
        return record.resource_version if record else 0


class Operator:
    """Answers as a Reconciler does: ``reconcile`` states a set, and tells of a run that has seen it."""

    def __init__(self, ground, program):
        self.ground, self.program = ground, program
        self.cache = program.cache
        self.key = ObjectKey(GROUP, "Wish", ground.namespace, NAME)

    def reconcile(self, expected, **settings):
        """The Result of a run that began after this call. Raises what it raised."""
        assert settings.keys() <= IGNORED, settings
        version, begun = state(self.ground, expected), next(self.program.begun)
        self.program.loop.queue.add(self.key)

        def found():
            runs = [run for run in self.program.finished if run.number > begun and run.version >= version]
            return runs and runs[0]

        run = eventually(found, "a run of the parent")
        if run.result is None:
            raise run.error or ReconcileError("a run that came to nothing")
        return run.result


def controller(function=wishes, **settings):
    """A controller of the parents."""
    settings = {"name": "faults", "min_interval": 0, "adopt": "unowned", "namespaces": "*", **settings}
    return gr.controller(KIND, **settings)(function)


@contextlib.contextmanager
def running(ground, *controllers, pace=QUICK, timeout=5.0, cluster=None, may_write=None):
    """A program of these controllers on a ground, which watches the ground's namespace."""
    cluster = cluster or ground.connect(timeout=timeout)
    with mock.patch.object(program, "Cache", functools.partial(Cache, pace=pace)):
        opened = Observed(*controllers, cluster=cluster, namespaces=[ground.namespace], may_write=may_write)
    try:
        with opened:
            yield opened
    finally:
        cluster.close()


@contextlib.contextmanager
def operator(ground, *, kinds=(), pace=QUICK, timeout=5.0, cluster=None, sync_timeout=5.0, may_write=None):
    """As ``oracles.engine``, with a controller."""
    del sync_timeout  # What a run cannot know yet the next one may.
    define(ground)
    with running(ground, controller(), pace=pace, timeout=timeout, cluster=cluster, may_write=may_write) as opened:
        for kind in kinds:
            opened.cache.add(kind)
        yield Operator(ground, opened)
