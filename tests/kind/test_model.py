"""What the unit tests' properties rely on, held against the real server: their model of it, and quantities."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.utils import parse_quantity

import genreconcile as gr
from genreconcile import gojson
from genreconcile.normalize.scalars import CANONICAL
from support.objects import definition, struct, version
from support.strategies import GROUP, KIND, VERSION, model, object_schemas, stored, values

SCHEMAS, VALUES = 60, 4
QUANTITIES = [
    *("1", 1, 1.0, "1.0", "1000m", "+1", "01", " 1 ", "1e0", "1E0", "0.001k", "1000000u", "1000000000n"),
    *("0", 0, "0Ki", "0e5", "100m", 0.1, "0.1", ".1", "1e-1", "1.5", 1.5, "1500m"),
    *("3Gi", "3072Mi", "3221225472", "3G", "1G", "1000M", "1e9", "1E9", "1e+9", "1.5Gi", "1536Mi", "1Ki", "1024", "1k"),
    *(
        "1E",
        "1000P",
        "1e18",
        "1Ei",
        "1024Pi",
        "8Ei",
        "9Ei",
        "9223372036854775807",
        "9007199254740993",
        9007199254740993,
    ),
    *("1n", "0.1n", "0.0000000001", "1u", "1001u", "1.1m", "2m", "1m", "1.000000001", "12345678901234567890"),
]
SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E-2"]


@pytest.fixture(scope="module")
def cluster(control_plane):
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    yield cluster
    cluster.close()


def dry_run(cluster, path, obj):
    return gojson.loads(cluster.request("POST", path, query={"dryRun": "All"}, body=gojson.dumps(obj)))


def samples():
    """(schema, values under it)."""
    found = []
    worlds = object_schemas(3, least=1).flatmap(
        lambda schema: st.tuples(
            st.just(schema), st.lists(values(schema, loose=True), min_size=VALUES, max_size=VALUES)
        )
    )

    @settings(max_examples=SCHEMAS, derandomize=True, deadline=None, database=None)
    @given(worlds)
    def collect(sample):
        found.append(sample)

    collect()
    return found


@pytest.fixture(scope="module")
def modelled(cluster):
    """The samples, once the server serves a kind with one field for each of their schemas."""
    found = samples()
    fields = {f"f{index}": schema for index, (schema, _) in enumerate(found)}
    crd = definition(GROUP, version(VERSION, struct(spec=struct(**fields))), kind=KIND)
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([crd]).raise_for_failures()
        # Waits until the kind is served and described.
        reconciler.reconcile([model({}, None, None) | {"metadata": {"name": "m", "namespace": "default"}}])
    return found


@pytest.fixture(scope="module")
def answers(cluster, modelled):
    """(schema, value, object, what the server would store)."""
    found = []
    for index, (schema, some) in enumerate(modelled):
        for value in some:
            obj = model({f"f{index}": value}, None, None)
            obj["metadata"] = {"name": "another", "namespace": "default"}
            live = dry_run(cluster, f"/apis/{GROUP}/{VERSION}/namespaces/default/{KIND.lower()}s", obj)
            found.append((schema, value, obj, live))
    assert len(found) == SCHEMAS * VALUES
    return found


def test_the_server_stores_what_the_model_says(answers):
    wrong = []
    for schema, value, obj, live in answers:
        (field,) = obj["spec"]
        if live["spec"] != {field: stored(value, schema)}:
            wrong.append((schema, value, live["spec"]))
    assert wrong == []


def test_what_the_server_stores_is_no_drift(answers, cluster):
    graph = gr.Schema.from_cluster(cluster)
    assert [
        (schema, value, live["spec"]) for schema, value, obj, live in answers if gr.diff(obj, live, schema=graph)
    ] == []


def pod(quantity):
    volume = {"name": "v", "emptyDir": {"sizeLimit": quantity}}
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "q"}, "spec": spec}


def quota(quantity):
    hard = {"requests.cpu": quantity}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}}


PLACES = {
    "quantity": ("pods", pod, lambda live: live["spec"]["volumes"][0]["emptyDir"]["sizeLimit"]),
    "quantity-milli": ("resourcequotas", quota, lambda live: live["spec"]["hard"]["requests.cpu"]),
}


def spellings():
    dice = random.Random(7)  # noqa: S311 - it is to be the same each time
    numbers = [f"{dice.randrange(1000)}.{dice.randrange(1000)}{dice.choice(SUFFIXES)}" for _ in range(30)]
    return QUANTITIES + numbers


@pytest.mark.parametrize("form", sorted(PLACES))
def test_quantities_that_are_equal_here_are_equal_there(cluster, form):
    plural, write, read = PLACES[form]
    collection = f"/api/v1/namespaces/default/{plural}"
    answers = [
        (value, CANONICAL[form](value), read(dry_run(cluster, collection, write(value)))) for value in spellings()
    ]
    assert [(value, own, answer) for value, own, answer in answers if own.value != parse_quantity(answer)] == []
    wrong = [
        (one, other)
        for one, other in itertools.combinations(answers, 2)
        if (one[1] == other[1]) != (parse_quantity(one[2]) == parse_quantity(other[2]))
    ]
    assert wrong == []
    assert {own for _, own, _ in answers} == {CANONICAL[form](answer) for _, _, answer in answers}
