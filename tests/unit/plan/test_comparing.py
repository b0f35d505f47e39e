"""A fault that nobody thought of, while one object is judged, is that object's error and ends no plan."""

from types import SimpleNamespace

import pytest

from genreconcile.cache.related import Related, View
from genreconcile.engine import Engine
from genreconcile.errors import ClusterError, LoadError
from genreconcile.kinds.discovery import Resource
from genreconcile.memory.learned import Learned
from genreconcile.normalize import Registry
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan.comparing import DraftComparer
from genreconcile.plan.draft import Draft
from genreconcile.plan.fresh import Fresh
from genreconcile.settings import Options

CANARY = "canary-in-an-exception"
GOOD, BAD = (Resource(GVK("example.dev", "v1", kind), kind.lower() + "s", namespaced=True) for kind in ("Good", "Bad"))


class Kinds:
    """Of the bad kind it cannot tell anything; the other one is still to come."""

    def __init__(self, fault):
        self.fault = fault

    def is_pending(self, resource):
        if resource is BAD:
            raise self.fault
        return True


def judge_with(fault):
    cache = SimpleNamespace(covers=lambda _: True, namespaces=None)
    catalog = SimpleNamespace(rules=Registry.builtin())
    engine = Engine(None, catalog, cache, Learned(), Related(cache), Options())
    draft = Draft(cache, catalog, View(engine.related), ("", "exact", 0, ""))
    return DraftComparer(engine, Kinds(fault), draft)


def fresh(resource, **content):
    key = ObjectKey("example.dev", resource.gvk.kind, "shop", "a")
    metadata = {"name": "a", "namespace": "shop"}
    obj = {"apiVersion": "example.dev/v1", "kind": resource.gvk.kind, "metadata": metadata, **content}
    entry = Fresh(obj, "expected[0]", b"")
    entry.resource, entry.key = resource, key
    return entry


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (ZeroDivisionError(CANARY), "not compared: ZeroDivisionError; see the log"),
        (RecursionError(CANARY), "not compared: it is nested too deeply; see the log"),
        (KeyError(CANARY), "not compared: KeyError; see the log"),
    ],
)
def test_a_fault_while_one_object_is_judged_is_its_error(fault, cause, caplog):
    judge = judge_with(fault)
    changes = [judge.change(fresh(resource)) for resource in (GOOD, BAD, GOOD)]
    assert [change.operation for change in changes] == ["create", "none", "create"]
    assert [change.error is None for change in changes] == [True, False, True]
    assert str(changes[1].error) == f"Bad.example.dev shop/a: {cause}"
    assert changes[1].key.kind == "Bad"
    assert "Bad.example.dev shop/a: not compared" in caplog.text
    assert "is_pending" in caplog.text, "the log shows where it happened"
    assert CANARY not in caplog.text + str(changes[1].error)


def test_an_error_that_was_thought_of_is_kept():
    change = judge_with(ClusterError("the server is away")).change(fresh(BAD))
    assert str(change.error) == "the server is away"


def test_an_object_that_is_no_data_ends_the_plan():
    """Nothing was written yet, and the set cannot be read."""
    with pytest.raises(LoadError):
        judge_with(ZeroDivisionError()).change(fresh(GOOD, spec={"a": object()}))
