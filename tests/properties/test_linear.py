"""R2.6: whoever may write one object stalls nothing: what is done with it grows with its size, and not faster."""

import base64
import gc
import json
import time

import pytest

import genreconcile as gr
from genreconcile import mask
from genreconcile.cluster.answer import status_error
from genreconcile.compare import Comparison, Ours, Policy
from genreconcile.managers import Owners
from genreconcile.mask import fields_of, hiding_answer
from genreconcile.normalize import covering
from genreconcile.objects import GVK
from support.recorded import SCHEMA

HEAD = {"apiVersion": "v1", "kind": "ConfigMap"}
MADE = "2026-01-01T00:00:00Z"
TIMES = 4
MOST = 10
"""Of TIMES the size in so many times the CPU time; a square would take 16 times as much."""
TRIES = 5


def seconds(work):
    """The CPU time, without the collector's: it looks at what all tests before have left."""
    gc.disable()
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        gc.enable()


def growth(make, size):
    """How many times the CPU time TIMES the size takes; measured again where others have disturbed it."""
    few, many = make(size), make(TIMES * size)
    few()  # Whatever is made once.
    for _ in range(TRIES):
        once = max(min(seconds(few) for _ in range(3)), 0.005)
        found = seconds(many) / once
        if found < MOST:
            break
    return found


def live(managed=None, **fields):
    metadata = {"name": "a", "namespace": "d", "uid": "u", "resourceVersion": "1", "creationTimestamp": MADE}
    entry = {"manager": "genreconcile", "operation": "Update", "time": MADE, "fieldsV1": managed or {}}
    return {**HEAD, "metadata": {**metadata, "managedFields": [entry], **fields}}


def finalizers(size):
    names = [f"example.dev/{number}" for number in range(size)]
    owned = {"f:metadata": {"f:finalizers": {".": {}, **{f'v:"{name}"': {} for name in names}}}}
    return {**HEAD, "metadata": {"name": "a", "namespace": "d"}}, live(owned, finalizers=names)


def owner_references(size):
    owners = [{"apiVersion": "v1", "kind": "A", "name": f"a{number}", "uid": f"u{number}"} for number in range(size)]
    owned = {"f:metadata": {"f:ownerReferences": {f'k:{{"uid":"{owner["uid"]}"}}': {} for owner in owners}}}
    return {**HEAD, "metadata": {"name": "a", "namespace": "d"}}, live(owned, ownerReferences=owners)


def node_ports(size):
    """A Service whose node ports somebody has set after it was made."""
    ports = [{"name": f"p{number}", "port": number + 1, "protocol": "TCP"} for number in range(size)]
    there = [{**port, "targetPort": port["port"], "nodePort": 30_000 + port["port"]} for port in ports]
    keys = [f'k:{{"port":{port["port"]},"protocol":"TCP"}}' for port in there]
    found = live({"f:spec": {"f:ports": {key: {"f:nodePort": {}, "f:port": {}} for key in keys}}})
    found["metadata"]["managedFields"][0] |= {"manager": "somebody", "time": "2026-02-01T00:00:00Z"}
    service = {"apiVersion": "v1", "kind": "Service"}
    spec = {"type": "NodePort", "selector": {"a": "b"}}
    expected = {**service, "metadata": {"name": "a", "namespace": "d"}, "spec": {**spec, "ports": ports}}
    return expected, {**found, **service, "spec": {**spec, "ports": there, "clusterIP": "192.0.2.1"}}


@pytest.mark.parametrize("make", [finalizers, owner_references, node_ports])
def test_r2_6_members_with_owners(make):
    policy = Policy(ours=Ours(has_added=lambda _uid, _member: True))

    def compared(size):
        expected, found = make(size)
        gvk = GVK.of(expected)
        node = gr.Registry.builtin().compile(gvk, SCHEMA.root(gvk), expected, has_status=True)
        return lambda: Comparison(node, policy=policy).compare(expected, found)

    assert growth(compared, 500) < MOST


def test_r2_6_the_owners_of_all_members_are_read_once(monkeypatch):
    read = []
    monkeypatch.setattr("genreconcile.managers.loads", lambda text: read.append(text) or json.loads(text))
    _, found = owner_references(50)
    owners = Owners(found)

    for index in range(50):
        assert [owner.manager for owner in owners.of(("metadata", "ownerReferences", index))] == ["genreconcile"]
    assert len(read) == 50


def test_r2_6_a_list_has_few_sets_of_keys():
    fields = {"f:l": {f'k:{{"k{number}":1}}': {} for number in range(100)}}
    owners = Owners({**live(fields), "l": [{f"k{number}": 1} for number in range(100)]})

    assert owners.of(("l", 0))
    assert not owners.managers_of(("l", 99), exact=True)  # It cannot be read.


