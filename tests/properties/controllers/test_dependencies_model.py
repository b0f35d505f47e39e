"""The index beside a model that looks at all parents: both wake the same ones, whatever is read and changes."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from genreconcile.cache.scope import Scope
from genreconcile.cache.store import Store
from genreconcile.cache.subscribers import Subscribers
from genreconcile.cache.transform import read
from genreconcile.controllers.dependencies import Dependencies
from genreconcile.controllers.reads import Read
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from genreconcile.selector import parse

KINDS = [GVK("", "v1", "ConfigMap"), GVK("apps", "v1", "Deployment")]
RESOURCES = {kind: Resource(kind, kind.kind.lower(), namespaced=True, verbs=frozenset()) for kind in KINDS}
PLACES, NAMES = ["one", "two"], ["a", "b"]
SELECTORS = ["", "x=1", "x=2", "x=1,y=1", "x in (1,2)", "x in (1,2),y in (1,2)", "x!=1", "x", "!x", "x=1,x=2"]
FIELDS = [(), ("/spec/a",), ("/spec/b", "/metadata/labels")]

parents = st.integers(0, 3)
kinds, places, names = map(st.sampled_from, (KINDS, PLACES, NAMES))
fields = st.sampled_from(FIELDS)
objects = st.builds(Read, kinds, places, names, fields=fields)
lists = st.builds(
    Read, kinds, st.sampled_from(["", *PLACES]), selector=st.sampled_from([*map(parse, SELECTORS)]), fields=fields
)
reads = st.lists(objects | lists, max_size=4)
labels = st.fixed_dictionaries({}, optional={key: st.sampled_from(["1", "2"]) for key in "xy"})
specs = st.fixed_dictionaries({}, optional={key: st.integers(0, 1) for key in "abc"})


class Changes(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.index = Dependencies()
        self.model = {}
        self.stores = {kind: Store() for kind in KINDS}
        self.live = {}
        self.version = 0
        self.woken = set()
        self.subscribers = Subscribers()
        self.subscribers.add(lambda event: self.woken.update(self.index.woken(event)))

    @rule(parent=parents, reads=reads)
    def replace(self, parent, reads):
        self.index.replace(parent, reads)
        self.model[parent] = set(reads)

    @rule(parent=parents, reads=reads)
    def add(self, parent, reads):
        self.index.add(parent, reads)
        self.model.setdefault(parent, set()).update(reads)

    @rule(parent=parents)
    def drop(self, parent):
        self.index.drop(parent)
        self.model.pop(parent, None)

    @rule(key=st.tuples(kinds, places, names), labels=labels, spec=specs, is_anew=st.booleans())
    def put(self, key, labels, spec, is_anew):
        self.version += 1
        kind, place, name = key
        old = self.live.get(key)
        uid = old["metadata"]["uid"] if old and not is_anew else f"uid-{self.version}"
        metadata = {"name": name, "namespace": place, "uid": uid, "labels": labels}
        obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}
        self.live[key] = obj
        versioned = {**obj, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        self.tell(kind, self.stores[kind].upsert(read(json.dumps(versioned).encode(), kind)))
        assert self.woken == self.expected(key, old, obj)

    @rule(kind=kinds, place=places, name=names)
    def delete(self, kind, place, name):
        old = self.live.pop((kind, place, name), None)
        if old is not None:
            self.tell(kind, self.stores[kind].delete((place, name), old["metadata"]["uid"]))
            assert self.woken == self.expected((kind, place, name), old, None)

    def tell(self, kind, deltas):
        self.woken.clear()
        self.subscribers.notify(RESOURCES[kind], deltas)

    def expected(self, key, old, new):
        return {parent for parent, reads in self.model.items() if any(differs(read, key, old, new) for read in reads)}

    @invariant()
    def reads_are_those_of_the_model(self):
        model = {parent: reads for parent, reads in self.model.items() if reads}
        assert all(self.index.reads_of(parent) == self.model.get(parent, set()) for parent in range(4))
        every = {read for reads in model.values() for read in reads}
        assert set(self.index.kinds()) == {read.kind for read in every}
        assert self.index.places() == {(read.kind, read.namespace) for read in every}
        assert len(self.index) == len(model)
        for kind in KINDS:
            for scope in [Scope(), Scope("one"), Scope("two", "a")]:
                found = {parent for parent in model if any(is_touched(scope, read, kind) for read in model[parent])}
                assert self.index.readers_in(kind, scope) == found
        assert set(self.index._readers) == every


def is_touched(scope, read, kind):
    """Whether an object that the read may have found can be in the scope."""
    every = [(place, name) for place in PLACES for name in NAMES]
    return read.kind == kind and any(
        read.namespace in {place, ""} and read.name in {name, ""} and scope.holds(place, name) for place, name in every
    )


def differs(read, key, old, new):
    """Whether the answer of a read is another one."""
    kind, place, name = key
    if read.kind != kind or read.namespace not in {place, *([] if read.name else [""])} or read.name not in {"", name}:
        return False
    before, after = (answer(read, obj) for obj in (old, new))
    return before != after


def answer(read, obj):
    """What a run can know of the object by this read, None where it is not there."""
    if obj is None or not read.selector.matches(obj["metadata"]["labels"]):
        return None
    seen = {
        "/spec/a": obj["spec"].get("a"),
        "/spec/b": obj["spec"].get("b"),
        "/metadata/labels": obj["metadata"]["labels"],
    }
    return obj["metadata"]["uid"], [seen[field] for field in read.fields] if read.fields else obj


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=100, stateful_step_count=30)
