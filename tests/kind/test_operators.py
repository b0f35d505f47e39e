"""Operators on a real API server with its controllers: the examples, as their users run them."""

import base64
import signal
import sys

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from kind.operator_world import EXAMPLES, PROGRAM, World
from support.eventually import eventually

MEMCACHED, SHOP = "cache.example.com/v1/Memcached", "shops.example.com/v1/Shop"
BACKEND, TENANT = "apps.example.com/v1/Backend", "tenancy.example.com/v1/Tenant"
DEPLOYMENT, SERVICE, MAP, SECRET = "apps/v1/Deployment", "v1/Service", "v1/ConfigMap", "v1/Secret"
NAMESPACE, CLAIM, QUOTA, POD = "v1/Namespace", "v1/PersistentVolumeClaim", "v1/ResourceQuota", "v1/Pod"
DEFINITIONS = [EXAMPLES / f"{name}/crd.yaml" for name in ("memcached", "rotated_secret", "tenants", "composite")]
ROLE = "rbac.authorization.k8s.io/v1/Role"
HOST_NETWORK = "/spec/template/spec/hostNetwork"


@pytest.fixture(scope="module")
def plane():
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane:
        # All kinds at once: the garbage collector looks for new ones every 30 seconds.
        with gr.Reconciler(gr.connect(kubeconfig=str(plane.kubeconfig)), field_manager="author") as reconciler:
            reconciler.reconcile(gr.load(DEFINITIONS)).raise_for_failures()
        yield plane


@pytest.fixture
def world(plane, tmp_path):
    worlds = []

    def world(namespace):
        worlds.append(World(plane, namespace, tmp_path / f"{namespace}.log"))
        return worlds[-1]

    yield world
    for one in worlds:
        one.close()


def ends_well(world):
    code, said = world.end()
    assert code == 0, said
    assert "Traceback" not in said, said


def test_an_example_runs_as_a_program_of_its_own(world):
    world = world("program")
    world.apply("memcached/sample.yaml")
    world.start(sys.executable, EXAMPLES / "memcached/memcached.py")
    eventually(lambda: world.get(DEPLOYMENT, "cache"), world.said)
    ends_well(world)


class Revisions:
    """Revisions of a folder of manifests, of which a link names one, as git-sync lays them."""

    def __init__(self, folder):
        self.folder, self.link, self.number = folder, folder / "current", 0

    def lay(self, **files):
        """Lay a new revision, and swap the link."""
        self.number += 1
        revision = self.folder / str(self.number)
        revision.mkdir()
        for name, text in files.items():
            (revision / f"{name}.yaml").write_text(text)
        new = self.folder / "new"
        new.symlink_to(revision.name)
        new.rename(self.link)


def manifests(**changed):
    folder = EXAMPLES / "kept_folder/manifests"
    found = {file.stem: file.read_text() for file in folder.iterdir()} | changed
    return {name: text for name, text in found.items() if text is not None}


@pytest.fixture
def revisions(tmp_path):
    revisions = Revisions(tmp_path)
    revisions.lay(**manifests())
    return revisions


def test_kept_folder(world, revisions):
    world = world("shop")
    world.start(PROGRAM, "run", EXAMPLES / "kept_folder/kept.py", MANIFESTS=str(revisions.link))
    eventually(lambda: world.get(DEPLOYMENT, "web"), world.said)
    eventually(lambda: world.get(MAP, "settings"))
    kept = {"ConfigMap,Deployment.apps,Service"}
    parent = world.get(MAP, "shop")["metadata"]["annotations"]
    assert {parent["applyset.kubernetes.io/contains-group-kinds"]} == kept

    world.set(DEPLOYMENT, "web", HOST_NETWORK, value=True)
    eventually(lambda: "hostNetwork" not in world.get(DEPLOYMENT, "web")["spec"]["template"]["spec"])
    revisions.lay(**manifests(settings=manifests()["settings"].replace("EUR", "CHF")))
    eventually(lambda: world.get(MAP, "settings")["data"] == {"currency": "CHF"})

    revisions.lay(web="kind: [")
    eventually(lambda: "web.yaml" in world.said())
    world.delete(SERVICE, "web")
    revisions.lay(**manifests(settings=None))
    eventually(lambda: world.get(MAP, "settings") is None, world.said)
    eventually(lambda: world.get(SERVICE, "web"))
    ends_well(world)