def secret(size):
    return {"apiVersion": "v1", "kind": "Secret", "data": {f"k {n}": encoded(f"v4lue-{n}") for n in range(size)}}


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def refusal(size):
    """What a server says of ``secret``."""
    causes = [
        {"field": f"data[k {n}]", "reason": "FieldValueInvalid", "message": f'Invalid value: "k {n}": not v4lue-{n}'}
        for n in range(size)
    ]
    message = ", ".join(f"{cause['field']}: {cause['message']}" for cause in causes)
    return {"code": 422, "reason": "Invalid", "message": message, "details": {"causes": causes}}


def test_r2_6_a_secret_that_is_refused_for_all_its_keys():
    def answered(size):
        body, status = json.dumps(secret(size)).encode(), refusal(size)
        hide = hiding_answer("POST", "/api/v1/namespaces/d/secrets", body)
        return lambda: status_error("POST", status, None, hide)

    assert growth(answered, 150) < MOST


def test_r2_6_what_to_hide_is_made_once_for_all_texts(monkeypatch):
    made = []
    forms = mask.text._forms
    monkeypatch.setattr("genreconcile.mask.text._forms", lambda found: made.append(found) or forms(found))
    hide = hiding_answer("POST", "/api/v1/namespaces/d/secrets", json.dumps(secret(20)).encode())

    error = status_error("POST", refusal(20), None, hide)

    assert sorted(made) == sorted(secret(20)["data"].values())
    assert "v4lue" not in f"{error} {error.details}"
    assert "***" in str(error.details)


def test_r2_6_short_secrets_are_found_in_one_look():
    short = {"apiVersion": "v1", "kind": "Secret", "stringData": {f"k{n}": f"{n:04}" for n in range(5000)}}
    started = time.process_time()
    text = mask.mask_text(fields_of(GVK.of(short)), "not 1234, and not 4321: no. " * 50, short)

    assert time.process_time() - started < 10  # As many patterns as secrets took minutes.
    assert "1234" not in text
    assert "4321" not in text


@pytest.mark.parametrize("place", ["top", "container"])
def test_r2_6_unknown_fields_without_number(monkeypatch, place):
    asked = []
    monkeypatch.setattr("difflib.get_close_matches", lambda key, *_, **__: asked.append(key) or ["data"])
    unknown = {f"datum{number}": "v" for number in range(2000)}
    expected = {**HEAD, "metadata": {"name": "a"}, **(unknown if place == "top" else {})}
    if place == "container":
        expected |= {"kind": "Pod", "spec": {"containers": [{"name": "c", **unknown}]}}

    with pytest.raises(gr.InputError) as caught:
        gr.diff(expected, expected, schema=SCHEMA)

    assert len(asked) == 10
    assert "datum0: the schema knows no such field; did you mean data?; " in str(caught.value)
    assert str(caught.value).endswith("; and 1,990 more")
    assert len(str(caught.value)) < 1500
    assert caught.value.path.endswith("datum0")


def test_r2_6_a_long_name_of_an_unknown_field_is_shortened():
    with pytest.raises(gr.InputError) as caught:
        gr.diff({**HEAD, "metadata": {"name": "a"}, "x" * 100_000: 1}, live(), schema=SCHEMA)

    assert len(str(caught.value)) < 500
    assert caught.value.path == "/" + "x" * 100_000


def test_r2_6_many_differences_far_down():
    def nested(size, leaf):
        value = {f"k{number}": leaf for number in range(size)}
        for _ in range(200):
            value = {"a": value}
        return {"apiVersion": "example.dev/v1", "kind": "A", "metadata": {"name": "a"}, "spec": value}

    def compared(size):
        pair = nested(size, "x"), nested(size, "y")
        return lambda: results.append(gr.diff(*pair))

    results = []
    # From 10,000 operations on, which one to write instead of many has to be found.
    assert growth(compared, 2600) < 2 * MOST  # A square of the depth made it fifty times.
    found = results[-1]  # Of 10,400.
    assert [(entry.op, len(entry.path)) for entry in found.differences] == [("replace", 201)]


TOLERATION = {"key": "a", "operator": "Equal", "effect": "NoExecute", "tolerationSeconds": 9}


def test_r2_6_members_that_others_may_cover(monkeypatch):
    looks = []
    monkeypatch.setattr(covering, "COVERING", {"toleration": lambda *_: looks.append(1)})
    here, there = ([{**TOLERATION, "value": f"{side}{n}"} for n in range(2000)] for side in "el")

    assert covering.without_covered([*here, *here, here[0]], there, "toleration") == here
    assert not looks
    assert covering.without_covered(here[:100], there[:10], "toleration") == here[:100]
    assert len(looks) == 1000
