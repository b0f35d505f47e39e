"""What endpoints keep, count, allot and refuse."""

import copy

import pytest

from genreconcile.testing.fake.builtin import strategy
from genreconcile.testing.fake.builtin.allocation import Allocations
from genreconcile.testing.fake.wire import Refusal


def service(name="x", **spec):
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"type": "ClusterIP", "ports": [{"port": 80}], **spec},
    }


def messages(refusal):
    return [cause["message"] for cause in refusal.value.status["details"]["causes"]]


def test_a_new_object_has_no_status_and_a_generation_where_its_kind_has_one(kinds):
    sent = {"metadata": {"name": "x", "generation": 7}, "spec": {}, "status": {"replicas": 3}}
    found = strategy.prepared(sent, kinds["Deployment"])
    assert found == {"metadata": {"name": "x", "generation": 1}, "spec": {}, "status": {}}
    assert strategy.prepared(sent, kinds["ConfigMap"])["metadata"] == {"name": "x"}
    assert strategy.prepared(sent, kinds["Widget"]) == {"metadata": {"name": "x", "generation": 1}, "spec": {}}


def live(generation=1, **more):
    metadata = {"name": "x", "generation": generation, "annotations": {"a": "b"}}
    return {"metadata": metadata, "spec": {"replicas": 1}, "status": {"replicas": 1}, **more}


def test_each_endpoint_writes_its_own_part(kinds):
    wanted = {**live(), "spec": {"replicas": 2}, "status": {"replicas": 9}}
    main = strategy.updated(wanted, live(), kinds["Deployment"])
    assert (main["spec"], main["status"]) == ({"replicas": 2}, {"replicas": 1})
    assert main["metadata"]["generation"] == 2
    status = strategy.updated(wanted, live(), kinds["Deployment"], "status")
    assert (status["spec"], status["status"]) == ({"replicas": 1}, {"replicas": 9})
    assert status["metadata"]["generation"] == 1


def test_what_counts_is_what_the_kind_says(kinds):
    wanted = live()
    wanted["metadata"]["annotations"] = {"a": "c"}
    assert strategy.updated(wanted, live(), kinds["Deployment"])["metadata"]["generation"] == 2
    assert strategy.updated(wanted, live(), kinds["ReplicaSet"])["metadata"]["generation"] == 1
    assert strategy.updated(wanted, live(), kinds["Widget"])["metadata"]["generation"] == 1
    assert strategy.updated({**wanted, "other": 1}, live(), kinds["Widget"])["metadata"]["generation"] == 2


def test_changes_of_a_template_are_counted_in_an_annotation(kinds):
    name = "deprecated.daemonset.template.generation"
    before = live()
    before["metadata"]["annotations"] = {name: "3"}
    wanted = copy.deepcopy(before)
    wanted["metadata"]["annotations"] = {}
    assert strategy.updated(wanted, before, kinds["DaemonSet"])["metadata"]["annotations"] == {name: "3"}
    wanted["spec"] = {"template": {"a": "b"}}
    assert strategy.updated(wanted, before, kinds["DaemonSet"])["metadata"]["annotations"] == {name: "4"}


def test_only_a_pod_on_a_node_has_time_to_end(kinds):
    pod = {"metadata": {}, "spec": {"terminationGracePeriodSeconds": 30}}
    assert strategy.grace_seconds(pod, kinds["Pod"]) == 0
    pod["spec"]["nodeName"] = "n"
    assert (strategy.grace_seconds(pod, kinds["Pod"]), strategy.grace_seconds(pod, kinds["Pod"], 5)) == (30, 5)
    assert strategy.grace_seconds(pod, kinds["ConfigMap"]) == 0


def test_what_cannot_change(kinds):
    before = {"metadata": {"name": "x"}, "data": {"a": "b"}, "immutable": True}
    strategy.check_update(before, before, kinds["ConfigMap"])
    with pytest.raises(Refusal) as refusal:
        strategy.check_update({**before, "data": {}}, before, kinds["ConfigMap"])
    assert messages(refusal) == ["Forbidden: field is immutable when `immutable` is set"]
    strategy.check_update({**before, "data": {}}, {**before, "immutable": False}, kinds["ConfigMap"])


def test_the_size_of_a_bound_claim_can_change(kinds):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    larger = {**spec, "resources": {"requests": {"storage": "2Gi"}}}
    old, new = ({"metadata": {"name": "x"}, "spec": own, "status": {"phase": "Bound"}} for own in (spec, larger))
    strategy.check_update(new, old, kinds["PersistentVolumeClaim"])
    with pytest.raises(Refusal, match="spec is immutable after creation"):
        strategy.check_update(new, {**old, "status": {"phase": "Pending"}}, kinds["PersistentVolumeClaim"])


