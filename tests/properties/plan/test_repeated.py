"""A plan that remembers those before it is the plan of somebody who remembers nothing."""

import hypothesis
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.errors import NotFound
from genreconcile.testing import FakeCluster

NAMES = "abcdef"
KIND, NAMESPACE = "v1/ConfigMap", "default"

values = st.sampled_from(["0", "1", "2"])
names = st.sampled_from(NAMES)
live_edits = st.tuples(st.just("edit"), names, values, st.sampled_from("kx"))
live_deletions = st.tuples(st.just("delete"), names)
expected_edits = st.tuples(st.just("expect"), names, values)
calls = st.tuples(st.just("call"), st.lists(names, max_size=7))
orders = st.tuples(st.just("call"), st.permutations(NAMES))
policies = st.tuples(st.just("policy"), st.sampled_from(["exact", "subset"]))
repairs = st.tuples(st.just("repair"))
repetitions = st.tuples(st.just("again"))
steps = st.lists(
    st.one_of(live_edits, live_deletions, expected_edits, calls, orders, policies, repairs, repetitions), max_size=14
)


def config_map(name, value):
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": value}}


def said(plan):
    """All that a plan says."""
    changes = [(change.operation, change.key, change.writes, change.reason) for change in plan]
    return changes, [change.key for change in plan.unchanged], plan.order, plan.warnings


def planned(reconciler, expected, **settings):
    """What the plan says, or the refusal."""
    try:
        return said(reconciler.plan(expected, **settings))
    except gr.LoadError as error:
        return str(error)


class World:
    """A cluster, what is expected, and somebody who remembers."""

    def __init__(self, fake, reconciler):
        self.fake = fake
        self.reconciler = reconciler
        self.expected = {name: config_map(name, "0") for name in NAMES}
        self.called = list(NAMES)
        self.now = None
        self.fields = "exact"
        self.whole = 0

    @property
    def set(self):
        return [self.expected[name] for name in self.called]

    @property
    def settings(self):
        return {"not_older_than": self.now, "fields": self.fields}

    def edit(self, name, value, key="k"):
        try:
            operation = {"op": "add", "path": f"/data/{key}", "value": value}
            self.now = self.fake.patch(KIND, name, operation, namespace=NAMESPACE)
        except NotFound:
            self.now = self.fake.create(config_map(name, value))

    def delete(self, name):
        try:
            self.fake.delete(KIND, name, namespace=NAMESPACE)
        except NotFound:
            return
        self.edit("marker", str(self.now))  # A deletion has no version that a caller could wait for.

    def expect(self, name, value):
        self.expected[name] = config_map(name, value)

    def call(self, called):
        self.called = called

    def policy(self, fields):
        self.fields = fields

    def repair(self):
        if len(set(self.called)) == len(self.called):
            self.reconciler.reconcile(self.set, **self.settings).raise_for_failures()

    def again(self):
        pass

    def check(self):
        found = planned(self.reconciler, self.set, **self.settings)
        self.whole += type(found) is tuple and not found[0] and bool(found[1])
        with gr.Reconciler(self.fake, cache=self.reconciler.cache) as other:
            assert found == planned(other, self.set, **self.settings)


@hypothesis.settings(deadline=None)
@hypothesis.given(steps)
@hypothesis.example([("edit", "a", "0", "x"), ("policy", "subset"), ("again",), ("policy", "exact")])
@hypothesis.example([("call", list(NAMES[:3])), ("call", list(NAMES)), ("call", list(NAMES[::-1]))])
def test_plans_in_turn_are_those_of_somebody_new(taken):
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        world = World(fake, reconciler)
        world.repair()
        for name, *arguments in [("again",), *taken]:
            getattr(world, name)(*arguments)
            world.check()
        assert world.whole, "no plan had all in sync"
