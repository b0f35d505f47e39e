"""The chart and the kustomize base on a real server: the engine applies them, and the program runs as the server then
has it, under the account's own token and with the rights that they grant.
"""

import contextlib
import json
import multiprocessing
import os
import re
import shutil

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from kind import deployed
from kind.kubelet import NODE, Kubelet, isolates
from kind.operator_world import EXAMPLES, World
from support.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # Helm is built the first time.

MEMCACHED, DEPLOYMENT, SERVICE = "cache.example.com/v1/Memcached", "apps/v1/Deployment", "v1/Service"
SET, LEASE = "apps/v1/StatefulSet", "coordination.k8s.io/v1/Lease"
NAMESPACE, MAP = "v1/Namespace", "v1/ConfigMap"
PROGRAM_TEXT = (EXAMPLES / "memcached/memcached.py").read_text()
GOODBYE = '''

@memcached.on_delete
def goodbye(parent, ctx):
    """Nobody lets a parent go by itself."""
    raise gr.Retry(3600, "never")
'''
OPERATOR = PROGRAM_TEXT.replace('\n\nif __name__ == "__main__":', GOODBYE + '\n\nif __name__ == "__main__":')
NAMES = ["a", "b", "c", "d", "e"]
"""Parents; of two shards and of three, each has some."""
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["genreconcile.controllers.program", "genreconcile.cli.run", "genreconcile.observe.metrics"]
)


@pytest.fixture(scope="module")
def helm():
    return deployed.helm()


@pytest.fixture(scope="module")
def plane():
    with ControlPlane(controller_manager=True) as plane:
        definitions = [deployed.definition(*names) for names in deployed.MONITORS]
        cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        deployed.applied(cluster, [*gr.load([EXAMPLES / "memcached/crd.yaml"]), *definitions, NODE])
        yield plane


def parent(name):
    return {"apiVersion": "cache.example.com/v1", "kind": "Memcached", "metadata": {"name": name}, "spec": {"size": 0}}


class Cluster(World):
    """``ops`` has the program, in Pods that Pod Security looks at; the namespace of the world has the parents."""

    def __init__(self, plane, name, folder):
        super().__init__(plane, name, folder / "log")
        self.ops = plane.create_namespace(f"{name}-ops")
        label = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.patch(NAMESPACE, self.ops, {"metadata": {"labels": label}})
        self.kubelet = Kubelet(plane, self.ops, folder / "kubelet")

    def close(self):
        self.kubelet.close()
        super().close()

    def patch(self, kind, name, body, namespace=""):
        data = json.dumps(body).encode()
        path = self.path(kind, name, namespace)
        self.cluster.request("PATCH", path, body=data, content_type="application/merge-patch+json")

    def parents(self, names):
        for name in names:
            self.create(parent(name))

    def until(self, check, names=()):
        """Until a condition holds, and the Pods of these names are ready."""
        is_ready = (lambda: self.kubelet.sync() == names) if names else (lambda: True)
        return eventually(lambda: is_ready() and check(), self.kubelet.said, pause=0.1)

    def holders(self, release, shards):
        """The Pods that hold the shards."""
        leases = [self.get(LEASE, f"{release}-{number}-of-{shards}", self.ops) for number in range(shards)]
        return [lease and lease["spec"].get("holderIdentity", "").partition("_")[0] for lease in leases]

    def uids(self, objects):
        """Of those that are there."""
        places = [(f"{one['apiVersion']}/{one['kind']}", one["metadata"]) for one in objects]
        found = [self.get(kind, of["name"], of.get("namespace", "")) for kind, of in places]
        return [one["metadata"]["uid"] for one in found if one]

    def account(self, namespace, name):
        """A kubeconfig with a token of a ServiceAccount, and nothing else."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": None}}
        answer = json.loads(self.cluster.request("POST", path, body=json.dumps(asked).encode()))
        config = yaml.safe_load(self.plane.kubeconfig.read_text())
        config["users"] = [{"name": "account", "user": {"token": answer["status"]["token"]}}]
        config["contexts"][0]["context"] |= {"user": "account", "namespace": namespace}
        return config

    def children(self):
        return [
            {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}
            for name in NAMES
            for version, kind in (("apps/v1", "Deployment"), ("v1", "Service"), ("cache.example.com/v1", "Memcached"))
        ]


@pytest.fixture
def cluster(plane, tmp_path, request):
    if not isolates(tmp_path):
        pytest.skip("this machine gives a process no mounts and host name of its own (unshare)")
    cluster = Cluster(plane, re.sub("[^a-z]+", "-", request.node.name).strip("-").removeprefix("test-"), tmp_path)
    yield cluster
    cluster.close()


def roles(cluster, *options):
    """What ``genreconcile rbac`` prints for the operator, and the parents in the cluster's namespace."""
    file = cluster.kubelet.folder / "memcached.py"
    file.write_text(OPERATOR)
    return deployed.rbac(cluster.plane, file, "--watch-namespace", cluster.namespace, *options)


