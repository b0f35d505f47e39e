"""What is recorded: real manifests, an edited namespace, and a small world whose process dies at each of its writes.

Invariant: a scene is the same each time: one write at a time, waits for conditions only, and each Reconciler lives so
briefly that no memory of it runs out of time meanwhile.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from others import Others, wait_until
from recorder import Recorder

import genreconcile as gr
from genreconcile.testing import ControlPlane

ROOT = Path(gr.__file__).parents[1]
EDITED = Path(__file__).with_name("edited.yaml")
LABELS = {"app": "edited"}
# They stand in the way of everybody's requests, so they are applied, and removed before anything is edited.
_GATES = frozenset(
    {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding", "APIService"}
)
_ROUND = 50
"""So many edits see one Reconciler: fewer than make a fight, which pauses for half a minute."""

Scene = tuple[str, dict[str, Any]]


@contextmanager
def reconciling(cluster: gr.Cluster, bodies: dict[str, Any], **settings: Any) -> Iterator[tuple[Recorder, Any]]:
    """A Reconciler that writes one object at a time, and its recorder."""
    recorder = Recorder(cluster, bodies)
    with gr.Reconciler(recorder, concurrency=1, sync_timeout=120, **settings) as reconciler:
        yield recorder, reconciler
    recorder.close()


def corpus(plane: ControlPlane, file: Path, seed: int, bodies: dict[str, Any]) -> Iterator[Scene]:
    """The manifests of a file: tried, applied twice, one edit of each found and repaired, owned, half of it pruned."""
    objects = [loaded.obj for loaded in gr.load([file])]
    named = {obj["metadata"].get("namespace", "default") for obj in objects}
    for name in sorted(named | {obj["metadata"]["name"] for obj in objects if obj["kind"] == "Namespace"}):
        plane.create_namespace(name)
    with reconciling(connect(plane), bodies, check_access="write") as (recorder, reconciler):
        plan = recorder.call("plan", lambda: reconciler.plan(objects))
        recorder.call("dry run", lambda: reconciler.apply(plan, dry_run=True))
        first = recorder.call("apply", lambda: reconciler.reconcile(objects))
        good = [outcome.change.expected for outcome in first if outcome.status != "failed"]
        recorder.call("apply again", lambda: reconciler.reconcile(good))
    yield f"corpus {file.stem}: apply", recorder.told()
    others = Others(gr.connect(kubeconfig=str(plane.kubeconfig)), f"{seed} {file.stem}")
    for obj in good:
        if obj["kind"] in _GATES:
            others.delete(obj)
    good = [obj for obj in good if obj["kind"] not in _GATES]
    with reconciling(connect(plane), bodies) as (recorder, reconciler):
        recorder.call("nothing", lambda: reconciler.reconcile(good))
        for obj in good:
            others.edit(obj, reconciler.cache)
        recorder.call("verified plan", lambda: reconciler.plan(good, verify=True))
        recorder.call("repair", lambda: reconciler.reconcile(good))
        recorder.call("nothing", lambda: reconciler.reconcile(good))
    yield f"corpus {file.stem}: repair", recorder.told()
    yield f"corpus {file.stem}: owner", _owned(plane, good, f"configmaps/{file.stem}", bodies)


def _owned(plane: ControlPlane, objects: list[gr.Object], owner: str, bodies: dict[str, Any]) -> dict[str, Any]:
    with reconciling(connect(plane), bodies) as (recorder, reconciler):
        recorder.call("own", lambda: reconciler.reconcile(objects, owner=owner))
        recorder.call("prune half", lambda: reconciler.reconcile(objects[::2], owner=owner))
        recorder.call("bring back", lambda: reconciler.reconcile(objects, owner=owner))
        recorder.call("prune all", lambda: reconciler.reconcile([], owner=owner, allow_empty=True))
    return recorder.told()


def edits(plane: ControlPlane, count: int, seed: int, bodies: dict[str, Any]) -> Iterator[Scene]:
    """So many edits of a namespace by somebody else, one to three before each call."""
    namespace = plane.create_namespace("edited")
    objects = [loaded.obj for loaded in gr.load([EDITED])]
    for obj in objects[1:]:
        obj["metadata"]["namespace"] = namespace
    settings = {"delete_from_namespace": namespace, "delete_selector": LABELS}
    others = Others(gr.connect(kubeconfig=str(plane.kubeconfig)), f"{seed} edits")
    for begin in range(0, count, _ROUND):
        with reconciling(connect(plane), bodies, on_immutable="recreate") as (recorder, reconciler):
            recorder.call("begin", lambda: reconciler.reconcile(objects, **settings))
            for number in range(begin, min(begin + _ROUND, count)):
                others.edit_one_of(objects[1:], reconciler.cache)
                if number % 3 != 1:
                    recorder.call(f"edit {number}", lambda: reconciler.reconcile(objects, **settings))
            recorder.call("end", lambda: reconciler.reconcile(objects, **settings))
        yield f"edits {begin}", recorder.told()


def changes(plane: ControlPlane, bodies: dict[str, Any]) -> Iterator[Scene]:
    """What is expected changes: a field of a definition and its use at once, and what the server lets nobody change."""
    for on_immutable in ("fail", "recreate"):
        namespace = plane.create_namespace(f"changed-{on_immutable}")
        yield f"changes: {on_immutable}", _changed(plane, namespace, on_immutable, bodies)


def _changed(plane: ControlPlane, namespace: str, on_immutable: str, bodies: dict[str, Any]) -> dict[str, Any]:
    definition, *objects = [loaded.obj for loaded in gr.load([EDITED])]
    # A claim that is to go waits for a controller.
    objects = [obj for obj in objects if obj["kind"] != "PersistentVolumeClaim"]
    for obj in objects:
        obj["metadata"]["namespace"] = namespace
    with reconciling(connect(plane), bodies, on_immutable=on_immutable, propagation="background") as (
        recorder,
        reconciler,
    ):
        recorder.call("begin", lambda: reconciler.reconcile([definition, *objects]))
        fields = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        fields[f"new-{on_immutable}"] = {"type": "string", "default": "d"}
        objects[0]["spec"][f"new-{on_immutable}"] = "n"
        recorder.call("a definition", lambda: reconciler.reconcile([definition, *objects]))
        for obj in objects:
            _change(obj, on_immutable)
        recorder.call("immutable", lambda: reconciler.reconcile([definition, *objects]))
        recorder.call("again", lambda: reconciler.reconcile([definition, *objects], prune_first=True))
    return recorder.told()


def _change(obj: gr.Object, value: str) -> None:
    spec = obj.get("spec", {})
    # What is recreated with its dependents waits for the garbage collector.
    if "selector" in spec and "template" in spec and value == "fail":
        spec["selector"]["matchLabels"]["more"] = spec["template"]["metadata"]["labels"]["more"] = value
    if "roleRef" in obj:
        obj["roleRef"]["name"] = f"{value}-reader"
    if obj["kind"] == "Secret":
        obj["type"] = "example.com/other"


def connect(plane: ControlPlane) -> gr.Cluster:
    """A connection of the engine's own."""
    return gr.connect(kubeconfig=str(plane.kubeconfig))


