"""Cases R3: callers for whom the cache is not, or not any more, the truth, on a real API server."""

import contextlib
import functools
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import genreconcile as gr
from genreconcile.cache.scope import Scope
from support.api.passing import Passing
from support.objects import config_map

FORKED = """
import json, multiprocessing, os, sys, time
import genreconcile as gr

kubeconfig, namespace, how = sys.argv[1:]


def config(value):
    metadata = {"name": "forked", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": value}}


def attempt(call):
    try:
        call()
        return "nothing raised"
    except gr.ReconcileError as error:
        return f"{type(error).__name__}: {error}"


def in_child(cluster, cache, reconciler, queue):
    said = {
        "reconcile": attempt(lambda: reconciler.reconcile([config("child")])),
        "plan": attempt(lambda: reconciler.plan([config("child")])),
        "cache": attempt(lambda: cache.get("v1/ConfigMap", "forked", namespace=namespace)),
        "cluster": attempt(lambda: cluster.request("GET", "/version")),
        "enter": attempt(reconciler.__enter__),
    }
    reconciler.close()
    cache.stop()
    cluster.close()
    own = gr.connect(kubeconfig=kubeconfig)
    with gr.Reconciler(own) as anew:
        said["anew"] = anew.reconcile([config("parent")]).summary()
    queue.put(said)


cluster = gr.connect(kubeconfig=kubeconfig)
reconciler = gr.Reconciler(cluster)
cache = reconciler.cache
reconciler.reconcile([config("parent")]).raise_for_failures()
queue = multiprocessing.get_context("fork").SimpleQueue()
if how == "multiprocessing":
    children = [
        multiprocessing.get_context("fork").Process(target=in_child, args=(cluster, cache, reconciler, queue))
        for _ in range(3)
    ]
    for child in children:
        child.start()
    said = [queue.get() for _ in children]
    for child in children:
        child.join()
else:
    pid = os.fork()
    if pid == 0:
        in_child(cluster, cache, reconciler, queue)
        if how == "exit":
            sys.exit(0)
        os._exit(0)
    said = [queue.get()]
    os.waitpid(pid, 0)
before = cache.error("v1/ConfigMap"), cache.stale_since("v1/ConfigMap")
after = [reconciler.reconcile([config(str(number))]).summary() for number in range(20)]
reconciler.close()
print(json.dumps({"said": said, "before": [str(found) for found in before], "after": after}))
"""


@pytest.fixture
def kubeconfig(control_plane):
    return str(control_plane.kubeconfig)


@pytest.mark.parametrize("how", ["multiprocessing", "_exit", "exit"])
def test_r3_6_a_reconciler_from_before_a_fork(kubeconfig, namespace, how):
    """The child is told, begins anew if it likes, and leaves the parent's connections alone, also where it closes."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, kubeconfig, namespace, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for said in found["said"]:
        assert said.pop("anew") == "1 unchanged"
        assert all("not usable in this process: it was made before the fork" in text for text in said.values()), said
        assert said["cluster"].startswith("ClusterError: GET ")
    assert found["before"] == ["None", "None"]
    assert found["after"] == ["1 configured"] * 20
    assert done.stderr == ""


def test_r3_3_a_closed_reconciler_is_called(kubeconfig, namespace):
    cluster = gr.connect(kubeconfig=kubeconfig)
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}}
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([obj]).raise_for_failures()
        plan = reconciler.plan([obj])
    for call in (
        lambda: reconciler.reconcile([obj]),
        lambda: reconciler.plan([obj]),
        lambda: reconciler.apply(plan),
        lambda: reconciler.rights([obj]),
        reconciler.__enter__,
    ):
        with pytest.raises(
            gr.CacheError, match=r"^the Reconciler: not usable any more: it was closed; make a new one$"
        ):
            call()
    reconciler.close()


def test_r3_3_a_reconciler_on_a_cache_that_was_stopped(kubeconfig, namespace):
    cluster = gr.connect(kubeconfig=kubeconfig)
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}}
    with gr.Cache(cluster) as cache:
        reconciler = gr.Reconciler(cluster, cache=cache)
        reconciler.reconcile([obj]).raise_for_failures()
    with pytest.raises(gr.CacheError, match="the cache: not usable any more: it was stopped"):
        reconciler.reconcile([obj])
    with pytest.raises(gr.CacheError, match="the cache: not usable any more: it was stopped"):
        gr.Reconciler(cluster, cache=cache)


def test_r3_3_closed_while_it_works(kubeconfig, namespace):
    """Each call ends by its result or by the error; what it says is from before the close."""
    cluster = gr.connect(kubeconfig=kubeconfig)
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}}
    reconciler = gr.Reconciler(cluster)
    reconciler.reconcile([obj]).raise_for_failures()
    ended = []

    def work():
        try:
            while True:
                reconciler.reconcile([obj]).raise_for_failures()
        except gr.CacheError as error:
            ended.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    reconciler.close()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 4
    assert all("it was closed" in text or "it was stopped" in text for text in ended)


def test_r3_1_a_watch_of_another_library_calls_reconcile_on_each_event(kubeconfig, namespace):
    """Each event's object is repaired by the very call that it wakes."""
    cluster = gr.connect(kubeconfig=kubeconfig)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    metadata = {"name": "a", "namespace": namespace}
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}}
    with gr.Reconciler(cluster, namespaces=[namespace]) as reconciler:
        reconciler.reconcile([obj]).raise_for_failures()
        for number in range(40):
            patch = json.dumps([{"op": "add", "path": f"/data/k{number}", "value": "theirs"}]).encode()
            answer = cluster.request("PATCH", f"{path}/a", body=patch, content_type="application/json-patch+json")
            seen = json.loads(answer)
            assert reconciler.reconcile([obj], not_older_than=seen).counts["configured"] == 1, number


