"""The shape of the generated table; tests/kind/test_scalars.py holds its content against a server."""

import itertools
import re
from importlib import resources

import pytest

from genreconcile import gojson

FILE = resources.files("genreconcile.normalize") / "rules" / "fields.json"
NATURES = ["pointer", "struct", "value"]
TYPE = re.compile(
    r"io\.k8s\.(api\.[a-z]+\.v[0-9a-z]+|apimachinery\.pkg\.(version|apis\.meta\.v1)"
    r"|apiextensions-apiserver\.pkg\.apis\.apiextensions\.v1|kube-aggregator\.pkg\.apis\.apiregistration\.v1)\.[A-Z]\w+"
)
KNOWN = [
    ("api.core.v1.PodSpec", "hostNetwork", "value"),
    ("api.core.v1.PodSpec", "automountServiceAccountToken", "pointer"),
    ("api.core.v1.Probe", "failureThreshold", "value"),
    ("api.core.v1.Container", "image", "value"),
    ("api.core.v1.Container", "resources", "struct"),
    ("api.core.v1.ServicePort", "nodePort", "value"),
    ("api.core.v1.ServicePort", "targetPort", "value"),
    ("api.core.v1.ResourceFieldSelector", "divisor", "value"),
    ("api.core.v1.EmptyDirVolumeSource", "sizeLimit", "pointer"),
    ("api.core.v1.PersistentVolumeClaimSpec", "storageClassName", "pointer"),
    # Inlined: HTTPGetAction is a pointer to a struct in ProbeHandler, the ConfigMap's name is LocalObjectReference's.
    ("api.core.v1.Probe", "httpGet", ""),
    ("api.core.v1.ConfigMapVolumeSource", "name", "value"),
    ("api.apps.v1.DeploymentSpec", "replicas", "pointer"),
    ("api.apps.v1.DeploymentSpec", "paused", "value"),
    ("api.apps.v1.DeploymentSpec", "strategy", "struct"),
    ("api.apps.v1.DeploymentSpec", "selector", ""),
    ("api.apps.v1.RollingUpdateDeployment", "maxSurge", "pointer"),
    # Arbitrary JSON.
    ("api.apps.v1.ControllerRevision", "data", ""),
    ("api.flowcontrol.v1.FlowSchemaSpec", "matchingPrecedence", "value"),
    ("api.coordination.v1.LeaseSpec", "acquireTime", "pointer"),
    ("api.admissionregistration.v1.WebhookClientConfig", "caBundle", "value"),
    ("apimachinery.pkg.apis.meta.v1.ObjectMeta", "name", "value"),
    ("apimachinery.pkg.apis.meta.v1.ObjectMeta", "labels", ""),
    ("apimachinery.pkg.apis.meta.v1.OwnerReference", "controller", "pointer"),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps", "minLength", "pointer"),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps", "nullable", "value"),
    ("kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec", "groupPriorityMinimum", "value"),
]


@pytest.fixture(scope="module")
def table():
    return gojson.loads(FILE.read_bytes())


def test_one_type_per_line_in_order():
    lines = FILE.read_text("utf-8").splitlines()
    assert lines[0] == "{"
    assert lines[-1] == "}"
    names = [line.split('"')[1] for line in lines[1:-1]]
    assert names == sorted(set(names))


def test_types_are_those_of_the_api(table):
    assert len(table) > 1000
    assert [name for name in table if not TYPE.fullmatch(name)] == []


def test_each_field_has_one_nature(table):
    for name, natures in table.items():
        assert sorted(natures) == NATURES, name
        fields = list(itertools.chain.from_iterable(natures.values()))
        assert len(fields) == len(set(fields)), name
        assert all(keys == sorted(keys) for keys in natures.values()), name


@pytest.mark.parametrize(("type_name", "field", "nature"), KNOWN)
def test_known_fields(table, type_name, field, nature):
    natures = table["io.k8s." + type_name]
    assert [found for found in NATURES if field in natures[found]] == ([nature] if nature else [])