class Crash(BaseException):
    """The process is no more: nothing after it is executed, so nothing may catch it."""


class Mortal(Recorder):
    """Dies at its ``nth`` write, before it is sent or after it was carried out; 0: never."""

    def __init__(self, cluster: gr.Cluster, bodies: dict[str, Any], nth: int, moment: str) -> None:
        super().__init__(cluster, bodies)
        self._nth, self._moment, self._seen, self._is_dead = nth, moment, 0, False

    def request(self, method: str, path: str, **settings: Any) -> bytes:
        """See ``gr.Cluster``."""
        if self._is_dead:
            raise gr.Unreachable("dead") if method == "GET" else Crash
        self._seen += method != "GET"
        if method == "GET" or self._seen != self._nth:
            return super().request(method, path, **settings)
        self._is_dead = True
        if self._moment == "after":
            super().request(method, path, **settings)
        raise Crash

    def stream(self, path: str, **settings: Any) -> AbstractContextManager[Any]:
        """See ``gr.Cluster``."""
        if self._is_dead:
            raise gr.Unreachable("dead")
        return super().stream(path, **settings)


def found(marker: str) -> Any:
    """The module of the tests that defines this, wherever it lies; None where none does."""
    for file in sorted((ROOT / "tests").rglob("*.py")):
        if f"\n{marker}" in file.read_text("utf-8"):
            if str(ROOT / "tests") not in sys.path:
                sys.path.insert(0, str(ROOT / "tests"))
            return importlib.import_module(".".join(file.relative_to(ROOT / "tests").with_suffix("").parts))
    return None


def worlds(bodies: dict[str, Any]) -> Iterator[Scene]:
    """The small world on the scripted ground: undisturbed, with others, and dying before and after each write."""
    yield "world", _world(bodies, lambda _: None)
    yield "world with others", _world(bodies, _meddle)
    writes = found("class World").WRITES
    for nth in range(1, writes + 1):
        for moment in ("before", "after"):
            yield f"world: dies {moment} write {nth}", _world(bodies, lambda _: None, nth, moment)


def _world(bodies: dict[str, Any], meddle: Callable[[Any], None], nth: int = 0, moment: str = "") -> dict[str, Any]:
    world = found("class World").World("s")
    told: dict[str, Any] = {"calls": [], "reads": []}
    with found("class ScriptedServer").ScriptedServer(1, bookmarks=0.05) as server:
        server.add_namespace(world.namespace)
        world.prepare(lambda _, path, obj: server.admin.create(path, obj))
        for death in (nth, 0) if nth else (0,):
            recorder = Mortal(server.connect(), bodies, death, moment)
            with gr.Reconciler(recorder, concurrency=1, on_immutable="recreate", sync_timeout=120) as reconciler:
                _call(recorder, "reconcile", reconciler, world)
                if not death:
                    _call(recorder, "again", reconciler, world)
                    meddle((server, world, reconciler.cache))
                    _call(recorder, "others", reconciler, world)
            recorder.close()
            for key, value in recorder.told().items():
                told[key] += value
    return told


def _call(recorder: Recorder, name: str, reconciler: gr.Reconciler, world: Any) -> None:
    try:
        recorder.call(name, lambda: reconciler.reconcile(world.expected(), **world.settings))
    except Crash:
        recorder.calls[-1]["outcomes"] = ["died"]


def _meddle(stage: Any) -> None:
    """Each way to lose, change and add an object."""
    server, world, cache = stage
    path = f"/api/v1/namespaces/{world.namespace}/configmaps"
    edited = [{"op": "replace", "path": "/data/k", "value": "theirs"}]
    server.admin.patch(f"{path}/edited", *edited)
    server.admin.delete(f"{path}/new")
    metadata = {"name": "foreign", "namespace": world.namespace, "labels": world.settings["delete_selector"]}
    made = server.admin.create(path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}})
    wait_until(lambda: cache.record("v1/ConfigMap", "foreign", namespace=world.namespace) is not None and made)
