"""What the functions of ``fake/builtin`` make of an object, and what a real API server makes of it.

Objects are those of the conformance templates, each variant, and random parts of them. They are dry runs: what a real
create answers beyond that is what storing does, which is held against the server in ``test_stored_as_well``.
"""

import contextlib
import copy
import json
import os
import random
import re

import pytest

from genreconcile.testing.fake.builtin import strategy
from genreconcile.testing.fake.builtin.allocation import Allocations
from genreconcile.testing.fake.builtin.decode import decoded, parsed
from genreconcile.testing.fake.builtin.defaults import defaulted
from genreconcile.testing.fake.builtin.quantity import QuantityError, canonical
from genreconcile.testing.fake.builtin.scalars import ZEROS
from genreconcile.testing.fake.builtin.types import root_of
from genreconcile.testing.fake.kinds import built_in
from genreconcile.testing.fake.wire import Refusal
from kind.conformance.library import expected
from kind.conformance.shapes import difference
from kind.conformance.suite import Suite
from kind.raw_requests import collection, raw_requests

KINDS = {kind.kind: kind for kind in reversed(built_in()) if kind.version != "watch"}
"""By name; of the two groups that have an Event, the core one."""
VOLATILE = ("uid", "creationTimestamp", "resourceVersion", "managedFields")
PARTS = int(os.environ.get("GENRECONCILE_PARTS", "20"))
SEED = os.environ.get("GENRECONCILE_PARTS_SEED", "")
"""So many random parts of the templates of each kind are tried, and others with another seed."""
CHANCES = (0.02, 0.1, 0.3)
"""How likely it is that a part lacks a field."""


@pytest.fixture(scope="module")
def raw(control_plane):
    with raw_requests(control_plane) as raw:
        yield raw


@pytest.fixture(scope="module")
def suite(control_plane):
    return Suite(control_plane.kubeconfig)


def templates(suite, kind, namespace):
    resource = next(
        one for one in suite.resources([kind.kind]) if (one.gvk.group, one.gvk.version) == (kind.group, kind.version)
    )
    root, _ = suite.catalog.node(resource, {})
    return expected(resource, root, namespace if kind.namespaced else "", suite.minor)


def part(obj, type_, dice, chance, path=()):
    """The object without some of its fields, each of them with this chance; those that it needs seldom."""
    if type_.shape == "object" and isinstance(obj, dict):
        kept = {}
        for name, value in obj.items():
            is_head = path == () and name in {"apiVersion", "kind", "metadata"}
            is_needed = name in type_.required or name in {"selector", "labels", "containers", "template", "spec"}
            if is_head or dice.random() > (chance / 10 if is_needed else chance):
                field = type_.fields.get(name)
                kept[name] = value if is_head or field is None else part(value, field.type, dice, chance, (*path, name))
        return kept
    if type_.shape == "list" and isinstance(obj, list) and type_.items is not None:
        return [part(entry, type_.items, dice, chance, path) for entry in obj if dice.random() > chance / 2]
    return obj


def made(obj, kind, metadata, allocations):
    """What the fake makes of an object, with what is the server's own in its metadata."""
    found = strategy.prepared(decoded(copy.deepcopy(obj), kind).obj, kind)
    found["metadata"] |= {
        name: metadata[name] for name in ("uid", "creationTimestamp", "namespace") if name in metadata
    }
    found = defaulted(found, kind)
    strategy.check_new(found, kind)
    return allocations.allot(found, kind)


def steady(obj):
    """Without what is another one each time."""
    obj = copy.deepcopy(obj)
    obj["metadata"] = {name: value for name, value in obj["metadata"].items() if name not in VOLATILE}
    text = re.sub(r"kube-api-access-\w{5}", "kube-api-access-", json.dumps(obj))
    return json.loads(text)


def allotted(obj):
    """With a word for each address and port that the server chooses."""
    spec = obj.get("spec", {})
    if spec.get("clusterIP", "None") != "None":
        obj["spec"] |= {"clusterIP": "an address", "clusterIPs": ["an address"]}
    for port in spec.get("ports") or ():
        port.update({"nodePort": "a port"} if "nodePort" in port else {})
    spec.update({"healthCheckNodePort": "a port"} if "healthCheckNodePort" in spec else {})
    return obj


def shown(obj, kind):
    return allotted(steady(obj)) if kind.kind == "Service" else steady(obj)


