"""The kinds of the recorded documents, and the way of an object through the functions of ``builtin``."""

import pytest

from genreconcile.testing.fake.builtin import strategy
from genreconcile.testing.fake.builtin.decode import decoded
from genreconcile.testing.fake.builtin.defaults import defaulted
from genreconcile.testing.fake.kinds import Kind, built_in

KINDS = {kind.kind: kind for kind in built_in() if kind.version != "watch"}
CUSTOM = Kind("example.com", "v1", "Widget", "widgets", namespaced=True, has_status=True, defines="widgets.example.com")
UID = "00000000-0000-4000-8000-000000000001"
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def kinds():
    return {**KINDS, "Widget": CUSTOM}


@pytest.fixture
def make(kinds):
    """``make(name, **body)``: the object as a create stores it."""

    def make(name, metadata=None, **body):
        kind = kinds[name]
        obj = {"apiVersion": kind.api_version, "kind": name, "metadata": {"name": "x", **(metadata or {})}, **body}
        found = strategy.prepared(decoded(obj, kind).obj, kind)
        found["metadata"] |= {"namespace": "ns", "uid": UID, "creationTimestamp": NOW}
        return defaulted(found, kind)

    return make
