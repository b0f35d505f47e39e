import pytest

import genreconcile as gr
from genreconcile.cache import Store
from genreconcile.cache.transform import Record
from genreconcile.compare import Comparison
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change
from genreconcile.plan.entries import InSync
from genreconcile.plan.insync import InSyncMemory, digest_of, find, is_current
from genreconcile.testing import FakeCluster

TERMS = ("shop", "exact", 1, "")


def record_of(number, version):
    return Record("shop", f"n{number}", f"uid {number}", version, {}, (), deleting=False, data=b"{}")


def verdict_on(store, number, of=b"some content"):
    key, name = ObjectKey("", "Widget", "shop", f"n{number}"), ("shop", f"n{number}")
    return InSync(key, name, Change("none", None, key), None, store, store.get(name), (), {}, (), of)


def content(*parts):
    return digest_of(repr(parts).encode())


def test_a_verdict_holds_for_its_content_its_terms_and_its_record():
    store, memory = Store(), InSyncMemory()
    store.upsert(record_of(1, version=1))
    in_sync = verdict_on(store, 1, content(1))
    memory.note(TERMS, [in_sync])
    assert find(memory.of(TERMS), content(1)) is in_sync
    assert find(memory.of(TERMS), content(2)) is None
    assert find(memory.of(("shop", "subset", 1, "")), content(1)) is None
    store.upsert(record_of(1, version=2))
    assert find(memory.of(TERMS), content(1)) is None


def test_void_verdicts_do_not_add_up():
    """What is expected changes again and again, and so do the objects."""
    store, memory = Store(), InSyncMemory()
    for version in range(1, 300):
        for number in range(100):
            store.upsert(record_of(number, version))
            memory.note(TERMS, [verdict_on(store, number, content(number, version))])
    assert len(memory) <= 4096
    assert all(find(memory.of(TERMS), content(number, 299)) for number in range(100))


def test_new_contents_and_schemas_for_the_same_objects_do_not_add_up():
    """What is expected changes where the object need not, such as by a value that is a default."""
    store, memory = Store(), InSyncMemory()
    for number in range(100):
        store.upsert(record_of(number, version=1))
    for generation in range(300):
        for number in range(100):
            memory.note(("shop", "exact", generation, ""), [verdict_on(store, number, content(number, generation))])
    assert len(memory) <= 4096
    assert all(find(memory.of(("shop", "exact", 299, "")), content(number, 299)) for number in range(100))


def test_verdicts_are_kept_on_as_many_objects_as_there_are():
    store, memory = Store(), InSyncMemory()
    for number in range(20_000):
        store.upsert(record_of(number, version=1))
        memory.note(TERMS, [verdict_on(store, number, content(number))])
    assert len(memory) == 20_000
    assert all(find(memory.of(TERMS), content(number)) for number in range(20_000))
    for number in range(19_900):
        store.delete(("shop", f"n{number}"), f"uid {number}")
    for version in range(2, 500):
        for number in range(19_900, 20_000):
            store.upsert(record_of(number, version))
            memory.note(TERMS, [verdict_on(store, number, content(number, version))])
    assert len(memory) <= 4096


class Watched(dict):
    """The records of a store; ``look`` is called just before one of them is another one, or is gone."""

    look = staticmethod(lambda: None)

    def __setitem__(self, name, record):
        self.look()
        super().__setitem__(name, record)

    def __delitem__(self, name):
        self.look()
        super().__delitem__(name)


@pytest.mark.parametrize("goes", [False, True])
def test_a_verdict_that_is_looked_up_during_a_change_is_looked_up_again(goes):
    """Readers take no lock: what they see just before a change must not count as seen after it."""
    store = Store()
    store._records = records = Watched()
    store.upsert(record_of(1, version=1))
    in_sync = verdict_on(store, 1)
    seen = []
    records.look = lambda: seen.append(is_current(in_sync))
    if goes:
        store.delete(("shop", "n1"), "uid 1", 2)
    else:
        store.upsert(record_of(1, version=2))
    assert seen == [True]
    assert not is_current(in_sync)


def test_a_verdict_holds_while_other_objects_change():
    store = Store()
    store.upsert(record_of(1, version=1))
    in_sync = verdict_on(store, 1)
    for version in (1, 2, 3):
        store.upsert(record_of(2, version))
        assert is_current(in_sync)
    store.delete(("shop", "n2"), "uid 2", 4)
    assert is_current(in_sync)
    store.delete(("shop", "n1"), "uid 1", 5)
    assert not is_current(in_sync)


def test_an_object_that_consults_others_is_compared_once_for_each_change_of_them(monkeypatch):
    """Also while another one of the set is not in sync, so that the last call in which all were is of long ago."""
    pod = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "example.com/c:1"}]}}
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": pod}
    metadata = {"name": "web", "namespace": "default"}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    expected = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "name": "a"}, "data": {"k": "0"}},
    ]
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {"maxReplicas": 9, "scaleTargetRef": target},
    }
    judged = []
    is_clean = Comparison.is_clean

    def noted(self, one, live):
        judged.append(one["kind"])
        return is_clean(self, one, live)

    monkeypatch.setattr(Comparison, "is_clean", noted)
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        for _ in range(3):
            reconciler.plan(expected)
        edited = fake.patch("v1/ConfigMap", "a", {"op": "add", "path": "/data/k", "value": "1"}, namespace="default")
        assert reconciler.plan(expected, not_older_than=edited).counts["update"] == 1
        made = fake.create(autoscaler)
        judged.clear()
        reconciler.plan(expected, not_older_than=made)
        assert "Deployment" in judged
        judged.clear()
        reconciler.plan(expected)
        assert "Deployment" not in judged