@pytest.mark.parametrize("name", KINDS)
def test_an_object_becomes_what_the_server_makes_of_it(raw, suite, namespace, name):
    kind, dice = KINDS[name], random.Random(name + SEED)  # noqa: S311 - no secret
    objects = templates(suite, kind, namespace)
    variants = list(objects.values())
    parts = [part(dice.choice(variants), root_of(kind), dice, dice.choice(CHANCES)) for _ in range(PARTS)]
    taken, wrong = 0, []
    for number, obj in enumerate([*variants, *parts]):
        answer = raw.request("POST", f"{collection(kind, namespace)}?dryRun=All", obj)
        if answer["kind"] == "Status":
            assert number >= len(variants), answer["message"]
            with contextlib.suppress(Refusal):  # Anything else would be a fault.
                made(obj, kind, {"namespace": namespace}, Allocations())
            continue
        taken += 1
        found = shown(made(obj, kind, answer["metadata"], Allocations()), kind)
        allocations = Allocations()
        allocations.take(answer, kind)
        assert changed_to(answer, answer, kind, allocations) == answer, "written again it is the same"
        if paths := difference(shown(answer, kind), found):
            wrong.append((paths, obj))
    print(f"{name}: {taken - len(wrong)} of {taken} the same")
    assert wrong == []
    assert taken >= len(variants)


@pytest.mark.parametrize("name", ["ConfigMap", "Role", "Event", "LimitRange", "EndpointSlice", "NetworkPolicy"])
def test_stored_as_well(raw, suite, namespace, name):
    kind = KINDS[name]
    for obj in templates(suite, kind, namespace).values():
        answer = raw.request("POST", collection(kind, namespace), obj)
        assert answer["kind"] != "Status", answer
        found = made(obj, kind, answer["metadata"], Allocations())
        assert difference(steady(answer), steady(found)) == []
        place = f"{collection(kind, namespace)}/{obj['metadata']['name']}"
        live = raw.request("GET", place)
        assert difference(steady(live), steady(found)) == []


def deployment(**over):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"selector": {"matchLabels": {"a": "b"}}, "template": template, **over}


def with_container(**over):
    return deployment(
        template={"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i", **over}]}}
    )


LONG = "x" * 64
REFUSED = [
    ("Deployment", {}, {"spec": deployment(replicas="3")}),
    ("Deployment", {}, {"spec": deployment(replicas=3.5)}),
    ("Deployment", {}, {"spec": deployment(replicas=2**33)}),
    ("Deployment", {}, {"spec": deployment(paused="true")}),
    ("Deployment", {}, {"spec": deployment(template=[])}),
    ("Deployment", {}, {"spec": 3}),
    ("Deployment", {}, {"spec": with_container(name=3)}),
    ("Deployment", {}, {"spec": with_container(imagePullPolicy=3)}),
    ("Deployment", {}, {"spec": with_container(ports=[{"containerPort": "80"}])}),
    ("Deployment", {}, {"spec": with_container(resources={"limits": {"cpu": "abc"}})}),
    ("Deployment", {}, {"spec": with_container(ports={})}),
    ("Deployment", {}, {"spec": with_container(ports=["a"])}),
    ("Deployment", {}, {"spec": with_container(securityContext={"capabilities": {"add": [1]}})}),
    ("Deployment", {}, {"spec": deployment(strategy={"rollingUpdate": {"maxSurge": True}})}),
    ("Deployment", {}, {"spec": deployment(strategy={"rollingUpdate": {"maxSurge": 1.5}})}),
    ("ConfigMap", {"labels": {"a": 1}}, {}),
    ("ConfigMap", {"labels": ["a"]}, {}),
    ("ConfigMap", {"creationTimestamp": "abc"}, {}),
    ("ConfigMap", {"creationTimestamp": 3}, {}),
    ("ConfigMap", {"ownerReferences": [{"uid": 3}]}, {}),
    ("ConfigMap", {}, {"binaryData": {"c": "eA"}}),
    ("ConfigMap", {}, {"binaryData": {"c": 3}}),
    ("Lease", {}, {"spec": {"renewTime": "2030-01-01T00:00:00Z"}}),
    ("Event", {}, {"involvedObject": {}, "firstTimestamp": "2030-01-01 00:00:00Z"}),
    ("ConfigMap", {"name": ""}, {}),
    ("ConfigMap", {"name": "A"}, {}),
    ("ConfigMap", {"name": "a" * 254}, {}),
    ("ConfigMap", {"labels": {"a b": "c"}}, {}),
    ("ConfigMap", {"labels": {"a": "c d"}}, {}),
    ("ConfigMap", {"labels": {"a": LONG}}, {}),
    ("ConfigMap", {"labels": {LONG: "a"}}, {}),
    ("ConfigMap", {"labels": {"x/y/z": "c"}}, {}),
    ("ConfigMap", {"labels": {"A.B/": "c"}}, {}),
    ("ConfigMap", {"labels": {"": "c"}}, {}),
    ("ConfigMap", {"annotations": {"a b": "c"}}, {}),
    ("ConfigMap", {"finalizers": ["x"]}, {}),
    ("ConfigMap", {"finalizers": ["a b/c"]}, {}),
    ("ConfigMap", {"ownerReferences": [{"apiVersion": "", "kind": "", "name": "", "uid": ""}]}, {}),
    ("ConfigMap", {}, {"data": {"a/b": "c"}}),
    ("ConfigMap", {}, {"data": {"..": "c"}}),
    ("ConfigMap", {}, {"data": {"": "c"}}),
    ("Secret", {}, {"data": {"a b": "eA=="}}),
    ("Service", {"name": "a.b"}, {"spec": {"ports": [{"port": 80}]}}),
    ("Service", {"name": LONG}, {"spec": {"ports": [{"port": 80}]}}),
    ("Namespace", {"name": "a.b"}, {}),
    ("Deployment", {"name": "D"}, {"spec": deployment()}),
    ("Deployment", {}, {"spec": deployment(replicas=-1)}),
    ("Deployment", {}, {"spec": deployment(selector={"matchLabels": {"a": "c"}})}),
    ("Deployment", {}, {"spec": deployment(selector={})}),
    ("Deployment", {}, {"spec": with_container(name="")}),
    ("Deployment", {}, {"spec": with_container(name="C_")}),
    ("Deployment", {}, {"spec": with_container(image="")}),
    ("Deployment", {}, {"spec": with_container(imagePullPolicy="x")}),
    ("Deployment", {}, {"spec": with_container(ports=[{"containerPort": 0}, {"containerPort": 99999}, {}])}),
    ("Deployment", {}, {"spec": with_container(env=[{"name": ""}])}),
    ("Deployment", {}, {"spec": with_container(volumeMounts=[{"name": "v", "mountPath": "/a"}])}),
    ("Service", {}, {"spec": {}}),
    ("Service", {}, {"spec": {"ports": [{"port": 80}, {"port": 81}]}}),
    ("Service", {}, {"spec": {"ports": [{}]}}),
    ("Service", {}, {"spec": {"type": "X", "ports": [{"port": 70000}]}}),
    ("RoleBinding", {}, {"roleRef": {}}),
]


