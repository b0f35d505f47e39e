import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.normalize import prepare
from genreconcile.normalize.prepare import without_system
from genreconcile.objects import GVK
from support.recorded import SCHEMA

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
WIDGET = {"apiVersion": "example.genreconcile.dev/v1", "kind": "Widget", "metadata": {"name": "w"}}


def node_of(obj):
    gvk = GVK.of(obj)
    return gr.Registry.builtin().compile(gvk, SCHEMA.root(gvk), obj, has_status=True)


def prepared(obj):
    return prepare(obj, node_of(obj))


def spec(head, **fields):
    result = prepared({**head, "spec": fields})
    assert not result.errors
    return result.value.get("spec")


def error(head, **fields):
    (found,) = prepared({**head, "spec": fields}).errors
    return found


def test_zeros_at_value_fields_are_missing():
    assert spec(POD, hostNetwork=False, nodeName="", tolerations=[], nodeSelector={}) is None


def test_zeros_at_pointer_fields_are_values():
    kept = {"automountServiceAccountToken": False, "priority": 0, "securityContext": {}}
    assert spec(POD, **kept) == kept


def test_empty_value_structs_are_missing_also_when_nested():
    containers = [{"name": "a", "resources": {"limits": {}, "requests": {}}}]
    assert spec(POD, containers=containers) == {"containers": [{"name": "a"}]}


def test_pointer_structs_stay():
    assert spec(POD, volumes=[{"name": "a", "emptyDir": {}}]) == {"volumes": [{"name": "a", "emptyDir": {}}]}


def test_a_whole_number_may_be_written_as_a_float_where_a_text_may_stand():
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    ports = spec(service, ports=[{"port": 80.0, "targetPort": 8.0}])["ports"]
    assert [type(value) for value in ports[0].values()] == [int, int]
    assert error(service, ports=[{"targetPort": 8.5}]).path == "/spec/ports/0/targetPort"


@pytest.mark.parametrize(
    ("text", "stays"),
    [("0001-01-01T00:00:00.000000Z", 0), ("0000-12-31T23:00:00.000000-01:00", 0), ("0001-01-01T00:00:01.000000Z", 1)],
)
def test_the_time_that_go_writes_as_null_is_missing(text, stays):
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}}
    assert spec(lease, holderIdentity="x", renewTime=text) == {
        "holderIdentity": "x",
        **({"renewTime": text} if stays else {}),
    }


def test_a_zero_quantity_at_a_value_field_is_missing():
    volumes = [
        {"name": "a", "downwardAPI": {"items": [{"path": "p", "resourceFieldRef": {"resource": "r", "divisor": "0"}}]}}
    ]
    assert "divisor" not in str(spec(POD, volumes=volumes))


def test_null_is_missing_but_not_in_a_map_of_strings():
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": None}, "data": {"k": None}}
    assert prepared(obj).value == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {"k": ""},
    }


def test_custom_resources_keep_what_is_written():
    kept = {"size": 0, "limits": {}, "steps": [], "free": {"a": None}, "mode": ""}
    assert spec(WIDGET, **kept) == kept


def test_null_in_custom_resources_is_a_value_where_nullable():
    assert spec(WIDGET, note=None, mode=None) == {"note": None}


def test_aliases_hold_the_same():
    assert spec(POD, serviceAccount="a") == {"serviceAccount": "a", "serviceAccountName": "a"}
    assert spec(POD, serviceAccount="a", serviceAccountName="b") == {"serviceAccount": "b", "serviceAccountName": "b"}


def test_write_only_fields_are_folded_and_win():
    obj = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"k": "é"},
        "data": {"k": "eA=="},
    }
    value = prepared(obj).value
    assert value["data"] == {"k": "w6k="}
    assert "stringData" not in value


def test_what_the_server_owns_is_gone():
    obj = {
        **POD,
        "metadata": {"name": "p", "uid": "u", "resourceVersion": "1", "creationTimestamp": None},
        "status": {},
    }
    assert prepared(obj).value == POD


