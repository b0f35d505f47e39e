"""Many threads, many Reconcilers and two processes on the same objects of a real API server."""

import faulthandler
import json
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.api.passing import Passing
from support.audit import AuditLog
from support.objects import config_map

USER = "many"
LABELS = {"app": "many"}
NAMES = [f"c{number}" for number in range(12)]
EDITS, ROUNDS, KINDS = 40, 120, 8


@pytest.fixture(autouse=True)
def _no_deadlock():
    """Where everybody waits, all stacks are shown; the time limit of a test ends it."""
    faulthandler.dump_traceback_later(120)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    log = AuditLog(tmp_path_factory.mktemp("audit"), USER)
    with ControlPlane(extra_apiserver_args=log.arguments) as running:
        running.log = log
        yield running


@pytest.fixture
def place(plane, request):
    return plane.create_namespace(request.node.name.replace("_", "-")[5:60].strip("-"))


def config(namespace, name, value="v", **annotations):
    return config_map(name, namespace, labels=LABELS, metadata={"annotations": annotations}, k=value)


class Watching(Passing):
    """A cluster that notes which objects two writes of this process meet on."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self._lock = threading.Lock()
        self._writing = Counter()
        self.met = []

    def request(self, method, path, **settings):
        if method == "GET" or "authorization" in path:
            return super().request(method, path, **settings)
        name = f"/{json.loads(settings['body'])['metadata']['name']}" if method == "POST" else ""
        path_of_object = path + name
        with self._lock:
            self._writing[path_of_object] += 1
            if self._writing[path_of_object] > 1:
                self.met.append((method, path_of_object))
        try:
            return super().request(method, path, **settings)
        finally:
            with self._lock:
                self._writing[path_of_object] -= 1


class Editor:
    """Somebody else, who counts in a field that is left to him, and breaks another one."""

    def __init__(self, plane, namespace):
        self._cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self._path = f"/api/v1/namespaces/{namespace}/configmaps/"
        self.counts = Counter()
        self.newest = "1"

    def patch(self, name, operations):
        body, patch = json.dumps(operations).encode(), "application/json-patch+json"
        answer = json.loads(self._cluster.request("PATCH", self._path + name, body=body, content_type=patch))
        self.newest = answer["metadata"]["resourceVersion"]

    def edit(self, name):
        value = self.counts[name]
        before = [{"op": "test", "path": "/data/mine", "value": str(value)}] if value else []
        try:
            self.patch(name, [*before, {"op": "add", "path": "/data/mine", "value": str(value + 1)}])
            self.counts[name] += 1
            self.patch(name, [{"op": "replace", "path": "/data/k", "value": "broken"}])
        except gr.NotFound:
            return  # Not there yet. An Invalid says that a count was lost.

    def live(self, name):
        return json.loads(self._cluster.request("GET", self._path + name))


def hammer(work, threads, is_enough):
    """Call ``work(number)`` in threads, again and again until ``is_enough(rounds)``; what it raises is raised."""
    total = Counter()

    def loop(number):
        while not is_enough(total) and not failed.is_set():
            try:
                work(number)
            except BaseException:
                failed.set()
                raise
            total[number] += 1

    failed = threading.Event()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(loop, range(threads)))
    return total.total()


def only_conflicts(result):
    """An object that others change all the time may win three times in a row, and nothing else goes wrong."""
    return all(isinstance(outcome.error, gr.Conflict) for outcome in result.failures)


def writes(log, before, namespace):
    """How often each object was created and deleted, as the server answered: (verb, name, code) → count."""
    found = {}
    for event in log.logged(before):
        where = event.get("objectRef", {})
        if event["user"]["username"] == USER and where.get("namespace") == namespace:
            code = event.get("responseStatus", {}).get("code")
            found[event["auditID"]] = (event["verb"], where.get("name"), code)
    return Counter(found.values())


def test_many_reconcilers_on_one_cache(plane, place):
    """Each edit of somebody else stays where it is his, and is repaired where it is ours; no object is made twice."""
    cluster = Watching(gr.connect(kubeconfig=str(plane.user_kubeconfig(USER, ["system:masters"]))))
    wanted = [config(place, name, **{"genreconcile.dev/ignore": "/data/mine"}) for name in NAMES]
    editor = Editor(plane, place)
    before = len(plane.log.logged())
    with gr.Cache(cluster, namespaces=[place]) as cache:
        reconcilers = [gr.Reconciler(cluster, cache=cache) for _ in range(4)]

        def work(number):
            if number == 8:
                editor.edit(NAMES[sum(editor.counts.values()) % len(NAMES)])
                return
            result = reconcilers[number % 4].reconcile(wanted, delete_from_namespace=place, delete_selector=LABELS)
            assert only_conflicts(result), list(map(str, result.failures))

        rounds = hammer(work, 9, lambda _: sum(editor.counts.values()) >= EDITS)
        # One that has not repaired anything yet: the others may take the edits for a fight, and wait.
        final = gr.Reconciler(cluster, cache=cache).reconcile(wanted, not_older_than=editor.newest)
        assert [str(outcome) for outcome in final if outcome.status not in {"configured", "unchanged"}] == []
        again = reconcilers[1].reconcile(wanted)
        assert [str(outcome) for outcome in again if outcome.status != "unchanged"] == []
    edits = sum(editor.counts.values())
    print(f"{rounds} rounds, {edits} edits")
    for name in NAMES:
        data = editor.live(name)["data"]
        assert data["k"] == "v"
        assert data.get("mine", "0") == str(editor.counts[name]), "no edit is lost"
    created = {(verb, name, code): count for (verb, name, code), count in writes(plane.log, before, place).items()}
    assert sum(count for (verb, _, code), count in created.items() if (verb, code) == ("create", 201)) == len(NAMES)
    assert sum(count for (verb, _, code), count in created.items() if (verb, code) == ("create", 409)) == 0
    assert not any(verb == "delete" for verb, _, _ in created)
    assert cluster.met == [], "two writes for one object at one time"


def test_two_sets_that_follow_each_other_in_many_threads(plane, place):
    """Objects come and go: what one thread creates another deletes."""
    cluster = Watching(gr.connect(kubeconfig=str(plane.user_kubeconfig(USER, ["system:masters"]))))
    sets = [[config(place, name) for name in NAMES[:8]], [config(place, name) for name in NAMES[4:]]]
    settings = {"delete_from_namespace": place, "delete_selector": LABELS}
    with gr.Cache(cluster, namespaces=[place]) as cache:
        reconcilers = [gr.Reconciler(cluster, cache=cache) for _ in range(4)]

        def work(number):
            result = reconcilers[number].reconcile(sets[number % 2], **settings)
            assert only_conflicts(result), list(map(str, result.failures))

        rounds = hammer(work, 4, lambda total: total.total() >= ROUNDS)
        for wanted in sets:
            reconcilers[0].reconcile(wanted, **settings).raise_for_failures()
            live = {found["metadata"]["name"] for found in cache.list("v1/ConfigMap", selector=LABELS)}
            assert live == {item["metadata"]["name"] for item in wanted}
    print(f"{rounds} rounds")
    assert cluster.met == []


PROCESS = """
import sys, time, json
import genreconcile as gr
kubeconfig, wanted, settings = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
objects = json.loads(sys.stdin.read())
rounds = 0
with gr.Reconciler(gr.connect(kubeconfig=kubeconfig), namespaces=[settings["delete_from_namespace"]]) as reconciler:
    while rounds < wanted:
        for outcome in reconciler.reconcile(objects, **settings).failures:
            assert isinstance(outcome.error, gr.Conflict), str(outcome)
        rounds += 1
        time.sleep(0.02)
    last = reconciler.reconcile(objects, **settings)