@pytest.mark.parametrize(("name", "metadata", "body"), REFUSED)
def test_an_object_is_refused_in_the_same_words(raw, namespace, name, metadata, body):
    kind = KINDS[name]
    obj = {"apiVersion": kind.api_version, "kind": name, "metadata": {"name": "x", **metadata}, **body}
    answer = raw.request("POST", f"{collection(kind, namespace)}?dryRun=All", obj)
    with pytest.raises(Refusal) as refusal:
        made(obj, kind, {"namespace": namespace}, Allocations())
    assert told(refusal.value.status) == told(answer)


def told(status):
    """What a refusal says; the server's order of several causes is its own."""
    details = status.get("details") or {}
    causes = sorted(details.get("causes", ()), key=lambda cause: (cause.get("field", ""), cause["message"]))
    message = status.get("message") if len(causes) < 2 else None
    return {"code": status["code"], "reason": status.get("reason"), "message": message, **details, "causes": causes}


def service(name, **spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}], **spec},
    }


def ports(*numbers):
    return [{"name": f"p{at}", "port": 80 + at, "nodePort": number} for at, number in enumerate(numbers)]


TAKEN = [
    {"type": "NodePort", "ports": ports(30017)},
    {"type": "NodePort", "ports": ports(3)},
    {"type": "NodePort", "ports": ports(30018, 30018)},
    {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30017},
    {"clusterIP": "1.2.3.4"},
    {"clusterIP": "abc"},
    {"clusterIP": "taken"},
]


@pytest.mark.parametrize("spec", TAKEN)
def test_what_is_taken_is_refused_in_the_same_words(raw, namespace, spec):
    """No dry runs, for those are not held against the ranges."""
    kind, path = KINDS["Service"], collection(KINDS["Service"], namespace)
    holder = raw.request("POST", path, service("holder", type="NodePort", ports=ports(30017)))
    allocations = Allocations()
    allocations.take(holder, kind)
    if spec.get("clusterIP") == "taken":
        spec = {"clusterIP": holder["spec"]["clusterIP"]}
    try:
        answer = raw.request("POST", path, service("x", **spec))
        with pytest.raises(Refusal) as refusal:
            made(service("x", **spec), kind, {"namespace": namespace}, allocations)
        assert told(refusal.value.status) == told(answer)
    finally:
        raw.request("DELETE", f"{path}/holder")