def values(cluster, text, granted, **more):
    return {
        "operator": {"files": {"memcached.py": text}},
        "rbac": {"roles": granted},
        "watchNamespaces": [cluster.namespace],
        "lease": {"duration": 6, "renewDeadline": 4, "retryPeriod": 0.5},
        "metrics": {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboard")},
        **more,
    }


def test_life(plane, helm, cluster, tmp_path):
    """From the chart before to this one and to nothing, with parents that live meanwhile."""
    cluster.parents(NAMES)
    older = shutil.copytree(deployed.CHART, tmp_path / "older")
    text = (older / "Chart.yaml").read_text()
    (older / "Chart.yaml").write_text(text.replace("0.1.0", "0.0.9"))
    granted = roles(cluster, "-o", "json")
    set_ = {"owner": "configmaps/chart", "namespace": cluster.ops}
    before = deployed.template(helm, "memcached", cluster.ops, values(cluster, OPERATOR, granted, shards=2), older)
    made = deployed.applied(cluster.cluster, before, **set_)
    assert {operation for operation, _, _ in made} == {"create"}
    two = ["memcached-0", "memcached-1"]
    cluster.until(lambda: cluster.holders("memcached", 2) == two, two)
    cluster.until(lambda: all(cluster.get(DEPLOYMENT, name) and cluster.get(SERVICE, name) for name in NAMES))
    cluster.set(DEPLOYMENT, "a", "/spec/template/spec/hostNetwork", value=True)
    cluster.delete(SERVICE, "e")
    cluster.until(lambda: "hostNetwork" not in cluster.get(DEPLOYMENT, "a")["spec"]["template"]["spec"])
    cluster.until(lambda: cluster.get(SERVICE, "e"))

    lives = [*before, *cluster.children()]
    uids = cluster.uids(lives)
    assert len(uids) == len(lives)
    newer = OPERATOR.replace("1.6.39", "1.6.40")
    more = {"shards": 3, "replicas": 3, "formerShards": [2]}
    now = deployed.template(helm, "memcached", cluster.ops, values(cluster, newer, granted, **more))
    done = deployed.applied(cluster.cluster, now, **set_)
    assert {operation for operation, _, _ in done} == {"update"}, done
    three = [*two, "memcached-2"]
    cluster.until(lambda: cluster.holders("memcached", 3) == three, three)
    for name in NAMES:
        cluster.until(lambda name=name: "1.6.40" in json.dumps(cluster.get(DEPLOYMENT, name)))
    assert cluster.uids(lives) == uids, "something was deleted and made again"
    assert cluster.kubelet.ended == [0, 0], cluster.kubelet.said()

    last = deployed.template(helm, "memcached", cluster.ops, values(cluster, newer, granted, **more | {"replicas": 0}))
    deployed.applied(cluster.cluster, last, **set_)
    cluster.until(lambda: cluster.kubelet.sync() == [] and not cluster.kubelet.running)
    assert cluster.kubelet.ended == [0] * 5, cluster.kubelet.said()
    cluster.delete(MEMCACHED, "a")
    assert cluster.get(MEMCACHED, "a")["metadata"]["finalizers"] == ["genreconcile.dev/memcached"]
    cluster.run(cluster.kubelet.folder / "memcached.py", "--release")
    assert cluster.process.wait(60) == 0, cluster.said()
    cluster.until(lambda: cluster.get(MEMCACHED, "a") is None)
    assert not any("finalizers" in cluster.get(MEMCACHED, name)["metadata"] for name in NAMES[1:])
    gone = deployed.applied(cluster.cluster, [], allow_empty=True, **set_)
    assert {operation for operation, _, _ in gone} == {"delete"}
    assert len(gone) == len(now)
    cluster.until(lambda: cluster.uids(now) == [])
    assert cluster.get(DEPLOYMENT, "b"), "children stay"


class Lacking:
    """A release whose account lacks one rule, in a namespace of its own with one parent."""

    def __init__(self, cluster, namespace, settings, lack):
        self.cluster, self.lack, self.namespace = cluster, lack, namespace
        self.settings = json.loads(json.dumps(settings).replace(cluster.namespace, namespace))
        self.log = cluster.kubelet.folder / f"{namespace}.log"
        self.process = None

    def objects(self, helm):
        role, number, _ = self.lack
        found = deployed.template(helm, "app", self.namespace, self.settings)
        del next(one for one in found if one["kind"] == "Role" and one["metadata"]["name"] == role)["rules"][number]
        return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}, *found]

    def start(self):
        """The program of the StatefulSet, forked from one that has imported it already."""
        template = self.cluster.get(SET, "app", self.namespace)["spec"]["template"]["spec"]
        (container,) = template["containers"]
        file = self.cluster.kubelet.folder / "memcached.py"
        args = [text.replace("/etc/genreconcile/operator/memcached.py", str(file)) for text in container["args"]]
        args = [text.replace("=:8080", "=127.0.0.1:0") for text in args]
        kubeconfig = self.log.with_suffix(".kubeconfig")
        kubeconfig.write_text(json.dumps(self.cluster.account(self.namespace, template["serviceAccountName"])))
        ordinal = ["--shard-identity=0"] if "shards" in self.settings else []  # Of the Pod's host name.
        command = [*container["command"][1:], *args, "--kubeconfig", str(kubeconfig), *ordinal]
        self.process = FORKS.Process(target=deployed.run, args=(command, str(self.log)))
        self.process.start()

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()

    def said(self):
        return self.log.read_text().replace('\\"', '"') if self.log.exists() else ""

    def tells(self):
        """Whether the program has said, by now, which right it lacks."""
        rule = self.lack[2]
        if rule["resources"] == ["memcacheds/finalizers"]:  # It is asked for before, and a reference does without it.
            deployment = self.cluster.get(DEPLOYMENT, "a", self.namespace)
            return deployment and "blockOwnerDeletion" not in deployment["metadata"]["ownerReferences"][0]
        if rule["resources"] == ["events"]:
            return f"allow create and patch of events.events.k8s.io in the namespace {self.namespace}" in self.said()
        (resource,), (group,), verbs = rule["resources"], rule["apiGroups"], "|".join(rule["verbs"])
        refused = rf'403 Forbidden: .*cannot ({verbs}) resource "{resource}" in API group "{group}" in the namespace'
        return re.search(f'{refused} "{self.namespace}"', self.said())


