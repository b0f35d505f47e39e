"""What is refused, and in which words: those that a real server was seen to use in tests/kind/test_fake_builtin.py."""

import pytest

from genreconcile.testing.fake.builtin import names
from genreconcile.testing.fake.builtin.validation import problems

OF_NAME = "name part must consist of alphanumeric characters"
OF_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)


def causes(kinds, kind, **body):
    obj = {"metadata": {"name": "x", **body.pop("metadata", {})}, **body}
    return [(cause.field, cause.message.partition(" (e.g.")[0]) for cause in problems(obj, kinds[kind], "subdomain")]


@pytest.mark.parametrize(
    ("check", "text", "begins"),
    [
        (names.subdomain, "a.b-c", []),
        (names.subdomain, "A", ["a lowercase RFC 1123 subdomain must"]),
        (names.subdomain, "a" * 254, ["must be no more than 253"]),
        (names.label, "a-b", []),
        (names.label, "a.b", ["must not contain dots"]),
        (names.label, "A", ["a lowercase RFC 1123 label must"]),
        (names.label, "a" * 64, ["must be no more than 63 characters"]),
        (names.path, "system:a", []),
        (names.path, "..", ["may not be '..'"]),
        (names.path, "a/b%", ["may not contain '/'", "may not contain '%'"]),
        (names.qualified, "a.b/c", []),
        (names.qualified, "a/b/c", ["a valid label key must"]),
        (names.qualified, "/a", ["prefix part must be non-empty"]),
        (names.qualified, "A.b/a", ["prefix part a lowercase RFC 1123 subdomain"]),
        (names.qualified, "", ["name part must be non-empty", OF_NAME]),
        (names.qualified, "a" * 64, ["name part must be no more than 63 bytes"]),
        (names.value, "", []),
        (names.value, "a b", ["a valid label must be an empty string"]),
        (names.value, "a" * 64, ["must be no more than 63 bytes"]),
        (names.config_key, "a.b", []),
        (names.config_key, "a/b", ["a valid config key must"]),
        (names.config_key, "..", ["must not be '..'"]),
        (names.config_key, "..a", ["must not start with '..'"]),
    ],
)
def test_names(check, text, begins):
    found = list(check(text))
    assert len(found) == len(begins)
    assert all(sentence.startswith(begin) for sentence, begin in zip(found, begins, strict=True))


def test_metadata(kinds):
    owner = {"apiVersion": "v1", "kind": "", "name": "n", "uid": ""}
    metadata = {"name": "", "labels": {"a": "-"}, "annotations": {"A.B/c": ""}, "ownerReferences": [owner]}
    assert causes(kinds, "ConfigMap", metadata={**metadata, "finalizers": ["x", "kubernetes", "a.b/c"]}) == [
        ("metadata.name", "Required value: name or generateName is required"),
        ("metadata.labels", f'Invalid value: "-": {OF_VALUE}'),
        ("metadata.ownerReferences[0].kind", "Required value: must not be empty"),
        ("metadata.ownerReferences[0].uid", "Required value: must not be empty"),
        (
            "metadata.finalizers[0]",
            'Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
        ),
    ]


def test_a_template_is_looked_at_where_it_stands(kinds):
    container = {"name": "c", "image": "", "imagePullPolicy": "x", "ports": [{"containerPort": 70000}, {}]}
    spec = {"containers": [container, {"name": "c", "image": "i", "volumeMounts": [{"name": "v"}]}]}
    template = {"metadata": {"labels": {"a": "c"}}, "spec": {**spec, "restartPolicy": "Never"}}
    at = "spec.template.spec."
    found = causes(
        kinds, "Deployment", spec={"replicas": -1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    )
    assert sorted(found) == sorted(
        [
            ("spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
            ("spec.template.metadata.labels", 'Invalid value: {"a":"c"}: `selector` does not match template `labels`'),
            (f"{at}containers[1].name", 'Duplicate value: "c"'),
            (f"{at}restartPolicy", 'Unsupported value: "Never": supported values: "Always"'),
            (f"{at}containers[1].volumeMounts[0].name", 'Not found: "v"'),
            (f"{at}containers[0].image", "Required value"),
            (
                f"{at}containers[0].imagePullPolicy",
                'Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never"',
            ),
            (
                f"{at}containers[0].ports[0].containerPort",
                "Invalid value: 70000: must be between 1 and 65535, inclusive",
            ),
            (f"{at}containers[0].ports[1].containerPort", "Required value"),
        ]
    )


def test_services(kinds):
    several = {"type": "ClusterIP", "ports": [{"port": 80, "targetPort": 80}, {"port": 81, "targetPort": "x"}]}
    assert causes(kinds, "Service", spec=several) == [
        ("spec.ports[0].name", "Required value"),
        ("spec.ports[1].name", "Required value"),
    ]
    assert causes(kinds, "Service", spec={"type": "ClusterIP"}) == [("spec.ports", "Required value")]
    assert causes(kinds, "Service", spec={"type": "ClusterIP", "clusterIP": "None"}) == []


def test_configuration_and_custom_resources(kinds):
    assert [field for field, _ in causes(kinds, "ConfigMap", data={"a/b": ""}, binaryData={"c d": ""})] == [
        "data[a/b]",
        "binaryData[c d]",
    ]
    assert causes(kinds, "Widget", spec={"containers": []}) == []
    empty = {"selector": {}, "template": {}}
    assert causes(kinds, "Deployment", spec=empty) == [
        ("spec.selector", "Invalid value: {}: empty selector is invalid for deployment")
    ]
