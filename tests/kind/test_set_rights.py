"""``rbac -f`` and ``run -f`` on a real server: a folder is kept under exactly the roles that are printed for it."""

import json
import shutil
import subprocess

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from kind.operator_world import PROGRAM, World
from support.audit import AuditLog
from support.eventually import eventually

USER, SET = "keeper", "configmaps/kept"
MAP, SERVICE = "v1/ConfigMap", "v1/Service"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    log = AuditLog(tmp_path_factory.mktemp("audit"), USER)
    with ControlPlane(extra_apiserver_args=log.arguments) as plane:
        yield plane, log


@pytest.fixture
def world(served, tmp_path, request):
    world = World(served[0], request.node.name.replace("_", "-")[:40].strip("-"), tmp_path / "log")
    yield world
    world.close()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "manifests"
    folder.mkdir()
    return folder


def write(folder, kind, name, namespace=None, **content):
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    api_version, _, kind = kind.rpartition("/")
    text = yaml.safe_dump({"apiVersion": api_version, "kind": kind, "metadata": metadata, **content})
    new = folder / f".{name}.new"
    new.write_text(text)
    new.rename(folder / f"{name}.yaml")


def allow(world, folder, *options):
    """Grant what ``rbac`` prints for the folder."""
    of_set = ["-f", folder, "-n", world.namespace, "--applyset", SET, "--any-name"]
    command = [PROGRAM, "rbac", *of_set, "--operator", "--user", USER, *options]
    environment = {"KUBECONFIG": str(world.plane.kubeconfig)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    roles = list(yaml.safe_load_all(done.stdout))
    with gr.Reconciler(world.cluster, field_manager="author") as author:
        author.reconcile(roles).raise_for_failures()
    return roles


def keep(world, folder, *options):
    kubeconfig = world.plane.user_kubeconfig(USER, [])
    of_set = ["-f", folder, "-n", world.namespace, "--applyset", SET]
    world.start(PROGRAM, "run", *of_set, "--kubeconfig", kubeconfig, *options)


def refused(log, since):
    return [event["requestURI"] for event in of_user(log)[since:] if event["responseStatus"]["code"] == 403]


def of_user(log):
    return [event for event in log.events() if event["user"]["username"] == USER]


def test_a_folder_is_kept_under_what_is_printed(served, world, folder):
    _, log = served
    since = len(of_user(log))
    write(folder, MAP, "settings", data={"greeting": "hello"})
    write(folder, SERVICE, "web", spec={"ports": [{"port": 80}]})
    roles = allow(world, folder, "--events")
    assert {role["kind"] for role in roles} == {"Role", "RoleBinding"}
    keep(world, folder)
    eventually(lambda: world.get(MAP, "settings") and world.get(SERVICE, "web"), world.said)
    world.set(MAP, "settings", "/data/greeting", "changed")
    eventually(lambda: world.get(MAP, "settings")["data"] == {"greeting": "hello"}, world.said)
    (folder / "web.yaml").unlink()
    eventually(lambda: world.get(SERVICE, "web") is None, world.said)
    code, said = world.end()
    assert code == 0, said
    assert refused(log, since) == []
    events = json.loads(world.cluster.request("GET", f"/apis/events.k8s.io/v1/namespaces/{world.namespace}/events"))
    assert {event["regarding"]["name"] for event in events["items"]} >= {"settings"}


def test_it_follows_its_folder_into_another_namespace(served, world, folder):
    plane, log = served
    since, other = len(of_user(log)), plane.create_namespace(f"{world.namespace}-other")
    write(folder, MAP, "settings")
    allow(world, folder)
    keep(world, folder, "--no-events")
    eventually(lambda: world.get(MAP, "settings"), world.said)
    away = folder.parent / "more"
    shutil.copytree(folder, away)
    write(away, MAP, "more", other)
    allow(world, away)
    write(folder, MAP, "more", other)
    eventually(lambda: world.get(MAP, "more", other), world.said)
    world.set(MAP, "more", "/data", {"k": "v"}, other)
    eventually(lambda: "data" not in world.get(MAP, "more", other), world.said)
    assert world.end()[0] == 0
    (folder / "more.yaml").unlink()  # While it does not run: its record says where the member is.
    keep(world, folder, "--no-events")
    eventually(lambda: world.get(MAP, "more", other) is None, world.said)
    assert world.end()[0] == 0
    assert refused(log, since) == []


def test_a_folder_of_many_namespaces_is_read_whole_where_that_is_allowed(served, world, folder):
    plane, log = served
    since = len(of_user(log))
    for number in range(6):
        write(folder, MAP, f"m{number}", plane.create_namespace(f"{world.namespace}-{number}"))
    allow(world, folder, "-A")
    keep(world, folder, "--no-events")
    eventually(lambda: all(world.get(MAP, f"m{n}", f"{world.namespace}-{n}") for n in range(6)), world.said)
    assert world.end()[0] == 0
    lists = {e["requestURI"].partition("?")[0] for e in of_user(log)[since:] if e["verb"] in {"list", "watch"}}
    assert {place for place in lists if place.endswith("/configmaps")} == {"/api/v1/configmaps"}
    assert refused(log, since) == []