def hollow(type_, depth=0, *, with_zeros):
    """A value with every field of a type, and nothing in them."""
    if type_.shape == "list":
        return [hollow(type_.items, depth, with_zeros=with_zeros)]
    if type_.shape != "object" or depth > 3:
        return {} if type_.shape in {"object", "map", "any"} else ZEROS.get(type_.shape)
    is_wanted = {"object", "list"} | (set(ZEROS) if with_zeros else set())
    fields = {name: field.type for name, field in type_.fields.items() if field.type.shape in is_wanted}
    return {name: hollow(inner, depth + 1, with_zeros=with_zeros) for name, inner in fields.items()}


@pytest.mark.parametrize("with_zeros", [True, False])
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.has_status])
def test_a_status_is_written_as_the_server_writes_it(raw, suite, namespace, name, with_zeros):
    """With all fields at once, or each by itself where they do not go together."""
    kind = KINDS[name]
    path = collection(kind, namespace)
    obj = templates(suite, kind, namespace)["minimal"]
    raw.request("POST", path, obj)
    live = raw.request("GET", f"{path}/{obj['metadata']['name']}")  # Some stay a while after the other case.
    assert live["kind"] != "Status", live
    place, whole = (
        f"{path}/{obj['metadata']['name']}",
        hollow(root_of(kind).fields["status"].type, with_zeros=with_zeros),
    )
    try:
        for status in [whole, *({name: value} for name, value in whole.items())]:
            wanted = {**live, "status": status}
            answer = raw.request("PUT", f"{place}/status?dryRun=All", wanted)
            if answer["kind"] != "Status":
                found = strategy.updated(decoded(wanted, kind).obj, live, kind, "status")
                found = strategy.updated(defaulted(found, kind, is_new=False), live, kind, "status")
                assert difference(steady(answer), steady(found)) == []
    finally:
        raw.request("DELETE", place)


def test_unknown_and_duplicate_fields_are_told_as_the_server_tells_them(raw, namespace):
    kind = KINDS["Deployment"]
    text = json.dumps(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": with_container()}
    )
    text = text.replace('"name": "c"', '"name": "c", "name": "c", "foo": {"a": 1}')
    text = text.replace('"selector"', '"replicas": 1, "replicas": 2, "bar": 1, "selector"')
    answer = raw.request("POST", f"{collection(kind, namespace)}?dryRun=All&fieldValidation=Strict", text.encode())
    found = decoded(parsed(text.encode()), kind)
    with pytest.raises(Refusal) as refusal:
        found.require_strict(kind)
    assert told(refusal.value.status) == told(answer)
    assert set(found.unknown) == {"spec.bar", "spec.template.spec.containers[0].foo"}
    assert set(found.duplicate) == {"spec.replicas", "spec.template.spec.containers[0].name"}


def quantities():
    dice = random.Random(5)  # noqa: S311 - no secret
    numbers = [0, 1, 100, 1000, 1024, 2048, 10**18, dice.randrange(5000), dice.randrange(10**9), dice.randrange(10**21)]
    endings = ["", ".", ".5", ".000", f".{dice.randrange(10**6)}", f".000{dice.randrange(10**8)}"]
    suffixes = [*"numkMGTPE", "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E2", "e-2", "e+5", "x", "e"]
    return [
        f"{dice.choice(['', '', '0', '+'])}{dice.choice(numbers)}{dice.choice(endings)}{dice.choice(suffixes)}"
        for _ in range(300)
    ]


def test_quantities_are_written_as_the_server_writes_them(raw, namespace):
    kind = KINDS["LimitRange"]
    wrong, compared = [], 0
    for text in quantities():
        limits = [{"type": "Pod", "max": {"cpu": text}}]
        obj = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "x"}, "spec": {"limits": limits}}
        answer = raw.request("POST", f"{collection(kind, namespace)}?dryRun=All", obj)
        if answer.get("code") == 422:
            continue
        compared += 1
        told = answer["spec"]["limits"][0]["max"]["cpu"] if "spec" in answer else answer["message"].rpartition(": ")[2]
        try:
            found = canonical(text, milli=True)
        except QuantityError as error:
            found = str(error)
        if found != told:
            wrong.append((text, told, found))
    assert wrong == []
    assert compared > 200