def test_integral_floats_become_integers():
    assert spec(POD, terminationGracePeriodSeconds=80.0) == {"terminationGracePeriodSeconds": 80}


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"hostNetwrok": True}, "/spec/hostNetwrok", "did you mean hostNetwork?"),
        ({"qqq": 1}, "/spec/qqq", "remove it"),
        ({"containers": {}}, "/spec/containers", "must be a list, not an object"),
        ({"nodeSelector": {"a": 1}}, "/spec/nodeSelector/a", "be of type string, not an integer; write it in quotes"),
        ({"nodeSelector": {"a": True}}, "/spec/nodeSelector/a", "not a boolean; write it in quotes"),
        ({"nodeSelector": {"a": []}}, "/spec/nodeSelector/a", "not a list; correct the value"),
        ({"true": 1}, "/spec/true", "knows no such field; in YAML on, yes and y are true, so write them in quotes"),
        ({"false": 1}, "/spec/false", "knows no such field; in YAML off, no and n are false, so write them in quotes"),
        ({"hostNetwork": 1}, "/spec/hostNetwork", "must be of type boolean, not an integer"),
        ({"priority": True}, "/spec/priority", "must be of type integer, not a boolean"),
        ({"priority": 1.5}, "/spec/priority", "must be of type integer, not a number"),
        (
            {"containers": [{"resources": {"limits": {"cpu": "many"}}}]},
            "/spec/containers/0/resources/limits/cpu",
            "is no quantity",
        ),
        (
            {"containers": [{"ports": [{"containerPort": "80"}]}]},
            "/spec/containers/0/ports/0/containerPort",
            "of type integer",
        ),
    ],
)
def test_what_the_server_could_not_store_is_an_error(fields, path, text):
    found = error(POD, **fields)
    assert found.path == path
    assert text in str(found)


def test_preserved_fields_are_free():
    assert spec(WIDGET, free={"any": {"thing": [1, None]}}) == {"free": {"any": {"thing": [1, None]}}}


def test_unknown_fields_of_custom_resources_are_errors():
    assert error(WIDGET, sze=1).path == "/spec/sze"


def test_schemas_hidden_behind_unions_are_known():
    schema = {"type": "array", "items": {"type": "string", "descripton": "x"}}
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]
    obj = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": versions}}
    assert [found.path for found in prepared(obj).errors] == [
        "/spec/versions/0/schema/openAPIV3Schema/items/descripton"
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
FIELDS = sorted(SCHEMA.root(GVK("", "v1", "Pod")).fields["spec"].type.fields)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_nothing_is_raised_and_nothing_changed_a_second_time(fields):
    node = node_of(POD)
    first = prepare({**POD, "spec": fields}, node)
    assert prepare(first.value, node).value == first.value


def test_for_creation_only_the_servers_own_is_left_out():
    obj = {**POD, "metadata": {"name": "p", "uid": "u"}, "spec": {"hostNetwork": False, "x": None}, "status": {"a": 1}}
    sent = without_system(obj, node_of(obj))
    assert sent == {**POD, "spec": {"hostNetwork": False, "x": None}}


def test_for_creation_integers_are_written_as_such():
    containers = [{"name": "a", "ports": [{"containerPort": 80.0}]}]
    obj = {**POD, "spec": {"priority": 2.0, "containers": containers}}
    sent = without_system(obj, node_of(obj))
    assert str(sent["spec"]) == "{'priority': 2, 'containers': [{'name': 'a', 'ports': [{'containerPort': 80}]}]}"


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    st.dictionaries(st.sampled_from(["uid", "labels", "generation"]), JSON, max_size=2),
)
def test_what_is_called_sendable_is_sent_as_it_was_written(fields, metadata):
    obj = {**POD, "metadata": {"name": "p", **metadata}, "spec": fields}
    node = node_of(obj)
    if prepare(obj, node).is_sendable:
        assert repr(without_system(obj, node)) == repr(obj)


@pytest.mark.parametrize(
    ("change", "sendable"),
    [
        ({}, True),
        ({"spec": {"hostNetwork": False, "x": None, "nodeName": ""}}, True),
        ({"spec": {"priority": 2.0}}, False),
        ({"status": {}}, False),
        ({"metadata": {"name": "p", "uid": None}}, False),
        ({"metadata": {"name": "p", "resourceVersion": "1"}}, False),
    ],
)
def test_what_the_server_alone_may_say_is_noticed(change, sendable):
    assert prepared({**POD, **change}).is_sendable is sendable


def owners(*references):
    metadata = {"name": "p", "ownerReferences": list(references)}
    return prepared({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}).value["metadata"]["ownerReferences"]


def test_r1_14_of_equal_owners_the_first_stays():
    one, other = {"kind": "A", "name": "a", "uid": "1"}, {"kind": "A", "name": "a", "uid": "2"}
    assert owners(one, other, dict(reversed(one.items())), other) == [one, other]
    assert owners(one, other, one) == [one, other]
    assert owners(one, {**one, "controller": False}) == [one, {**one, "controller": False}]
    assert owners({**one, "controller": None}, one) == [one]