def test_a_broken_folder_changes_nothing(world, revisions):
    world = world("broken")
    keep = ["-f", revisions.link, "--applyset", "configmaps/set", "-n", world.namespace]
    world.run(*keep)
    eventually(lambda: world.get(MAP, "settings"), world.said)
    revisions.lay(web="kind: [")
    eventually(lambda: "web.yaml" in world.said())
    world.set(MAP, "settings", "/data/drifted", "yes")
    eventually(lambda: world.said().count("web.yaml") > 2)
    assert world.get(DEPLOYMENT, "web")
    assert "drifted" in world.get(MAP, "settings")["data"]
    ends_well(world)

    before = versions(world)
    revisions.lay(**manifests(web=None, other=yaml.safe_dump(config("other"))))
    world.run(*keep, "--mode", "detect")
    for told in (
        f"would create ConfigMap {world.namespace}/other",
        f"would update ConfigMap {world.namespace}/settings: /data/drifted",
        f"would delete Deployment.apps {world.namespace}/web",
    ):
        eventually(lambda told=told: told in world.said(), world.said)
    ends_well(world)
    assert versions(world) == before
    assert world.get(DEPLOYMENT, "web")
    assert {*before} == {"kube-root-ca.crt", "set", "settings"}


def versions(world):
    """The versions of the ConfigMaps; nobody else writes those."""
    return {name: world.get(MAP, name)["metadata"]["resourceVersion"] for name in world.names(MAP)}


def config(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "v"}}


def test_rotated_secret(world):
    world = world("rotated")
    world.apply("rotated_secret/sample.yaml")
    world.run(EXAMPLES / "rotated_secret/backend.py")
    eventually(lambda: world.condition(BACKEND, "orders") == "True", world.said)
    before = world.get(BACKEND, "orders")["status"]["credentials"]
    pods = world.names(POD)
    assert len(pods) == 2

    world.set(SECRET, "database", "/data/PASSWORD", base64.b64encode(b"c4n4ry").decode())
    eventually(lambda: world.get(BACKEND, "orders")["status"]["credentials"] != before)
    eventually(lambda: not {*pods} & {*world.names(POD)}, "the Pods are new ones")
    eventually(lambda: world.condition(BACKEND, "orders") == "True")

    world.delete(SECRET, "database")
    eventually(lambda: world.condition(BACKEND, "orders") == "False")
    assert world.get(DEPLOYMENT, "orders"), "what runs goes on"
    ends_well(world)
    assert "c4n4ry" not in world.said()


def follows_its_parent(world):
    """The life of the Memcached ``cache`` and its children, whoever runs the function."""
    deployment = eventually(lambda: world.get(DEPLOYMENT, "cache"), world.said)
    assert deployment["spec"]["replicas"] == 3
    eventually(lambda: world.get(SERVICE, "cache"))
    world.set(DEPLOYMENT, "cache", HOST_NETWORK, value=True)
    eventually(lambda: "hostNetwork" not in world.get(DEPLOYMENT, "cache")["spec"]["template"]["spec"])
    world.delete(SERVICE, "cache")
    eventually(lambda: world.get(SERVICE, "cache"))
    world.set(MEMCACHED, "cache", "/spec/size", 1)
    eventually(lambda: world.get(DEPLOYMENT, "cache")["spec"]["replicas"] == 1)


def goes_with_its_parent(world):
    world.delete(MEMCACHED, "cache")
    eventually(lambda: world.get(MEMCACHED, "cache") is None)
    eventually(lambda: world.get(DEPLOYMENT, "cache") is None)
    eventually(lambda: world.get(SERVICE, "cache") is None)


