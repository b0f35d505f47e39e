"""A reconcile with nothing to do sends nothing: counted by the API server."""

import pytest

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.audit import AuditLog, is_look
from support.objects import config_map, obj, pod_template, service, workload

LABELS = {"app": "noop"}


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    log = AuditLog(tmp_path_factory.mktemp("audit"), "counted")
    with ControlPlane(extra_apiserver_args=log.arguments) as plane:
        plane.create_namespace("noop")
        kubeconfig = plane.user_kubeconfig("counted", ["system:masters"])
        yield gr.connect(kubeconfig=str(kubeconfig)), log


def expected():
    spec = workload(pod_template(LABELS))
    return [
        config_map("c", "noop", labels=LABELS, k="v"),
        service("s", "noop", labels=LABELS),
        obj("apps/v1", "Deployment", "d", "noop", labels=LABELS, spec=spec),
    ]


def test_ten_reconciles_without_drift_send_no_request(counted):
    cluster, log = counted
    with gr.Reconciler(cluster) as reconciler:
        settings = {"delete_from_namespace": "noop", "delete_selector": LABELS}
        assert reconciler.reconcile(expected(), **settings).counts["created"] == 3
        before = log.asked()
        assert any(verb == "create" for verb, _ in before), "the log sees this user"
        for _ in range(10):
            assert reconciler.reconcile(expected(), **settings).counts["unchanged"] == 3
        assert log.asked() == before


def test_one_list_and_one_watch_per_kind_however_many_reconcilers(counted):
    cluster, log = counted
    before = len(log.settled())
    with gr.Cache(cluster) as cache:
        for _ in range(5):
            assert gr.Reconciler(cluster, cache=cache).plan(expected()).summary().endswith("3 unchanged")
        new = log.settled()[before:]
    reads = [(verb, uri) for verb, uri in new if "openapi" not in uri and verb in {"list", "watch"}]
    # The fourth are the autoscalers, which the rule for replicas consults.
    assert len([uri for verb, uri in reads if verb == "list" and not is_look(uri)]) == 4
    assert len({uri.partition("?")[0] for verb, uri in reads if verb == "watch"}) == 4


def test_a_repair_is_one_request(counted):
    cluster, log = counted
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(expected()).raise_for_failures()
        before = len(log.asked())
        changed = expected()
        changed[0]["data"]["k"] = "other"
        assert reconciler.reconcile(changed).counts["configured"] == 1
        assert [verb for verb, _ in log.asked()[before:]] == ["patch"]


def test_a_patch_that_the_server_does_not_want_never_becomes_a_loop(counted):
    """One default without its rule: the server takes the patch that removes it, twice, and keeps the object."""
    cluster, log = counted
    gap = gr.Registry(rule for rule in gr.Registry.builtin().rules if rule.id != "service-session-affinity")
    with gr.Reconciler(cluster, rules=gap) as reconciler:
        service = expected()[1:2]
        before = len(log.asked())
        reasons = [reconciler.reconcile(service).outcomes[0].reason for _ in range(5)]
        verbs = [verb for verb, _ in log.asked()[before:]]
    assert verbs.count("patch") == 2
    assert reasons[:2] == ["rule gap: it took the patch and kept the object"] * 2
    assert reasons[2:] == ["rule gap at /spec/sessionAffinity"] * 3
