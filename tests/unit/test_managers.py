import pytest

from genreconcile.managers import managers_of

LIVE = {
    "metadata": {
        "managedFields": [
            {
                "manager": "us",
                "fieldsV1": {"f:spec": {"f:replicas": {}, "f:list": {'k:{"name":"a"}': {".": {}, "f:x": {}}}}},
            },
            {
                "manager": "them",
                "fieldsV1": {"f:spec": {"f:list": {'k:{"name":"b"}': {"f:x": {}}}, "f:set": {'v:"m"': {}}}},
            },
            {"manager": "odd", "fieldsV1": {"f:spec": {"f:list": {"k:{": {}, "i:0": {}}}}},
            "no entry",
        ]
    },
    "spec": {"replicas": 1, "list": [{"name": "a", "x": 1}, {"name": "b", "x": 1}], "set": ["l", "m"]},
}


@pytest.mark.parametrize(
    ("path", "managers"),
    [
        (("spec", "replicas"), ["us"]),
        (("spec", "list", 0, "x"), ["us"]),
        (("spec", "list", 1, "x"), ["them"]),
        (("spec", "set", 1), ["them"]),
        (("spec", "set", 0), ["them"]),
        (("spec", "list", 9), ["odd", "them", "us"]),
        (("spec", "unknown"), ["odd", "them", "us"]),
        (("data",), []),
    ],
    ids=str,
)
def test_who_owns_a_field(path, managers):
    assert managers_of(LIVE, path) == managers


@pytest.mark.parametrize("live", [{}, {"metadata": {"managedFields": None}}, {"metadata": {"managedFields": [{}]}}])
def test_nobody_owns_what_cannot_be_read(live):
    assert managers_of(live, ("spec",)) == []


def test_exactly_the_field_or_nobody():
    assert managers_of(LIVE, ("spec", "replicas"), exact=True) == ["us"]
    assert managers_of(LIVE, ("spec", "replicas", "below"), exact=True) == []
    assert managers_of(LIVE, ("spec", "other"), exact=True) == []
    assert managers_of(LIVE, ("spec", "other")) == ["odd", "them", "us"]


def test_a_manager_with_several_entries_owns_what_any_of_them_names():
    spec = {"manager": "controller", "fieldsV1": {"f:spec": {"f:size": {}}}}
    status = {"manager": "controller", "subresource": "status", "fieldsV1": {"f:status": {"f:phase": {}}}}
    for entries in ([spec, status], [status, spec]):
        live = {"metadata": {"managedFields": entries}, "spec": {"size": 1}}
        assert managers_of(live, ("spec", "size")) == ["controller"]