def test_the_memcached_operator(world):
    world = world("memcached")
    world.apply("memcached/sample.yaml")
    program = EXAMPLES / "memcached/memcached.py"
    world.run(program)
    eventually(lambda: world.condition(MEMCACHED, "cache") == "True", world.said)
    assert len(world.get(MEMCACHED, "cache")["status"]["nodes"]) == 3
    follows_its_parent(world)
    eventually(lambda: world.get(MEMCACHED, "cache")["status"]["observedGeneration"] == 2)

    world.end(signal.SIGKILL)
    world.set(MEMCACHED, "cache", "/spec/size", 2)
    world.run(program)
    eventually(lambda: world.get(DEPLOYMENT, "cache")["spec"]["replicas"] == 2)
    goes_with_its_parent(world)
    ends_well(world)


def test_kopf_handlers(world):
    world = world("kopf")
    world.apply("kopf_handlers/sample.yaml")
    program = EXAMPLES / "kopf_handlers/handlers.py"
    world.start(sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", world.namespace, program)
    follows_its_parent(world)
    goes_with_its_parent(world)
    ends_well(world)


def test_tenants(world):
    world = world("archive")
    world.apply("tenants/sample.yaml")
    world.run(EXAMPLES / "tenants/tenant.py", everywhere=True)
    for place in ("blue-web", "blue-data"):
        eventually(lambda place=place: world.get(ROLE, "team", place), world.said)
        eventually(lambda place=place: world.get(QUOTA, "team", place))
    claim = eventually(lambda: world.get(CLAIM, "blue"))
    assert "ownerReferences" not in claim["metadata"]

    world.set(QUOTA, "team", "/spec/hard/pods", "1000", "blue-web")
    eventually(lambda: world.get(QUOTA, "team", "blue-web")["spec"]["hard"]["pods"] == "20")
    world.set(TENANT, "blue", "/spec/teams", ["web"])
    eventually(lambda: world.get(NAMESPACE, "blue-data") is None)

    container = {"name": "a", "image": "a"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [container]}}
    world.create(pod, "blue-web")
    world.delete(TENANT, "blue")
    eventually(lambda: "Pods of web still run" in str(world.get(TENANT, "blue")["status"]["conditions"]), world.said)
    assert "deletionTimestamp" not in world.get(NAMESPACE, "blue-web")["metadata"]
    world.delete(POD, "a", "blue-web")
    eventually(lambda: world.get(TENANT, "blue") is None, world.said)
    eventually(lambda: world.get(NAMESPACE, "blue-web") is None)
    assert "deletionTimestamp" not in world.get(CLAIM, "blue")["metadata"]
    ends_well(world)


def first_ready(cache):
    """The versions at which a parent of each kind was ready for the first time; filled as time goes by."""
    found = {}

    def note(event):
        conditions = event.record.decode().get("status", {}).get("conditions") or ()
        if ("Ready", "True") in [(one["type"], one["status"]) for one in conditions]:
            found.setdefault(event.key.kind, int(event.resource_version))

    cache.subscribe(note)
    for kind in (SHOP, MEMCACHED):
        cache.add(kind)
    return found


def test_composite(world):
    world = world("composite")
    world.apply("composite/sample.yaml")
    with gr.Cache(world.cluster, namespaces=[world.namespace]) as cache:
        first = first_ready(cache)
        world.run(EXAMPLES / "memcached/memcached.py", EXAMPLES / "composite/shop.py")
        eventually(lambda: len(first) == 2, world.said)
        assert first["Memcached"] < first["Shop"], "it is ready when its parts are, and not before"
    eventually(lambda: len(world.get(SHOP, "toys")["status"]["nodes"]) == 2)
    assert world.get(MAP, "toys")["data"] == {"memcached": "toys.composite.svc:11211"}
    world.set(SHOP, "toys", "/spec/caches", 3)
    eventually(lambda: len(world.get(SHOP, "toys")["status"]["nodes"]) == 3)
    eventually(lambda: world.condition(SHOP, "toys") == "True")

    world.delete(SHOP, "toys")
    for kind in (SHOP, MEMCACHED, DEPLOYMENT, SERVICE, MAP):
        eventually(lambda kind=kind: world.get(kind, "toys") is None)
    ends_well(world)