def changed(obj, path, value):
    result = copy.deepcopy(obj)
    *way, last = path.split("/")
    here = result
    for key in way:
        here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
    here[last] = value
    return result


IMAGE = "spec/template/spec/containers/0/image"
CHANGES = [
    ("ConfigMap", "maximal", "data/new", "b"),
    ("ConfigMap", "immutable", "data/new", "b"),
    ("ConfigMap", "immutable", "immutable", False),
    ("Secret", "immutable", "data/new", "eA=="),
    ("Secret", "minimal", "type", "example.com/y"),
    ("Deployment", "minimal", "metadata/labels", {"a": "b"}),
    ("Deployment", "minimal", "metadata/annotations", {"a": "b"}),
    ("Deployment", "minimal", IMAGE, "new"),
    ("Deployment", "minimal", "spec/template/metadata/labels/new", "x"),
    ("Deployment", "minimal", "spec/selector/matchLabels", {"a": "c"}),
    ("DaemonSet", "minimal", IMAGE, "new"),
    ("DaemonSet", "minimal", "spec/minReadySeconds", 3),
    ("ReplicaSet", "minimal", "spec/replicas", 3),
    ("ReplicaSet", "minimal", "metadata/annotations", {"a": "b"}),
    ("StatefulSet", "minimal", "spec/serviceName", "z"),
    ("StatefulSet", "minimal", "spec/podManagementPolicy", "Parallel"),
    ("StatefulSet", "minimal", "spec/replicas", 3),
    ("Job", "minimal", "spec/parallelism", 5),
    ("Job", "minimal", "spec/completions", 5),
    ("Job", "minimal", "spec/completionMode", "Indexed"),
    ("CronJob", "minimal", "spec/suspend", True),
    ("Service", "minimal", "spec/clusterIP", "10.96.0.77"),
    ("Service", "minimal", "spec/selector", {"a": "c"}),
    ("Service", "minimal", "spec/type", "NodePort"),
    ("Service", "minimal", "spec/clusterIP", ""),
    ("Pod", "minimal", "spec/containers/0/image", "new"),
    ("Pod", "minimal", "metadata/labels", {"a": "b"}),
    ("PersistentVolumeClaim", "minimal", "metadata/labels", {"a": "b"}),
    ("RoleBinding", "minimal", "roleRef/name", "new"),
    ("EndpointSlice", "minimal", "metadata/labels", {"a": "b"}),
    ("EndpointSlice", "minimal", "endpoints", [{"addresses": ["10.9.9.9"]}]),
    ("NetworkPolicy", "minimal", "spec/policyTypes", ["Egress"]),
    ("PodDisruptionBudget", "minimal", "spec/minAvailable", 2),
    ("HorizontalPodAutoscaler", "minimal", "spec/minReplicas", 2),
    ("Lease", "minimal", "spec/holderIdentity", "x"),
    ("ResourceQuota", "minimal", "spec/hard", {"pods": "3"}),
    ("Ingress", "minimal", "metadata/annotations", {"a": "b"}),
    ("Ingress", "minimal", "spec/ingressClassName", "x"),
    ("Deployment", "minimal", "status", {"replicas": 3}),
]


@pytest.mark.parametrize(("name", "variant", "path", "value"), CHANGES)
def test_a_change_is_counted_or_refused_as_the_server_does(  # noqa: PLR0917 - fixtures and a case
    raw, suite, namespace, name, variant, path, value
):
    kind = KINDS[name]
    live = raw.request("POST", collection(kind, namespace), templates(suite, kind, namespace)[variant])
    place = f"{collection(kind, namespace)}/{live['metadata']['name']}"
    wanted = changed(live, path, value)
    if path == "spec/clusterIP":
        wanted["spec"]["clusterIPs"] = [value] if value else []
    answer = raw.request("PUT", place, wanted)
    allocations = Allocations()
    allocations.take(live, kind)
    if answer["kind"] == "Status":
        with pytest.raises(Refusal) as refusal:
            changed_to(wanted, live, kind, allocations)
        assert told(refusal.value.status) == told(answer)
    else:
        found = changed_to(wanted, live, kind, allocations)
        assert difference(shown(answer, kind), shown(found, kind)) == []


def changed_to(wanted, live, kind, allocations):
    """What the fake makes of a change."""
    found = strategy.updated(decoded(wanted, kind).obj, live, kind)
    found = strategy.updated(defaulted(found, kind, is_new=False), live, kind)
    strategy.check_update(found, live, kind)
    return allocations.allot(found, kind)