def test_r3_1_kinds_that_are_quiet_are_asked_once_and_not_waited_for(kubeconfig, namespace):
    """A resourceVersion of another kind: what lies behind it is read again, in less than a bookmark takes to come."""
    cluster = gr.connect(kubeconfig=kubeconfig)
    meta = {"namespace": namespace}
    expected = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**meta, "name": "a"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**meta, "name": "b"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {**meta, "name": "c"}, "spec": {"ports": [{"port": 80}]}},
    ]
    with gr.Reconciler(cluster, namespaces=[namespace], sync_timeout=20.0) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        secret = {"metadata": {"name": "s"}}
        made = json.loads(
            cluster.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=json.dumps(secret).encode())
        )
        made |= {"apiVersion": "v1", "kind": "Secret"}
        assert reconciler.reconcile(expected, not_older_than=made).counts["unchanged"] == 3
        version = int(made["metadata"]["resourceVersion"])
        assert all(reconciler.cache.store(gr.GVK.of(obj)).seen(Scope(namespace)) >= version for obj in expected)


class Lagging(Passing):
    """A connection whose watches bring each chunk so many seconds late; None: not before ``end``."""

    def __init__(self, cluster, seconds):
        super().__init__(cluster)
        self._seconds = seconds
        self._ended = threading.Event()
        self.end = self._ended.set

    @contextlib.contextmanager
    def stream(self, path, **settings):
        with self.cluster.stream(path, **settings) as chunks:
            yield self._late(chunks)

    def _late(self, chunks):
        for chunk in chunks:
            self._ended.wait(self._seconds)
            yield chunk


def config_maps(namespace, count):
    return [config_map(f"c{n}", namespace, k="v") for n in range(count)]


@pytest.mark.parametrize("seconds", [0.3, None])
def test_r3_4_an_edit_is_followed_at_once_by_many_reconcilers_on_one_cache(kubeconfig, namespace, seconds):
    """No call that was told of the edit returns while it is there, however late its event comes."""
    admin, cluster = gr.connect(kubeconfig=kubeconfig), Lagging(gr.connect(kubeconfig=kubeconfig), seconds)
    path, expected = f"/api/v1/namespaces/{namespace}/configmaps/c0", config_maps(namespace, 12)
    patch = json.dumps([{"op": "replace", "path": "/data/k", "value": "theirs"}]).encode()
    edit = functools.partial(admin.request, "PATCH", path, body=patch, content_type="application/json-patch+json")
    together = threading.Barrier(8)

    def follow(reconciler, seen):
        together.wait(60)
        result = reconciler.reconcile(expected, not_older_than=seen)
        result.raise_for_failures()
        return result.counts["configured"], json.loads(admin.request("GET", path))["data"]

    with gr.Cache(cluster, namespaces=[namespace]) as cache, ThreadPoolExecutor(8) as pool:
        reconcilers = [gr.Reconciler(cluster, cache=cache) for _ in range(8)]
        reconcilers[0].reconcile(expected).raise_for_failures()
        for _ in range(3):
            seen = json.loads(edit())
            if seconds is None:
                assert {each.reconcile(expected).counts["unchanged"] for each in reconcilers} == {12}, "no event came"
            found = list(pool.map(follow, reconcilers, [seen] * 8))
            assert [live for _, live in found] == [{"k": "v"}] * 8
            assert {configured for configured, _ in found} <= {0, 1}
            assert any(configured for configured, _ in found)
        cluster.end()
