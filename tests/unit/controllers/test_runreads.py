"""Reads of one run: never older than an edit of the parent, and confirmed before something is deleted for them."""

import pytest

import genreconcile as gr
from genreconcile.controllers import runreads
from genreconcile.controllers.context import Finding
from genreconcile.controllers.memory import Memory
from genreconcile.controllers.outcome import Stated
from genreconcile.controllers.reads import Read
from genreconcile.controllers.runreads import RunReads
from unit.controllers import things
from unit.controllers.things import MAP, condition, config, controller, names, thing

KIND = gr.GVK.parse(MAP)
ONE, ALL = Read(KIND, "shop", name="a"), Read(KIND, "shop")


class Stub:
    """A reader of which a test says what the server has."""

    def __init__(self, *server):
        self.server, self.asked, self.awaited, self.checked = list(server), [], [], []
        self.cached, self.is_quiet = [], False

    def confirm(self, read, *, metadata_only):
        assert not metadata_only
        self.asked.append(read)
        return self.server

    def not_older_than(self, seen, reads):
        self.awaited += [(seen, read) for read in reads]

    def get(self, *_, **__):
        return None

    def list(self, *_, **__):
        return self.cached

    def is_as_new(self, read, seen):
        self.checked.append((seen, read))
        return not self.is_quiet


def found(*names):
    return {("shop", name): (f"uid-{name}", "1") for name in names}


def test_what_the_server_has_and_the_cache_has_not_is_no_absence():
    reads = RunReads(Stub(config("a", "shop")), None)
    with pytest.raises(gr.NotReadable, match=r"the cache does not have shop/a yet"):
        reads.confirm([Finding(ONE, {})])
    reads.confirm([Finding(ALL, found("a"))])


def test_what_the_server_has_not_either_is_gone():
    stub = Stub()
    RunReads(stub, None).confirm([Finding(ONE, {}), Finding(ALL, found("a"))])
    assert stub.asked == [ONE, ALL]


@pytest.mark.parametrize(
    ("before", "now", "asked"),
    [
        pytest.param(None, Finding(ONE, {}), True, id="an object that is not there at the first run"),
        pytest.param(None, Finding(ONE, found("a")), False, id="an object that is there at the first run"),
        pytest.param(None, Finding(ALL, found("a")), True, id="a list at the first run"),
        pytest.param(Finding(ONE, found("a")), Finding(ONE, {}), True, id="an object that has gone"),
        pytest.param(Finding(ONE, {}), Finding(ONE, {}), False, id="an object that was not there before"),
        pytest.param(Finding(ALL, found("a", "b")), Finding(ALL, found("b", "c")), True, id="a list that one has left"),
        pytest.param(Finding(ALL, found("a")), Finding(ALL, found("a", "b")), False, id="a list that has grown"),
    ],
)
def test_which_reads_are_confirmed(before, now, asked):
    memory = Memory()
    if before is not None:
        memory.note([before], Stated(), left={}, is_same_parent=False)
    assert memory.shrunk([now]) == ([now] if asked else [])


def test_after_an_edit_each_read_waits_once_until_it_is_as_new():
    stub = Stub()
    reads = RunReads(stub, None, 7)
    for _ in range(2):
        reads.get(ONE)
        reads.list(ALL)
    assert stub.awaited == [(7, ONE)]
    assert stub.checked == [(7, ALL)]
    quiet = Stub()
    RunReads(quiet, None, 0).get(ONE)
    RunReads(quiet, None, 0).list(ALL)
    assert quiet.awaited == quiet.checked == []


def at(name, version):
    found = config(name, "shop")
    found["metadata"]["resourceVersion"] = str(version)
    return found


@pytest.mark.parametrize(
    ("server", "cached", "is_new"),
    [
        pytest.param([at("a", 5)], [at("a", 5)], True, id="the same"),
        pytest.param([at("a", 5)], [at("a", 9)], True, id="the cache is ahead"),
        pytest.param([], [at("a", 9)], True, id="created after the edit"),
        pytest.param([], [], True, id="nothing"),
        pytest.param([at("a", 5)], [], False, id="not there yet"),
        pytest.param([at("a", 6)], [at("a", 5)], False, id="an older state"),
        pytest.param([], [at("a", 5)], False, id="not gone yet"),
    ],
)
def test_a_list_of_a_quiet_kind_is_held_against_the_server(monkeypatch, server, cached, is_new):
    monkeypatch.setattr(runreads, "_PATIENCE", 0.0)
    stub = Stub(*server)
    stub.cached, stub.is_quiet = cached, True
    reads = RunReads(stub, None, 7)
    if is_new:
        assert reads.list(ALL) == cached
    else:
        with pytest.raises(gr.NotReadable, match="behind the server"):
            reads.list(ALL)
    assert stub.asked == [ALL]


def test_nothing_is_deleted_for_what_only_the_cache_does_not_have(monkeypatch):
    """The server still has what the function did not find."""

    def function(parent, ctx):
        return [config("output")] if ctx.get("v1/Service", "input") else []

    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "input"}, "spec": {"ports": [{"port": 80}]}}
    with things.cluster(thing()) as fake:
        fake.create(service)
        with fake.run(controller(function)) as run:
            run.settle()
            assert names(fake) == ["output"]
            real = RunReads.get
            monkeypatch.setattr(RunReads, "get", lambda *_, **__: None)
            things.edit(fake, again=1)
            run.advance(seconds=2)
            assert names(fake) == ["output"]
            assert condition(fake, "Reconciling") == ("True", "NotReadable")
            monkeypatch.setattr(RunReads, "get", real)
            run.advance(seconds=10)
            assert condition(fake, "Ready") == ("True", "Reconciled")
            fake.delete("v1/Service", "input")
            run.advance(seconds=2)
            assert names(fake) == []
