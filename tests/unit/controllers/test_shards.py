"""Programs under the Leases of shards, in threads and in real time: each parent has one that works for it."""

import threading

import pytest

import genreconcile as gr
from genreconcile.controllers.program import Program, program_of
from genreconcile.controllers.shards import Sharded
from genreconcile.election import shard_of
from genreconcile.errors import InputError
from genreconcile.objects import ObjectKey
from support.eventually import LONG, eventually
from unit.controllers import things
from unit.controllers.test_standby import Holding
from unit.controllers.things import config, controller, edit, names, thing

KIND = "coordination.k8s.io/v1/Lease"
NAMES = [f"thing-{number}" for number in range(12)]
TAKEN = {"op": "replace", "path": "/spec/holderIdentity", "value": "somebody else"}


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    eventually(lambda: set(threading.enumerate()) <= before, threading.enumerate)


@pytest.fixture
def fake(_no_thread_is_left):
    with things.cluster(*(thing(name, names=[name]) for name in NAMES)) as fake:
        yield fake


def shard(name, shards=2):
    return shard_of(ObjectKey("example.com", "Thing", "shop", name), shards)


def mine(number, shards=2):
    return {name for name in NAMES if shard(name, shards) == number}


class Seen:
    """A program whose function notes for which parents it was called."""

    def __init__(self, fake, identity, shards=2, function=None, takeover_after=0.0, **settings):
        self.names, self.function = set(), function
        self.lease = gr.Lease(
            "things",
            duration=60,
            renew_deadline=45.0,
            retry_period=0.05,
            shards=shards,
            shard_identity=identity,
            takeover_after=takeover_after,
        )
        self.program = program_of(controller(self.stated, min_interval=0, **settings), cluster=fake, lease=self.lease)

    def stated(self, parent, _):
        self.names.add(parent["metadata"]["name"])
        if self.function is not None:
            self.function(parent)
        for name in parent["spec"]["names"]:
            yield config(name)

    def __enter__(self):
        self.program.start()
        return self

    def __exit__(self, *_):
        self.program.stop()


def holder(fake, number, shards=2):
    return fake.get(KIND, f"things-{number}-of-{shards}")["spec"]["holderIdentity"]


def test_each_works_for_the_parents_of_its_shard(fake):
    with Seen(fake, 0, takeover_after=1000.0) as first, Seen(fake, 1, takeover_after=1000.0) as second:
        eventually(lambda: set(names(fake)) == set(NAMES))
        assert (first.names, second.names) == (mine(0), mine(1))
        assert (first.program.shards, second.program.shards) == ([0], [1])
        assert first.program.is_leading
        assert first.program.is_ready
        for name in NAMES:
            edit(fake, name, names=[f"{name}-b"])
        eventually(lambda: set(names(fake)) == {f"{name}-b" for name in NAMES})
        assert (first.names, second.names) == (mine(0), mine(1))
    assert [holder(fake, number) for number in range(2)] == ["", ""]
    edit(fake, NAMES[0], names=[])
    assert len(names(fake)) == len(NAMES), "nothing is written after the stop"


def test_a_shard_that_nobody_holds_is_taken_over_and_handed_back(fake):
    with Seen(fake, 0) as first:
        eventually(lambda: set(names(fake)) == set(NAMES))
        assert first.names == set(NAMES)
        with Seen(fake, 1, takeover_after=1000.0) as second:
            eventually(lambda: second.program.shards == [1] and first.program.shards == [0])
            first.names.clear()
            for name in NAMES:
                edit(fake, name, names=[f"{name}-b"])
            eventually(lambda: set(names(fake)) == {f"{name}-b" for name in NAMES})
            assert (first.names, second.names) == (mine(0), mine(1))
        eventually(lambda: first.program.shards == [0, 1])
        eventually(lambda: first.names == set(NAMES), "what is gained runs")


def test_who_loses_a_shard_cuts_its_runs_and_goes_on_with_the_others(fake):
    entered, go = threading.Event(), threading.Event()
    lost_one = min(mine(1))

    def wait(parent):
        if parent["metadata"]["name"] == lost_one:
            entered.set()
            go.wait(LONG)

    with Seen(fake, 0, function=wait) as one:
        assert entered.wait(LONG)
        assert one.program.shards == [0, 1]
        lost = one.program._parts[1][0]
        fake.patch(KIND, "things-1-of-2", TAKEN)
        eventually(lambda: one.program.shards == [0])
        eventually(lambda: one.program._parts[1][0] is not lost, "it stands by for the shard")
        go.set()
        assert lost.lost == "the Lease shop/things-1-of-2: lost"
        edit(fake, min(mine(0)), names=["other"])
        eventually(lambda: "other" in names(fake))
        edit(fake, lost_one, names=["never"])
        edit(fake, min(mine(0)), names=["another"])
        eventually(lambda: "another" in names(fake))
        assert not {"never", lost_one} & set(names(fake))


