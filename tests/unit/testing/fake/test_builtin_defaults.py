"""What is filled in."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.testing.fake.builtin.computed import FUNCTIONS
from genreconcile.testing.fake.builtin.decode import decoded
from genreconcile.testing.fake.builtin.defaults import defaulted, rules
from genreconcile.testing.fake.builtin.types import named

from .conftest import KINDS, NOW, UID

CONTAINER = {"name": "c", "image": "i:1"}


def test_rules_are_about_fields_and_functions_that_there_are():
    for name, own in rules().items():
        fields = named(name).fields
        for rule in own:
            keys = {*rule.get("add", {}), *rule.get("when", {}), *rule.get("with", ()), *rule.get("without", ())}
            assert keys | {*rule.get("fills", ())} <= set(fields), name
            assert rule.get("call", "copied") in FUNCTIONS


def test_a_template_gets_what_a_pod_gets_but_what_is_the_pods_own(make):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [CONTAINER]}}
    found = make("Deployment", spec={"selector": {"matchLabels": {"a": "b"}}, "template": template})["spec"]
    assert (found["replicas"], found["progressDeadlineSeconds"], found["revisionHistoryLimit"]) == (1, 600, 10)
    assert found["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    assert found["template"]["spec"] == {
        "containers": [
            CONTAINER
            | {"imagePullPolicy": "IfNotPresent", "resources": {}}
            | {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
        ],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


def test_a_pod_gets_a_token_tolerations_a_priority_and_a_quality(make):
    found = make("Pod", spec={"containers": [CONTAINER]})
    (volume,), (container,) = found["spec"]["volumes"], found["spec"]["containers"]
    assert volume["name"].startswith("kube-api-access-")
    assert [mount["name"] for mount in container["volumeMounts"]] == [volume["name"]]
    assert (found["spec"]["priority"], len(found["spec"]["tolerations"])) == (0, 2)
    assert found["spec"]["serviceAccountName"] == found["spec"]["serviceAccount"] == "default"
    assert found["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}}, "Burstable"),
    ],
)
def test_the_quality_of_a_pod(make, resources, quality):
    found = make("Pod", spec={"containers": [{**CONTAINER, "resources": resources}]})
    assert found["status"]["qosClass"] == quality
    if "limits" in resources:
        own = found["spec"]["containers"][0]["resources"]
        assert own["requests"] == {**resources["limits"], **resources.get("requests", {})}


def test_limits_of_a_whole_pod_are_requested(make):
    beginning = {**CONTAINER, "name": "i", "resources": {"requests": {"cpu": "3"}}}
    beside = {**CONTAINER, "name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}
    spec = {
        "initContainers": [beside, beginning],
        "containers": [{**CONTAINER, "resources": {"requests": {"cpu": "500m"}}}],
        "resources": {"limits": {"cpu": "8", "memory": "1Gi"}},
    }
    assert make("Pod", spec=spec)["spec"]["resources"]["requests"] == {"cpu": "4", "memory": "1Gi"}


def test_a_pod_that_wants_no_token_gets_none(make):
    found = make("Pod", spec={"containers": [CONTAINER], "automountServiceAccountToken": False})
    assert "volumes" not in found["spec"]


def test_a_gated_pod_says_so(make):
    found = make("Pod", spec={"containers": [CONTAINER], "schedulingGates": [{"name": "a.b/c"}]})
    (condition,) = found["status"]["conditions"]
    assert (condition["reason"], condition["lastTransitionTime"]) == ("SchedulingGated", NOW)


def test_on_the_network_of_the_host_ports_are_the_hosts(make):
    container = {**CONTAINER, "ports": [{"containerPort": 80}]}
    found = make("Pod", spec={"containers": [container], "hostNetwork": True})
    assert found["spec"]["containers"][0]["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]


def test_a_job_selects_its_own_pods(make):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}
    found = make("Job", spec={"template": template})
    assert found["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}
    assert found["metadata"]["labels"] == found["spec"]["template"]["metadata"]["labels"]
    assert found["metadata"]["labels"]["job-name"] == "x"
    manual = make("Job", spec={"template": template, "manualSelector": True})
    assert "selector" not in manual["spec"]


def test_texts_of_a_secret_become_data(make):
    found = make("Secret", data={"a": "eA=="}, stringData={"b": "y"})
    assert found["data"] == {"a": "eA==", "b": "eQ=="}
    assert (found["type"], "stringData" in found) == ("Opaque", False)


def test_a_service_of_each_type(make):
    ports = [{"port": 80}]
    assert make("Service", spec={"ports": ports})["spec"]["internalTrafficPolicy"] == "Cluster"
    assert make("Service", spec={"ports": ports, "type": "NodePort"})["spec"]["externalTrafficPolicy"] == "Cluster"
    headless = make("Service", spec={"ports": ports, "clusterIP": "None"})["spec"]
    assert headless["ipFamilyPolicy"] == "RequireDualStack"
    outside = make("Service", spec={"type": "ExternalName", "externalName": "a.b"})["spec"]
    assert outside == {"type": "ExternalName", "externalName": "a.b", "sessionAffinity": "None"}


def test_a_namespace_has_its_name_as_a_label(make):
    found = make("Namespace")
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": "x"}
    assert (found["spec"], found["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})


def test_an_object_of_a_custom_kind_gets_nothing(kinds):
    assert defaulted({"spec": {}}, kinds["Widget"]) == {"spec": {}}


def test_what_is_added_once_is_not_added_to_a_change(kinds, make):
    found = make("Pod", spec={"containers": [CONTAINER]})
    found["spec"].pop("volumes")
    again = defaulted(found, kinds["Pod"], is_new=False)
    assert "volumes" not in again["spec"]


@given(st.sampled_from(sorted(KINDS)), st.booleans())
def test_what_is_filled_in_once_stays_and_the_object_is_left_alone(name, is_new):
    kind = KINDS[name]
    obj = decoded({"metadata": {"name": "x", "uid": UID, "creationTimestamp": NOW}}, kind).obj
    before = copy.deepcopy(obj)
    once = defaulted(obj, kind, is_new=is_new)
    assert obj == before
    assert defaulted(once, kind, is_new=is_new) == once
    assert decoded(once, kind).obj == once
