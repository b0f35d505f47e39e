"""Texts of containers, quantities, bytes, times and names: what the server makes of them, and what we say it does."""

import json

import pytest

from genreconcile import Registry, Schema, gojson
from genreconcile.errors import LoadError
from genreconcile.manifests.usable import refuse_unusable
from genreconcile.normalize.functions import image_pull_policy, text
from genreconcile.normalize.prepare import fold
from genreconcile.normalize.scalars import CANONICAL, Canonical, is_quantity
from genreconcile.objects import GVK
from kind.differential import generated
from kind.differential.asked import custom, many, pod_template
from kind.differential.tally import seeded, size
from support.objects import definition, version


def disagreements(pairs, form, *, predicts_refusal=False):
    """Where a value does not equal what became of it, or equals one that another became."""
    canonical = CANONICAL[form]
    by_answer, by_value = {}, {}
    for sent, answer in pairs:
        is_of_form = isinstance(canonical(sent), Canonical)
        if answer is None:
            if predicts_refusal and is_of_form:
                yield "refused", sent
            continue
        value = canonical(sent)
        if not is_of_form:
            yield "accepted", sent, answer
        elif value != canonical(answer):
            yield "another value", sent, answer
        elif by_answer.setdefault(answer, value) != value or by_value.setdefault(value, answer) != answer:
            yield "equal to one and not to both", sent, answer


@pytest.fixture
def templates(server):
    path = server.path("api/v1", "podtemplates")

    def ask(spec):
        answer = server.post(path, pod_template(spec))
        return gojson.loads(answer)["template"]["spec"] if answer else None

    return ask


def test_r1_1_image_references(templates, tally):
    images = generated.images(seeded("images"), size(3000, 20_000))

    def ask(some):
        spec = templates({"containers": [{"name": f"c{i}", "image": image} for i, image in enumerate(some)]})
        return spec and [container["imagePullPolicy"] for container in spec["containers"]]

    answers = list(many(images, ask, 500))
    wrong = [(image, policy) for image, policy in answers if policy != image_pull_policy({"image": image}, {})]
    assert {policy for _, policy in answers} == {"Always", "IfNotPresent"}
    tally.add("image references", len(images), wrong)


