"""Programs under a Lease, in threads and in real time: one works, others stand by, and who loses it stops."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import genreconcile as gr
from genreconcile.cluster import Around
from genreconcile.controllers.program import Program, run
from genreconcile.election.notes import NOTE
from support.eventually import LONG, eventually
from unit.controllers import things
from unit.controllers.things import config, controller, edit, names, thing

KIND = "coordination.k8s.io/v1/Lease"
LEASE = gr.Lease("things", duration=60, renew_deadline=45.0, retry_period=0.05)
TAKEN = {"op": "replace", "path": "/spec/holderIdentity", "value": "somebody else"}


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    eventually(lambda: set(threading.enumerate()) <= before, threading.enumerate)


@pytest.fixture
def fake(_no_thread_is_left):
    with things.cluster(thing("one", names=["a"]), thing("two", names=["b"])) as fake:
        yield fake


def stated(parent, ctx):
    for name in parent["spec"]["names"]:
        yield config(name)


def program(fake, function=stated, lease=LEASE):
    return Program(controller(function, min_interval=0), cluster=fake, lease=lease)


def workers():
    """Without what looks, before they begin, how much another build would change: it ends by itself."""
    named = (thread.name for thread in threading.enumerate())
    return [name for name in named if name.startswith("genreconcile-things-") and "survey" not in name]


def holder(fake):
    return fake.get(KIND, "things")["spec"]["holderIdentity"]


def test_one_of_two_works_and_the_other_stands_by_and_follows(fake):
    seen = []

    def second_function(parent, ctx):
        seen.append(parent["metadata"]["name"])
        return stated(parent, ctx)

    first, second = program(fake), program(fake, second_function)
    with first:
        eventually(lambda: names(fake) == ["a", "b"])
        number = len(workers())
        with second:
            eventually(lambda: second.is_ready)
            eventually(lambda: len(second._loops[0].queue) == 2, "its queue is filled")
            assert (first.is_leading, second.is_leading, first.is_ready) == (True, False, True)
            eventually(lambda: second.cache.has_synced("v1/ConfigMap"), "the kind of the children is watched already")
            edit(fake, names=["c"])
            eventually(lambda: names(fake) == ["b", "c"])
            assert len(workers()) == number
            assert seen == []
            first.stop()
            eventually(lambda: second.is_leading)
            edit(fake, names=["d"])
            eventually(lambda: names(fake) == ["b", "d"])
            eventually(lambda: set(seen) == {"one", "two"}, "one that is in sync already may run after the other")
            assert not first.is_ready
    assert holder(fake) == ""
    edit(fake, names=[])
    assert names(fake) == ["b", "d"], "nothing is written after the stop"


class Noted(Around):
    """Notes the lists of ConfigMaps."""

    def __init__(self, fake):
        super().__init__(fake)
        self.lists = 0

    def request(self, method, path, *, query=None, **more):
        self.lists += method == "GET" and path.endswith("/configmaps")
        return self._request(method, path, query=query, **more)


@pytest.mark.parametrize("namespaces", [None, ["shop"]])
def test_who_follows_has_the_children_in_its_cache(fake, namespaces):
    """The holder names the kinds that it watches; who stands by has listed them before it follows."""
    noted = Noted(fake)
    first, second = (
        program(fake),
        Program(controller(stated, min_interval=0), cluster=noted, lease=LEASE, namespaces=namespaces),
    )
    with first:
        eventually(lambda: names(fake) == ["a", "b"])
        with second:
            eventually(lambda: second.cache.has_synced("v1/ConfigMap", "shop"))
            before = noted.lists
            first.stop()
            eventually(lambda: second.is_leading)
            edit(fake, names=["d"])
            eventually(lambda: names(fake) == ["b", "d"])
            assert noted.lists == before, "it is listed no more"


@pytest.mark.parametrize("text", ["", "no kind,v1/Nothing,,v1/ConfigMap", "x" * 100_000, 7, None])
def test_whatever_stands_in_the_lease_stops_nobody(fake, text):
    with program(fake) as first:
        eventually(lambda: names(fake) == ["a", "b"])
        first.stop()
    change = {"op": "add", "path": "/metadata/annotations", "value": {NOTE: text} if isinstance(text, str) else {}}
    fake.patch(KIND, "things", change)
    taken = {"op": "replace", "path": "/spec/holderIdentity", "value": "somebody else"}
    fake.patch(KIND, "things", taken)
    with program(fake) as second:
        eventually(lambda: second.is_ready)
        if text and "ConfigMap" in str(text):
            eventually(lambda: second.cache.has_synced("v1/ConfigMap"))
        fake.delete(KIND, "things")
        edit(fake, names=["c"])
        eventually(lambda: names(fake) == ["b", "c"])


def test_who_stops_in_standby_leaves_the_lease_alone(fake):
    with program(fake) as first:
        eventually(lambda: first.is_leading)
        before = holder(fake)
        with program(fake) as second:
            eventually(lambda: second.is_ready)
        assert holder(fake) == before
        assert first.is_leading


def test_who_loses_the_lease_writes_nothing_more_and_says_why(fake):
    ended = threading.Event()
    losing = program(fake)
    losing.on_end = ended.set
    with losing:
        eventually(lambda: names(fake) == ["a", "b"])
        fake.patch(KIND, "things", TAKEN)
        assert ended.wait(LONG)
        assert losing.lost == "the Lease shop/things: lost: somebody else holds it"
        assert (losing.is_leading, losing.is_ready) == (False, False)
        eventually(lambda: not workers())
        edit(fake, names=["c"])
    assert names(fake) == ["a", "b"]
    assert holder(fake) == "somebody else", "what is not held is not given back"


def test_a_function_that_runs_when_the_lease_is_lost_is_cut(fake):
    entered, go, left = threading.Event(), threading.Event(), threading.Event()

    def slow(parent, ctx):
        entered.set()
        go.wait(LONG)
        left.set()
        return stated(parent, ctx)

    with program(fake, slow) as losing:
        assert entered.wait(LONG)
        fake.patch(KIND, "things", TAKEN)
        eventually(lambda: losing.lost)
        eventually(lambda: not workers())
        go.set()
        assert left.wait(LONG)
    assert names(fake) == []


class Holding:
    """A cluster that keeps the first write of a ConfigMap on its way until it is told."""

    def __init__(self, fake):
        self.server, self.namespace = fake.server, fake.namespace
        self.stream, self.close = fake.stream, fake.close
        self.fake, self.entered, self.open = fake, threading.Event(), threading.Event()

    def request(self, method, path, **more):
        if method == "POST" and path.endswith("configmaps") and "dryRun" not in (more.get("query") or {}):
            self.entered.set()
            self.open.wait(LONG)
        return self.fake.request(method, path, **more)


def test_the_lease_is_given_back_after_the_last_write(fake):
    holding = Holding(fake)
    stopping = program(holding)
    stopping.start()
    assert holding.entered.wait(LONG)
    ending = threading.Thread(target=stopping.stop, args=(0.0,))
    ending.start()
    eventually(lambda: stopping._leadership._writes._is_closed)
    renewed = fake.get(KIND, "things")["spec"]["renewTime"]
    eventually(lambda: fake.get(KIND, "things")["spec"]["renewTime"] > renewed, "it is renewed meanwhile")
    assert holder(fake)
    holding.open.set()
    ending.join(LONG)
    assert holder(fake) == ""


def test_a_write_that_does_not_end_keeps_the_lease_from_being_given_back(fake):
    holding = Holding(fake)
    stopping = program(holding, lease=gr.Lease("things", duration=60, renew_deadline=59.5, retry_period=0.05))
    stopping.start()
    assert holding.entered.wait(LONG)
    before = holder(fake)
    stopping.stop(grace=0.0)
    assert holder(fake) == before != ""
    holding.open.set()


def test_a_program_that_has_lost_its_lease_ends(fake):
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, controller(stated, min_interval=0), cluster=fake, lease=LEASE)
        eventually(lambda: names(fake) == ["a", "b"])
        fake.patch(KIND, "things", TAKEN)
        with pytest.raises(gr.NotLeading, match="somebody else holds it; this process ends"):
            running.result(LONG)


def test_a_start_that_fails_under_a_lease_leaves_nothing(fake):
    nothing = gr.controller("example.com/v1/Nothing", name="others")(stated)
    with pytest.raises(gr.CacheError):
        Program(nothing, cluster=fake, lease=LEASE).start()
    assert fake.find(KIND) == []


def test_a_lease_is_no_text(fake):
    with pytest.raises(gr.InputError, match=r"is no Lease; give gr.Lease\(name\)"):
        Program(controller(stated), cluster=fake, lease="things")