def test_a_shard_is_handed_back_after_its_last_write(fake):
    holding = Holding(fake)
    with Seen(holding, 0, workers=len(NAMES)) as first:
        eventually(lambda: 1 in first.program.shards and first.program._parts[1][1]._writes._begun)
        with Seen(fake, 1, takeover_after=1000.0) as second:
            eventually(first.program._parts[1][0]._ending.is_set, "it is asked for the shard")
            renewed = fake.get(KIND, "things-1-of-2")["spec"]["renewTime"]
            eventually(lambda: fake.get(KIND, "things-1-of-2")["spec"]["renewTime"] > renewed, "it is renewed")
            assert (first.program.shards, second.program.shards) == ([0, 1], [])
            holding.open.set()
            eventually(lambda: (first.program.shards, second.program.shards) == ([0], [1]))


def test_the_workers_of_a_controller_are_those_of_all_its_shards(fake):
    entered, go = [], threading.Event()

    def wait(parent):
        entered.append(parent["metadata"]["name"])
        go.wait(LONG)

    with Seen(fake, 0, shards=3, function=wait, workers=1) as one:
        loops = [part._loops[0] for part, _ in one.program._parts.values()]
        eventually(lambda: all(loop.queue.measures().running for loop in loops), "each shard has given out a key")
        assert len(entered) == 1
        go.set()
        eventually(lambda: set(names(fake)) == set(NAMES))


def test_no_two_numbers_of_shards_are_at_work(fake):
    with Seen(fake, 0, shards=3) as old:
        eventually(lambda: set(names(fake)) == set(NAMES))
        with Seen(fake, 1, shards=2) as new:
            eventually(lambda: new.program.in_the_way)
            assert new.program.in_the_way.endswith("-of-3")
            eventually(lambda: new.program.is_ready)  # Its parents are listed beside the election.
            assert (new.program.shards, new.program.is_ready) == ([], True)
            assert new.names == set()
            old.program.stop()
            eventually(lambda: new.program.shards == [0, 1])
            eventually(lambda: new.names == set(NAMES))
            assert new.program.in_the_way == ""


def stating(value):
    """A function without a file, so that another value is another build."""
    defined = {"config": config}
    body = f"return [config(f\"{{parent['metadata']['name']}}-{{number}}\", k={value!r}) for number in range(4)]"
    exec(f"def function(parent, ctx):\n    {body}\n", defined)  # noqa: S102 - as above
    return defined["function"]


def test_a_build_that_would_change_too_much_is_refused_in_its_shard(fake):
    lease = gr.Lease("things", retry_period=0.05, shards=2, shard_identity=0, takeover_after=0.0)
    with program_of(controller(stating("v")), cluster=fake, lease=lease):
        eventually(lambda: len(names(fake)) == 4 * len(NAMES))
    refused = program_of(controller(stating("other")), cluster=fake, lease=lease)
    ended = threading.Event()
    refused.on_end = ended.set
    with refused:
        assert ended.wait(LONG)
        assert "another build" in refused.refused
    assert all(one["data"] == {"k": "v"} for one in fake.find(things.MAP, namespace="shop"))


def test_a_set_is_in_one_shard_as_a_whole(fake):
    runs = []

    def team(number):
        def stated():
            runs.append(number)
            return [config("team")]

        return gr.callable(stated, name="team", namespace="shop")

    def sharded(number):
        lease = gr.Lease("things", retry_period=0.05, shards=2, shard_identity=number, takeover_after=1000.0)
        return program_of(controller(lambda *_: []), team(number), cluster=fake, lease=lease)

    with sharded(0) as first, sharded(1) as second:
        eventually(lambda: (first.shards, second.shards) == ([0], [1]))
        eventually(lambda: names(fake) == ["team"])
        assert set(runs) == {shard_of(ObjectKey("", "", "", "team"), 2)}


def test_what_cannot_be_divided_is_refused(fake):
    lease = gr.Lease("things", shards=2, shard_identity=0)
    with pytest.raises(InputError, match="without a controller"):
        program_of(gr.callable(list, name="team"), cluster=fake, lease=lease)
    with pytest.raises(InputError, match="--shard-identity"):
        program_of(controller(lambda *_: []), cluster=fake, lease=gr.Lease("things", shards=2))


def test_without_shards_it_is_one_program(fake):
    assert isinstance(program_of(controller(lambda *_: []), cluster=fake), Program)
    lease = gr.Lease("things", shards=1, shard_identity=0)
    assert isinstance(program_of(controller(lambda *_: []), cluster=fake, lease=lease), Sharded)