def test_quantities(templates, tally):
    texts = [text for text in generated.quantities(seeded("quantities"), size(1500, 8000)) if not is_negative(text)]

    def ask(some):
        volumes = [{"name": f"v{i}", "emptyDir": {"sizeLimit": text}} for i, text in enumerate(some)]
        spec = templates({"containers": [{"name": "c", "image": "i"}], "volumes": volumes})
        return spec and [volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"]]

    tally.add(
        "quantities", len(texts), by_value(disagreements(many(texts, ask), "quantity-stored", predicts_refusal=True))
    )


def test_quantities_that_are_numbers(templates, tally):
    texts = [text for text in generated.numbers(seeded("amounts"), size(400, 4000)) if not text.startswith("-")]
    numbers = [number for number in map(json.loads, texts) if number < MANY]

    def ask(some):
        volumes = [{"name": f"v{i}", "emptyDir": {"sizeLimit": number}} for i, number in enumerate(some)]
        spec = templates({"containers": [{"name": "c", "image": "i"}], "volumes": volumes})
        return spec and [volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"]]

    found = disagreements(many(numbers, ask), "quantity-stored", predicts_refusal=True)
    tally.add("quantities: numbers", len(numbers), by_value(found))


def test_quantities_of_resource_lists(templates, tally):
    texts = [text for text in generated.quantities(seeded("limits"), size(1500, 8000)) if not is_negative(text)]

    def ask(some):
        limits = [
            {"name": f"c{i}", "image": "i", "resources": {"limits": {"cpu": text}}} for i, text in enumerate(some)
        ]
        spec = templates({"containers": limits})
        return spec and [container["resources"]["limits"]["cpu"] for container in spec["containers"]]

    found = disagreements(many(texts, ask), "quantity-milli", predicts_refusal=True)
    tally.add("quantities of a ResourceList", len(texts), by_value(found))


def by_value(found):
    """The server keeps ``1024`` and ``1Ki`` apart, of which the values are equal."""
    return [entry for entry in found if entry[0] != "equal to one and not to both"]


def is_negative(text):
    """Whether a quantity is refused for what it is worth."""
    return is_quantity(text) and CANONICAL["quantity"](text).value < 0


@pytest.mark.parametrize(("field", "kind"), [("data", "Secret"), ("binaryData", "ConfigMap")])
def test_base64(server, tally, field, kind):
    texts = generated.base64s(seeded(f"base64 {kind}"), size(400, 4000))
    path = server.path("api/v1", kind.lower() + "s")

    def ask(some):
        data = {f"k{i}": text for i, text in enumerate(some)}
        answer = server.post(path, {"apiVersion": "v1", "kind": kind, "metadata": {"name": "b"}, field: data})
        if answer is None:
            return None
        found = gojson.loads(answer).get(field, {})
        return [found.get(f"k{i}", "") for i in range(len(some))]

    tally.add("base64", len(texts), disagreements(many(texts, ask), "byte", predicts_refusal=True))


def test_times_in_whole_seconds(server, tally):
    texts = generated.times(seeded("times"), size(1200, 8000))

    def ask(some):
        taints = [{"key": f"k{i}", "effect": "NoSchedule", "timeAdded": text} for i, text in enumerate(some)]
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {"taints": taints}}
        answer = server.post("/api/v1/nodes", node)
        # Another taint comes from admission.
        taints = gojson.loads(answer)["spec"]["taints"] if answer else []
        return [taint.get("timeAdded") or ZERO for taint in taints if taint["key"].startswith("k")] or None

    # Some are moved into years that Go writes and does not read.
    pairs = [(text, answer) for text, answer in many(texts, ask) if answer is None or answer[4] == "-"]
    tally.add("times: metav1.Time", len(texts), disagreements(pairs, "time", predicts_refusal=True))


# Beyond this the server takes seconds for each.
MANY = 1e60
# A Go time that is zero is written as null.
ZERO = "0001-01-01T00:00:00Z"


def test_times_in_microseconds(server, tally):
    texts = generated.times(seeded("micro"), size(300, 3000))
    path = server.path("apis/coordination.k8s.io/v1", "leases")

    def ask(some):
        spec = dict(zip(("renewTime", "acquireTime"), some, strict=False))
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": spec}
        answer = server.post(path, lease)
        return [gojson.loads(answer)["spec"].get(key) or ZERO for key in spec] if answer else None

    found = disagreements(many(texts, ask, 2), "date-time")
    tally.add("times: metav1.MicroTime", len(texts), found)


def test_times_of_custom_resources(server, kinds, tally):
    """Their text is kept, whatever is equal to us."""
    texts = generated.times(seeded("custom"), size(800, 5000))
    tally.add("times: of a custom resource", len(texts), kept_as_written(server, kinds, "times", texts))


def test_base64_of_custom_resources(server, kinds, tally):
    texts = generated.base64s(seeded("custom"), size(500, 3000))
    tally.add("base64: of a custom resource", len(texts), kept_as_written(server, kinds, "bytes", texts))


def kept_as_written(server, kinds, field, texts):
    def ask(some):
        answer = server.post(kinds, custom(field, [gojson.dumps(text).decode() for text in some]))
        return gojson.loads(answer)["spec"][field] if answer else None

    for sent, answer in many(texts, ask):
        if answer is None:
            continue
        if answer != sent:
            yield "rewritten", sent, answer


@pytest.mark.parametrize("place", ["data", "annotations", "custom", "keys"])
def test_texts_come_back_and_pass_a_test(server, kinds, tally, place):
    """Every character: as it was sent, and spelled as the server spells it."""
    # All annotations of an object have 256 KiB.
    texts = generated.texts(seeded(place), size(1200, 1200 if place == "annotations" else 4000))
    obj, at, path = holder(server, kinds, place, texts)
    assert server.post(path, obj, dry_run=False)
    name = f"{path}/{obj['metadata']['name']}"
    live = gojson.loads(server.cluster.request("GET", name))
    for key in at:
        live = live[key]
    assert sorted(live if place == "keys" else live.values()) == sorted(set(texts) if place == "keys" else texts)

    def ask(keys):
        tests = [{"op": "test", "path": pointer((*at, key)), "value": live[key]} for key in keys]
        return keys if server.patch(name, tests) else None

    wrong = [live[key] for key, passed in many(list(live), ask) if passed is None]
    tally.add(f"texts: {place}", len(texts), wrong)


def pointer(path):
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def holder(server, kinds, place, texts):
    """An object with these texts; where they are in it; where to post it."""
    entries = {f"k{index}": text for index, text in enumerate(texts)}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"texts-{place}"}}
    if place == "data":
        return {**config, "data": entries}, ("data",), server.path("api/v1", "configmaps")
    if place == "annotations":
        config["metadata"]["annotations"] = entries
        return config, ("metadata", "annotations"), server.path("api/v1", "configmaps")
    spec = {"free": [entries if place == "custom" else dict.fromkeys(texts, "v")]}
    obj = {"apiVersion": "differential.genreconcile.dev/v1", "kind": "Values", "metadata": {"name": f"texts-{place}"}}
    return {**obj, "spec": spec}, ("spec", "free", 0), kinds


def test_names_that_the_server_takes(server, tally):
    """Where it takes any path segment, which RBAC does: we take it if it is printable."""
    names = [name for name in generated.names(seeded("names"), size(500, 3000)) if name.isprintable()]
    path = server.path("apis/rbac.authorization.k8s.io/v1", "roles")
    wrong = []
    for name in names:
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}}
        try:
            refuse_unusable(role, "role")
        except LoadError:
            taken = False
        else:
            taken = True
        if (server.post(path, role) is not None) != taken:
            wrong.append((name, taken))
    tally.add("names", len(names), wrong)


def test_texts_of_a_secret_are_folded(server, tally):
    """As ``stringData``: what we say that ``data`` will be."""
    texts = generated.texts(seeded("stringData"), size(1200, 4000))
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    entries = {f"k{index}": text for index, text in enumerate(texts)}
    answer = server.post(server.path("api/v1", "secrets"), {**obj, "stringData": entries})
    expected = {"stringData": dict(entries)}
    gvk = GVK.of(obj)
    fold(
        expected, Registry.builtin().compile(gvk, Schema.from_cluster(server.cluster).root(gvk), obj, has_status=False)
    )
    found = gojson.loads(answer)["data"]
    tally.add("texts: stringData", len(texts), [key for key in entries if found[key] != expected["data"][key]])


def test_names_of_a_definition(server, tally):
    """The defaults that follow from its kind."""
    kinds = [
        "Widget",
        "WIDGET",
        "HTTPRoute",
        "A1",
        "\u212aelvin",
        "W\u0130dget",
        "W\u00efdget",
        "Wi-dget",
        "\u03a3",
        "w",
    ]
    wrong = []
    for kind in kinds:
        names = {"kind": kind, "plural": "folded"}
        obj = definition("differential.genreconcile.dev", version(), kind=kind, scope="Cluster", names=names)
        if answer := server.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", obj):
            found = gojson.loads(answer)["spec"]["names"]
            singular = text(names, {"of": "kind", "lower": True})
            wrong += [(kind, found)] * ((found["singular"], found["listKind"]) != (singular, kind + "List"))
    tally.add("names: of a definition", len(kinds), wrong)
