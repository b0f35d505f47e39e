"""Values that one object holds alone, quotas, and who sees to whom: pure, from data."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.apply.exclusive import held, shared, sums, without_shared
from genreconcile.apply.quota import Excess, freed
from genreconcile.cluster import status_error
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.order import group_behind
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan.protection import is_seen_to

SERVICE, POD, CONFIG = (GVK("", "v1", kind) for kind in ("Service", "Pod", "ConfigMap"))


def service(*ports, **spec):
    return {"spec": {"ports": [{"port": 80, **({"nodePort": port} if port else {})} for port in ports], **spec}}


def test_r2_3_what_a_service_holds():
    obj = service(30001, 0, 30002, clusterIP="10.0.0.1", clusterIPs=["10.0.0.1", "fd::1"], healthCheckNodePort=30003)
    assert {entry.value for entry in held(SERVICE, obj)} == {30001, 30002, 30003, "10.0.0.1", "fd::1"}
    assert held(SERVICE, service(0, clusterIP="None", clusterIPs=["None"])) == []
    assert held(SERVICE, {"spec": {"ports": {"nodePort": 1}, "clusterIP": {}, "clusterIPs": None}}) == []
    assert held(CONFIG, obj) == []


def test_r2_3_one_pool_may_be_drawn_on_by_several_fields():
    one, other = service(30001), service(0, healthCheckNodePort=30001)
    assert [entry.field for entry in shared(SERVICE, one, other)] == ["/spec/ports/*/nodePort"]
    assert shared(SERVICE, one, service(30002, clusterIP="30001")) == []


def test_r2_3_a_trial_asks_for_nothing_that_the_old_object_holds():
    old = service(30001, clusterIP="10.0.0.1", clusterIPs=["10.0.0.1"], type="NodePort")
    new = service(30001, clusterIP="10.0.0.2", clusterIPs=["10.0.0.2"], type="NodePort")
    tried = without_shared(SERVICE, new, old)
    assert tried == service(0, clusterIP="10.0.0.2", clusterIPs=["10.0.0.2"], type="NodePort")
    assert new["spec"]["ports"][0]["nodePort"] == 30001, "what is handed in is not changed"
    assert without_shared(SERVICE, old, old) == service(0, type="NodePort")
    assert without_shared(SERVICE, new, service(0)) is new


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["spec", "ports", "nodePort", "clusterIP", "clusterIPs"]), inner, max_size=4)
    ),
)


@given(st.dictionaries(st.just("spec"), JSON), st.dictionaries(st.just("spec"), JSON))
def test_r2_3_a_trial_shares_nothing_whatever_the_shape(one, other):
    assert shared(SERVICE, without_shared(SERVICE, one, other), other) == []


def exceeded(requested, used, limited, **more):
    text = f"exceeded quota: q, requested: {requested}, used: {used}, limited: {limited}"
    status = {"code": 403, "reason": "Forbidden", "message": f'pods "p" is forbidden: {text}', **more}
    return status_error("POST /x", status)


PODS = Resource(POD, "pods", namespaced=True)


def pod(*cpus):
    containers = [{"name": "c", "resources": {"requests": {"cpu": cpu}, "limits": {"cpu": "9"}}} for cpu in cpus]
    return {"spec": {"containers": [*containers, {"name": "bare"}]}}


@pytest.mark.parametrize(
    ("requested", "used", "limited", "fits"),
    [
        ("pods=1", "pods=3", "pods=3", True),
        ("pods=1", "pods=4", "pods=3", False),
        ("count/pods=1", "count/pods=1", "count/pods=1", True),
        ("requests.cpu=1500m", "requests.cpu=2", "requests.cpu=2", True),
        ("requests.cpu=1501m", "requests.cpu=2", "requests.cpu=2", False),
        ("cpu=1500m,pods=1", "cpu=2,pods=1", "cpu=2,pods=1", True),
        ("limits.cpu=18", "limits.cpu=18", "limits.cpu=18", True),
        ("services=1", "services=1", "services=1", False),  # It is no Service that goes.
        ("requests.memory=1", "requests.memory=1", "requests.memory=1", False),
        ("pods=1", "services=3", "pods=3", False),
        ("pods=x", "pods=3", "pods=3", True),  # Nothing that can be read is asked for: the server will say so again.
    ],
)
def test_r2_3_whether_a_quota_has_room_without_the_old_object(requested, used, limited, fits):
    excess = Excess.of(exceeded(requested, used, limited))
    assert excess.has_room_without(PODS, pod("1", "500m"), None) is fits


def test_r2_3_what_the_quota_says_of_the_old_object_counts_more():
    excess, alone = (Excess.of(exceeded(f"x={amount}", "x=8", "x=10")) for amount in (5, 3))
    assert not excess.has_room_without(PODS, {}, None)
    assert excess.has_room_without(PODS, {}, alone)
    assert not excess.has_room_without(PODS, {}, alone._replace(quota="other"))


@pytest.mark.parametrize(
    "who",
    [
        'admission webhook "a.b" denied the request: ',
        'admission webhook "a.b" denied the request: pods "p" is forbidden: ',
        "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ",
        "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: ",
        "pods \"p\" is forbidden: policy 'p' with binding 'b' denied request: ",
        'pods "p" is forbidden: policy "p" denied request: ',
        "",
    ],
)
def test_r2_3_only_the_servers_own_quota_is_a_quota(who):
    text = "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"
    assert Excess.of(exceeded("pods=1", "pods=1", "pods=1")).quota == "q"
    assert Excess.of(status_error("POST", {"code": 403, "message": who + text})) is None


def test_what_is_free_once_an_object_is_gone():
    assert freed("count/pods", PODS, {}) == 1
    assert freed("requests.cpu", PODS, pod("1", "bad", "500m")) == Decimal("1.5")
    assert sums(CONFIG, pod("1"), "cpu") == []


def test_r2_4_who_has_to_be_seen_to():
    def seen_to(group, kind, *finalizers):
        return is_seen_to(ObjectKey(group, kind, "n", "a"), {"metadata": {"finalizers": list(finalizers)}})

    assert seen_to("networking.k8s.io", "Ingress", "ingress.k8s.aws/resources")
    assert seen_to("", "Service", "service.kubernetes.io/load-balancer-cleanup", "x.dev/y")
    assert not seen_to("", "Service", "service.kubernetes.io/load-balancer-cleanup")
    assert not seen_to("", "PersistentVolumeClaim", "kubernetes.io/pvc-protection", "foregroundDeletion")
    assert not seen_to("apps", "Deployment", "x.dev/y")
    assert not seen_to("", "ConfigMap")


def test_r2_4_the_group_that_an_object_brings():
    assert group_behind("apiregistration.k8s.io", "APIService", "v1.metrics.example.dev") == "metrics.example.dev"
    assert group_behind("apiextensions.k8s.io", "CustomResourceDefinition", "a.example.dev") == ""
    assert group_behind("", "ConfigMap", "v1.x") == ""
