"""Deletion that looks at all kinds which the server can list and delete, and says at which it looked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from support.api.passing import Passing
from support.deletion_ground import LABELS, Ground, statuses
from support.eventually import eventually

PROGRAM = Path(sys.executable).with_name("genreconcile")
EVERY = {"kinds": "*"}
# One of each, of kinds that no expected object has.
STRAYS = [
    ("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"}}),
    ("secrets", {"apiVersion": "v1", "kind": "Secret", "stringData": {"k": "hush"}}),
    ("roles", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": []}),
    ("leases", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {}}),
    ("horizontalpodautoscalers", {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}},
    }),
    ("endpointslices", {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": [],
    }),
]  # fmt: skip


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def strays(ground):
    """What nobody expects; two more that are the server's own or a controller's."""
    for plural, obj in STRAYS:
        metadata = {"name": f"stray-{plural}", "namespace": ground.namespace, "labels": LABELS}
        post = ground.admin_post if "/" in obj["apiVersion"] else lambda plural, obj: ground.post(obj, plural)
        post(plural, {**obj, "metadata": metadata})
    owner = ground.post(ground.config("owner", labels={}))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    controlled = {"name": "controlled", "namespace": ground.namespace, "labels": LABELS}
    slice_ = {**STRAYS[-1][1], "metadata": {**controlled, "ownerReferences": [{**reference, "controller": True}]}}
    ground.admin_post("endpointslices", slice_)
    event = {"involvedObject": {"kind": "ConfigMap", "namespace": ground.namespace, "name": "owner"}, "reason": "x"}
    ground.post({"apiVersion": "v1", "kind": "Event", "metadata": {**controlled, "name": "event"}, **event}, "events")
    return ground


def deletions(plan):
    return {change.key.name for change in plan.changes if change.operation == "delete"}


def test_r5_every_kind_is_looked_at_and_named(strays):
    names = {f"stray-{plural}" for plural, _ in STRAYS}
    with gr.Reconciler(strays.cluster, namespaces=[strays.namespace]) as reconciler:
        expected = [strays.config("expected")]
        assert reconciler.plan(expected).looked_at == ()
        plain = reconciler.plan(expected, **strays.settings)
        assert deletions(plain) == {"stray-configmaps"}
        assert list(map(str, plain.looked_at)) == ["v1/ConfigMap"]
        assert eventually(lambda: deletions(reconciler.plan(expected, **strays.settings, **EVERY)) == names)
        plan = reconciler.plan(expected, **strays.settings, **EVERY)
        looked = list(map(str, plan.looked_at))
        assert looked == sorted(looked, key=gr.GVK.parse)
        assert {"v1/Secret", "apps/v1/Deployment", "networking.k8s.io/v1/Ingress"} < set(looked)
        # What is never deleted, cannot be, or has no namespace.
        assert not {"v1/Event", "events.k8s.io/v1/Event", "v1/Endpoints", "v1/Namespace", "v1/Binding"} & set(looked)
        assert len({gr.GVK.parse(text)[::2] for text in looked}) == len(looked), "one version of each kind"
        assert "controlled" in {change.key.name for change in plan.spared}
        strays.cluster.requests.clear()
        result = reconciler.reconcile(expected, **strays.settings, **EVERY, max_deletions=len(names))
        assert statuses(result) == {"expected": "created", **dict.fromkeys(names, "deleted")}
        assert result.looked_at == plan.looked_at
        assert eventually(lambda: not deletions(reconciler.plan(expected, **strays.settings, **EVERY)))
        strays.cluster.requests.clear()
        assert reconciler.reconcile(expected, **strays.settings, **EVERY).summary() == "1 unchanged"
        assert strays.cluster.requests == []


def test_r5_what_is_only_looked_at_is_read_as_metadata(strays):
    accepted = []

    class Watched(Passing):
        def request(self, method, path, **settings):
            if path.endswith("/secrets"):
                accepted.append(settings.get("accept", ""))
            return super().request(method, path, **settings)

    with gr.Reconciler(Watched(strays.cluster.cluster), namespaces=[strays.namespace]) as reconciler:
        plan = reconciler.plan([], **strays.settings, **EVERY, allow_empty=True)
        (secret,) = [change for change in plan.changes if change.key.kind == "Secret"]
        assert (secret.operation, set(secret.live)) == ("delete", {"apiVersion", "kind", "metadata"})
    assert accepted
    assert all("PartialObjectMetadata" in accept for accept in accepted)


def test_r5_an_owner_set_looks_at_kinds_without_namespaces_too(ground):
    settings = {"namespace": ground.namespace, "owner": "configmaps/set"}
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace]) as reconciler:
        reconciler.reconcile([ground.config("a")], **settings).raise_for_failures()
        plan = reconciler.plan([ground.config("a")], **settings, **EVERY)
        assert {"v1/Namespace", "rbac.authorization.k8s.io/v1/ClusterRole"} < set(map(str, plan.looked_at))
        assert plan.counts["delete"] == 0


def test_r5_kinds_that_may_not_be_listed_are_named(strays):
    """Whoever may read and delete ConfigMaps alone."""
    user = f"few-{strays.namespace}"
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}
    metadata = {"name": "few", "namespace": strays.namespace}
    rbac = "rbac.authorization.k8s.io"
    strays.admin_post("roles", {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]})
    strays.admin_post("rolebindings", {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "few"},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}],
    })  # fmt: skip
    cluster = gr.connect(kubeconfig=str(strays.plane.user_kubeconfig(user)))
    with gr.Reconciler(cluster, namespaces=[strays.namespace]) as reconciler:
        plan = reconciler.plan([], **strays.settings, **EVERY, allow_empty=True)
        assert deletions(plan) == {"stray-configmaps"}
        assert list(map(str, plan.looked_at)) == ["v1/ConfigMap"]
        forbidden = [warning for warning in plan.warnings if "the kind cannot be read" in warning]
        assert any(warning.startswith("v1/Secret: nothing deleted") for warning in forbidden)
        assert len(forbidden) > 20


def command(ground, file, *options):
    line = [PROGRAM, *options, "-f", str(file), "--kubeconfig"]
    line += [str(ground.plane.kubeconfig), "--delete-from-namespace", ground.namespace, "--delete-selector"]
    return subprocess.run([*line, "app=guarded"], capture_output=True, text=True, check=False)


def test_r5_the_command_line_says_where_it_looked(strays, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(yaml.safe_dump(strays.config("expected")))
    done = command(strays, file, "plan", "-o", "text")
    assert "\ndeletion looked at v1/ConfigMap\n1 to create, 0 to update, 1 to delete" in done.stdout, done.stderr
    done = command(strays, file, "apply", "--kinds", "*", "--max-deletions", "9", "-o", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["summary"]["deleted"]) == (0, len(STRAYS)), done.stderr
    assert {"v1/ConfigMap", "v1/Secret", "apps/v1/Deployment"} <= set(found["lookedAt"])
    done = command(strays, file, "plan", "--kinds", "*", "-o", "text")
    assert done.stdout.startswith("deletion looked at v1/ConfigMap, ")
    assert " more\n0 to create" in done.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Namespce", "is no kind that the server has; write Kind.group; did you mean Namespace?"),
        ("deployment.apps", "did you mean Deployment.apps?"),
        ("Widget.nowhere.dev", "'Widget.nowhere.dev' is no kind that the server has"),
    ],
)
def test_r5_a_kind_in_delete_kinds_that_nobody_has_is_refused(ground, name, told):
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace]) as reconciler:
        for call in (reconciler.plan, reconciler.reconcile, reconciler.rights):
            with pytest.raises(gr.InputError, match=told):
                call([ground.config("a")], delete_kinds=[name])
        assert ground.cluster.writes == []
        for known in ("Deployment.apps", "Namespace", "PersistentVolumeClaim"):
            reconciler.plan([ground.config("a")], delete_kinds=[known])
