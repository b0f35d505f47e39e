"""The kopf handler, as its author tests it: it is a function, and the Reconciler's cluster is in memory."""

import asyncio

import kopf
import pytest

import genreconcile as gr
from genreconcile.errors import Unreachable
from support.eventually import eventually
from unit.examples import examples

KIND, DEPLOYMENT, SERVICE = "cache.example.com/v1/Memcached", "apps/v1/Deployment", "v1/Service"


@pytest.fixture
def handlers():
    return examples.module("kopf_handlers/handlers.py")


@pytest.fixture
def fake():
    with examples.cluster("kopf_handlers") as fake:
        yield fake


@pytest.fixture
def refused():
    """The path of an object whose creation gets no answer."""
    return []


@pytest.fixture
def keep(fake, handlers, refused, monkeypatch):
    request = fake.request

    def answer(method, path, **more):
        if method == "POST" and path in refused:
            raise Unreachable("no answer")
        return request(method, path, **more)

    monkeypatch.setattr(fake, "request", answer)
    with gr.Reconciler(fake, field_manager="genreconcile-memcached") as reconciler:

        def keep():
            body = kopf.Body(fake.get(KIND, "cache"))
            memo = kopf.Memo(reconciler=reconciler)
            asyncio.run(handlers.keep(body=body, memo=memo, name="cache", namespace="shop"))

        yield keep


def test_the_children_are_those_of_the_memcached_operator(fake, keep):
    keep()
    ours = fake.get(DEPLOYMENT, "cache"), fake.get(SERVICE, "cache")
    with examples.cluster("memcached") as other, other.run(examples.module("memcached/memcached.py").memcached) as run:
        run.settle()
        theirs = other.get(DEPLOYMENT, "cache"), other.get(SERVICE, "cache")
    assert [obj["spec"]["selector"] for obj in ours] == [obj["spec"]["selector"] for obj in theirs]
    assert ours[0]["spec"] == theirs[0]["spec"]


def test_children_refer_to_their_parent_and_go_with_it(fake, keep):
    keep()
    (reference,) = fake.get(DEPLOYMENT, "cache")["metadata"]["ownerReferences"]
    assert reference["uid"] == fake.get(KIND, "cache")["metadata"]["uid"]
    fake.delete(KIND, "cache")
    assert fake.find(DEPLOYMENT) == fake.find(SERVICE) == []


def test_the_next_run_repairs_what_drifted_and_deletes_what_left(fake, keep, handlers, monkeypatch):
    keep()
    fake.patch(DEPLOYMENT, "cache", {"op": "add", "path": "/spec/template/spec/hostNetwork", "value": True})
    fake.patch(KIND, "cache", {"op": "replace", "path": "/spec/size", "value": 5})
    children = handlers.children
    monkeypatch.setattr(handlers, "children", lambda parent: [next(children(parent))])

    def is_repaired():
        """After a later run, where the cache has not seen the change yet: its watches have threads of their own."""
        keep()
        spec = fake.get(DEPLOYMENT, "cache")["spec"]
        return spec["replicas"] == 5 and "hostNetwork" not in spec["template"]["spec"] and not fake.find(SERVICE)

    eventually(is_repaired)


def test_what_may_pass_by_itself_is_tried_again_in_the_time_that_the_result_names(fake, keep, refused):
    refused.append("/api/v1/namespaces/shop/services")
    with pytest.raises(kopf.TemporaryError) as caught:
        keep()
    assert caught.value.delay == 5
    assert fake.get(DEPLOYMENT, "cache")
    refused.clear()
    keep()
    assert fake.get(SERVICE, "cache")


def test_what_does_not_pass_by_itself_fails(fake, keep, handlers, monkeypatch):
    monkeypatch.setattr(
        handlers, "children", lambda _: [{"apiVersion": "v1", "kind": "Nothing", "metadata": {"name": "a"}}]
    )
    with pytest.raises(gr.ApplyFailed, match="Nothing"):
        keep()