def test_the_image_of_a_pod_can_change_and_little_else(kinds):
    old = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    new = copy.deepcopy(old)
    new["spec"]["containers"][0]["image"] = "j"
    strategy.check_update(new, old, kinds["Pod"])
    new["spec"]["containers"][0]["name"] = "d"
    with pytest.raises(Refusal, match="pod updates may not change fields other than"):
        strategy.check_update(new, old, kinds["Pod"])


def test_a_refusal_names_all_causes(kinds):
    with pytest.raises(Refusal) as refusal:
        strategy.check_new({"metadata": {"name": "A", "labels": {"a b": "c"}}}, kinds["ConfigMap"])
    status = refusal.value.status
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in status["details"]["causes"]] == ["metadata.name", "metadata.labels"]
    assert status["message"].startswith('ConfigMap "A" is invalid: [metadata.name: Invalid value: "A": ')
    assert (status["details"]["name"], status["details"]["kind"]) == ("A", "ConfigMap")


@pytest.mark.parametrize(("name", "valid"), [("system:node", True), ("a/b", False), ("..", False)])
def test_names_of_roles_are_parts_of_paths(kinds, name, valid):
    obj = {"metadata": {"name": name}, "rules": None}
    if valid:
        strategy.check_new(obj, kinds["Role"])
    else:
        with pytest.raises(Refusal, match="may not"):
            strategy.check_new(obj, kinds["Role"])


def test_addresses_are_allotted_freed_and_refused(kinds):
    kind, allocations = kinds["Service"], Allocations("10.0.0.0/30")
    first = allocations.allot(service("a"), kind)
    assert first["spec"]["clusterIPs"] == ["10.0.0.2"]
    assert allocations.allot(service("b"), kind)["spec"]["clusterIP"] == "10.0.0.2", "nothing is taken yet"
    allocations.take(first, kind)
    with pytest.raises(Refusal, match="provided IP is already allocated"):
        allocations.allot(service("b", clusterIP="10.0.0.2"), kind)
    assert allocations.allot(first, kind) == first, "it has it already"
    allocations.free(first, kind)
    assert allocations.allot(service("b", clusterIP="10.0.0.2"), kind)["spec"]["clusterIP"] == "10.0.0.2"


def test_ports_of_one_number_and_two_protocols_share_a_node_port(kinds):
    ports = [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}, {"port": 54, "protocol": "TCP"}]
    found = Allocations().allot(service(type="NodePort", ports=ports), kinds["Service"])
    assert [port["nodePort"] for port in found["spec"]["ports"]] == [30000, 30000, 30001]


def test_node_ports_in_use_are_refused(kinds):
    kind, allocations = kinds["Service"], Allocations()
    port = {"port": 80, "protocol": "TCP", "nodePort": 30000}
    allocations.take(service("a", type="NodePort", ports=[port]), kind)
    with pytest.raises(Refusal, match="provided port is already allocated"):
        allocations.allot(service("b", type="NodePort", ports=[port]), kind)
    other = allocations.allot(service("b", type="NodePort", ports=[{"port": 80, "protocol": "TCP"}]), kind)
    assert other["spec"]["ports"][0]["nodePort"] == 30001


def test_a_health_check_has_a_port_of_its_own(kinds):
    kind, allocations = kinds["Service"], Allocations()
    balanced = service("a", type="LoadBalancer", externalTrafficPolicy="Local")
    found = allocations.allot(balanced, kind)
    assert (found["spec"]["ports"][0]["nodePort"], found["spec"]["healthCheckNodePort"]) == (30000, 30001)
    allocations.take(found, kind)
    taken = service("b", type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=30001)
    with pytest.raises(Refusal, match="failed to allocate requested HealthCheck NodePort 30001"):
        allocations.allot(taken, kind)
    assert "healthCheckNodePort" not in allocations.allot(service("a", healthCheckNodePort=30001), kind)["spec"]


def test_names_outside_and_headless_services_have_no_address(kinds):
    kind = kinds["Service"]
    outside = Allocations().allot(service(type="ExternalName", clusterIP="", ipFamilies=["IPv4"]), kind)
    assert set(outside["spec"]) == {"type", "ports"}
    assert Allocations().allot(service(clusterIP="None"), kind)["spec"]["clusterIPs"] == ["None"]


def test_objects_of_other_kinds_are_allotted_nothing(kinds):
    obj = {"metadata": {"name": "x"}, "spec": {}}
    allocations = Allocations()
    allocations.take(obj, kinds["Pod"])
    allocations.free(obj, kinds["Pod"])
    assert allocations.allot(obj, kinds["Pod"]) == obj