def test_no_rule_is_superfluous(helm, cluster):
    """A program for each rule of the chart that lacks this one alone, and says so."""
    cluster.parents(["a"])
    granted = roles(cluster, "-o", "json")
    lacking = {}
    for more in ({}, {"shards": 1}):
        settings = values(cluster, OPERATOR, granted, replicas=1, **more)
        for role in deployed.template(helm, "app", cluster.ops, settings):
            for number, rule in enumerate(role.get("rules", ())):
                lacking[json.dumps(rule)] = (settings, (role["metadata"]["name"], number, rule))
    assert len(lacking) == 8 + 2 + 2
    programs = [Lacking(cluster, f"rule-{number}", *one) for number, one in enumerate(lacking.values())]
    deployed.applied(cluster.cluster, [obj for one in programs for obj in one.objects(helm)])
    while few := programs[:4]:
        del programs[:4]
        with contextlib.ExitStack() as stack:
            for one in few:
                stack.callback(one.close)
                cluster.create(parent("a"), one.namespace)
                one.start()
            for one in few:
                eventually(one.tells, lambda one=one: (one.lack, one.said()), pause=0.2)


@pytest.mark.parametrize("how", ["operator", "folder", "kustomize"])
def test_pod_security_lets_the_pods_in(helm, cluster, how, tmp_path):
    if how == "kustomize":
        found = deployed.kustomize(deployed.KUSTOMIZE / "base")
    else:
        found = deployed.template(
            helm, "app", cluster.ops, {how: {"files": {f"a.{'py' if how == 'operator' else 'yaml'}": ""}}}
        )
    pod = deployed.of("StatefulSet", found)["spec"]["template"]
    pod |= {"apiVersion": "v1", "kind": "Pod"}
    pod["metadata"]["name"] = "a"
    pod["spec"]["serviceAccountName"] = "default"
    cluster.kubelet.request("POST", "pods?dryRun=All", pod)
    del pod["spec"]["containers"][0]["securityContext"]["capabilities"]
    with pytest.raises(gr.Forbidden, match="restricted"):
        cluster.kubelet.request("POST", "pods?dryRun=All", pod)