print(json.dumps([rounds, last.counts]))
"""


def test_two_processes(plane, place):
    """Both create, repair and delete the same objects while somebody else edits them."""
    kubeconfig = str(plane.user_kubeconfig(USER, ["system:masters"]))
    wanted = [config(place, name, **{"genreconcile.dev/ignore": "/data/mine"}) for name in NAMES]
    settings = {"delete_from_namespace": place, "delete_selector": LABELS}
    editor = Editor(plane, place)
    stray = json.dumps(config(place, "stray")).encode()
    editor._cluster.request("POST", editor._path.rstrip("/"), body=stray)
    before = len(plane.log.logged())
    command = [sys.executable, "-c", PROCESS, kubeconfig, "60", json.dumps(settings)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for process in processes:
            process.stdin.write(json.dumps(wanted))
            process.stdin.close()
            process.stdin = None
        while any(process.poll() is None for process in processes):
            editor.edit(NAMES[sum(editor.counts.values()) % len(NAMES)])
            time.sleep(0.01)
        answers = [process.communicate(timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0, 0], answers
    with gr.Reconciler(gr.connect(kubeconfig=kubeconfig)) as reconciler:
        reconciler.reconcile(wanted).raise_for_failures()
    edits = sum(editor.counts.values())
    print([json.loads(out)[0] for out, _ in answers], "rounds", edits, "edits")
    for name in NAMES:
        data = editor.live(name)["data"]
        assert (data["k"], data.get("mine", "0")) == ("v", str(editor.counts[name]))
    counts = writes(plane.log, before, place)
    assert {
        name: count for (verb, name, code), count in counts.items() if (verb, code) == ("create", 201)
    } == dict.fromkeys(NAMES, 1)
    assert counts["delete", "stray", 200] == 1
    assert not any(verb == "delete" and name != "stray" for verb, name, _ in counts)


def test_one_cache_is_used_by_many_threads(plane, place):
    """Readers and writers of one cache, while kinds come and go in it."""
    cluster = gr.connect(kubeconfig=str(plane.user_kubeconfig(USER, ["system:masters"])))
    reconciler = gr.Reconciler(cluster)
    kinds = ["v1/Secret", "v1/Service", "v1/ServiceAccount", "apps/v1/Deployment"]
    seen = defaultdict(int)

    def work(number):
        if number == 0:
            reconciler.reconcile([config(place, name, str(seen["rounds"])) for name in NAMES]).raise_for_failures()
            seen["rounds"] += 1
        elif number == 1:
            kind = kinds[seen["kinds"] % len(kinds)]
            reconciler.cache.add(kind)
            reconciler.cache.relist(kind, 45)
            reconciler.cache.remove(kind)
            seen["kinds"] += 1
        else:
            try:
                found = reconciler.cache.list("v1/ConfigMap", namespace=place)
            except gr.CacheError:
                return  # Not added yet.
            values = [item["data"]["k"] for item in found if item["metadata"]["name"] in NAMES]
            assert all(int(value) <= seen["rounds"] for value in values)

    with reconciler:
        hammer(work, 5, lambda _: min(seen["rounds"], seen["kinds"]) >= KINDS)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("genreconcile/")]
