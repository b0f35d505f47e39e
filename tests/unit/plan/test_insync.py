from genreconcile.cache import Store
from genreconcile.cache.transform import Record
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change
from genreconcile.plan.entries import InSync
from genreconcile.plan.insync import InSyncMemory, digest_of

TERMS = ("shop", "exact", 1, "")


def record_of(number, version):
    return Record("shop", f"n{number}", f"uid {number}", version, {}, (), deleting=False, data=b"{}")


def verdict_on(store, number):
    key, name = ObjectKey("", "Widget", "shop", f"n{number}"), ("shop", f"n{number}")
    return InSync(key, name, Change("none", None, key), None, store, store.get(name), (), {}, ())


def content(*parts):
    return digest_of(repr(parts).encode())


def test_a_verdict_holds_for_its_content_its_terms_and_its_record():
    store, memory = Store(), InSyncMemory()
    store.upsert(record_of(1, version=1))
    in_sync = verdict_on(store, 1)
    memory.note(content(1), TERMS, in_sync)
    assert memory.find(content(1), TERMS) is in_sync
    assert memory.find(content(2), TERMS) is None
    assert memory.find(content(1), ("shop", "subset", 1, "")) is None
    store.upsert(record_of(1, version=2))
    assert memory.find(content(1), TERMS) is None


def test_void_verdicts_do_not_add_up():
    """What is expected changes again and again, and so do the objects."""
    store, memory = Store(), InSyncMemory()
    for version in range(1, 300):
        for number in range(100):
            store.upsert(record_of(number, version))
            memory.note(content(number, version), TERMS, verdict_on(store, number))
    assert len(memory) <= 4096
    assert all(memory.find(content(number, 299), TERMS) for number in range(100))


def test_new_contents_and_schemas_for_the_same_objects_do_not_add_up():
    """What is expected changes where the object need not, such as by a value that is a default."""
    store, memory = Store(), InSyncMemory()
    for number in range(100):
        store.upsert(record_of(number, version=1))
    for generation in range(300):
        for number in range(100):
            memory.note(content(number, generation), ("shop", "exact", generation, ""), verdict_on(store, number))
    assert len(memory) <= 4096
    assert all(memory.find(content(number, 299), ("shop", "exact", 299, "")) for number in range(100))


def test_verdicts_are_kept_on_as_many_objects_as_there_are():
    store, memory = Store(), InSyncMemory()
    for number in range(20_000):
        store.upsert(record_of(number, version=1))
        memory.note(content(number), TERMS, verdict_on(store, number))
    assert len(memory) == 20_000
    assert all(memory.find(content(number), TERMS) for number in range(20_000))
    for number in range(19_900):
        store.delete(("shop", f"n{number}"), f"uid {number}")
    for version in range(2, 500):
        for number in range(19_900, 20_000):
            store.upsert(record_of(number, version))
            memory.note(content(number, version), TERMS, verdict_on(store, number))
    assert len(memory) <= 4096