def test_kustomize(cluster, tmp_path):
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on the PATH")
    cluster.parents(["a"])
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "main.py").write_text(OPERATOR)
    account, lease = f"{cluster.ops}:genreconcile", f"{cluster.ops}/genreconcile"
    (overlay / "roles.yaml").write_text(roles(cluster, "--serviceaccount", account, "--lease", lease))
    there = os.path.relpath(deployed.KUSTOMIZE, overlay)
    watch = {"op": "add", "path": "/spec/template/spec/containers/0/args/-"}
    watch["value"] = f"--watch-namespace={cluster.namespace}"
    base = {
        "resources": [f"{there}/base"],
        "components": [f"{there}/monitoring"],
        "namespace": cluster.ops,
        "configMapGenerator": [{"name": "genreconcile", "files": ["main.py"]}],
        "patches": [{"target": {"kind": "StatefulSet"}, "patch": json.dumps([watch])}],
    }
    (overlay / "kustomization.yaml").write_text(json.dumps(base))
    expected = [*deployed.kustomize(overlay), *deployed.objects((overlay / "roles.yaml").read_text())]
    kinds = {one["kind"] for one in expected}
    assert {"StatefulSet", "ServiceMonitor", "PrometheusRule", "ConfigMap", "Role", "RoleBinding"} <= kinds
    deployed.applied(cluster.cluster, expected)
    pods = ["genreconcile-0", "genreconcile-1"]
    cluster.until(lambda: cluster.get(DEPLOYMENT, "a"), pods)
    cluster.set(DEPLOYMENT, "a", "/spec/template/spec/hostNetwork", value=True)
    cluster.until(lambda: "hostNetwork" not in cluster.get(DEPLOYMENT, "a")["spec"]["template"]["spec"], pods)
    # Who stands by looks for the definition of the parents' kind, and does without.
    refused = [line for line in cluster.kubelet.said().splitlines() if "403" in line]
    assert [line for line in refused if "customresourcedefinitions" not in line] == []


def test_a_folder_is_kept(helm, cluster):
    def kept(value):
        kept = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"k": value}}
        return json.dumps(kept)

    def rendered(value):
        folder = {"files": {"kept.yaml": kept(value)}, "namespace": cluster.namespace, "applyset": "configmaps/set"}
        more = {"rbac": {"roles": granted}, "replicas": 1, "watchNamespaces": [cluster.namespace]}
        return deployed.template(helm, "app", cluster.ops, {"folder": folder, **more})

    file = cluster.kubelet.folder / "kept.yaml"
    file.write_text(kept("1"))
    options = ["-n", cluster.namespace, "--applyset", "configmaps/set", "--operator", "--any-name", "-o", "json"]
    granted = deployed.rbac(cluster.plane, "-f", file, *options)
    deployed.applied(cluster.cluster, rendered("1"))
    cluster.until(lambda: cluster.get(MAP, "kept"), ["app-0"])
    cluster.set(MAP, "kept", "/data/drifted", "yes")
    cluster.until(lambda: cluster.get(MAP, "kept")["data"] == {"k": "1"})
    done = deployed.applied(cluster.cluster, rendered("2"))
    assert done == [("update", "ConfigMap", "app")], "no Pod is started again"
    cluster.kubelet.refresh("files")
    cluster.until(lambda: cluster.get(MAP, "kept")["data"] == {"k": "2"})
