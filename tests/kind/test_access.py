"""The engine under exactly the Role that ``genreconcile rbac`` prints, and under that Role less one verb."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support import objects
from support.api.passing import Passing
from support.audit import AuditLog
from support.eventually import eventually
from support.pages import texts

PROGRAM = Path(sys.executable).with_name("genreconcile")
USER = "least"
LABELS = {"app": "least"}
WIDGETS = yaml.safe_load((Path(__file__).parent / "widget.yaml").read_text("utf-8"))
SCHEDULING, WIDGET = "scheduling.k8s.io/v1", "example.genreconcile.dev/v1"
DELETION = {"delete_from_namespace": "shop", "delete_selector": LABELS, "kinds": ["v1/Service"]}
FLAGS = ["--delete-from-namespace", "shop", "--delete-selector", "app=least", "--kinds", "v1/Service"]
ROLES = "/apis/rbac.authorization.k8s.io/v1"


def obj(api_version, kind, name, namespace="shop", **more):
    return objects.obj(api_version, kind, name, namespace, labels=LABELS, **more)


def expected():
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    backend = {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    return [
        obj("v1", "ConfigMap", "config", data={"k": "v"}),
        obj("v1", "ConfigMap", "config", namespace="other", data={"k": "v"}),
        obj("v1", "Secret", "secret", stringData={"k": "v"}),
        obj("apps/v1", "Deployment", "web", spec={"selector": {"matchLabels": LABELS}, "template": pod}),
        obj("networking.k8s.io/v1", "Ingress", "web", spec=backend),
        obj(WIDGET, "Widget", "widget", spec={"size": 1}),
        obj(SCHEDULING, "PriorityClass", "least", namespace="", value=7),
    ]


def stray():
    return obj("v1", "ConfigMap", "stray")


class Server:
    """A control plane, the files of the expected set, and the rights of one user there."""

    def __init__(self, plane, log, folder):
        self.log, self.folder = log, folder
        self.admin = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.kubeconfig = plane.user_kubeconfig(USER)
        self.user = gr.connect(kubeconfig=str(self.kubeconfig))
        (folder / "all.yaml").write_text(yaml.safe_dump_all(expected()))

    def printed(self, *options, kubeconfig=None):
        """What rbac prints to somebody who may do nothing: objects, and the whole text."""
        command = [PROGRAM, "rbac", "-f", self.folder / "all.yaml", "--user", USER, *options]
        command += ["--kubeconfig", str(kubeconfig or self.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        told = [line for line in done.stdout.splitlines() if line.startswith("# Warning: ")]
        assert all(line.endswith(("[GR616]", "[GR617]")) for line in told)
        assert [f"warning: {line.removeprefix('# Warning: ')}" for line in told] == done.stderr.splitlines()
        return [found for found in yaml.safe_load_all(done.stdout) if found], done

    def grant(self, objects):
        """Replace what the user may do; returns when the server knows."""
        for role in objects:
            path = path_of(role)
            self.remove(path)
            self.admin.request("POST", path.rpartition("/")[0], body=json.dumps(role).encode())
        for role in objects:
            for rule in role.get("rules", ()):
                for verb in rule["verbs"]:
                    self.wait(role, rule, verb, allowed=True)

    def remove(self, path):
        with contextlib.suppress(gr.NotFound):
            self.admin.request("DELETE", path)

    def revoke(self, role, index, verb):
        rules = json.loads(json.dumps(role["rules"]))
        rules[index]["verbs"].remove(verb)
        rules = [rule for rule in rules if rule["verbs"]]
        body = json.dumps([{"op": "replace", "path": "/rules", "value": rules}]).encode()
        self.admin.request("PATCH", path_of(role), body=body, content_type="application/json-patch+json")
        self.wait(role, role["rules"][index], verb, allowed=False)

    def wait(self, role, rule, verb, *, allowed):
        attributes = {"verb": verb, "group": rule["apiGroups"][0], "resource": rule["resources"][-1]}
        attributes |= {"namespace": role["metadata"].get("namespace", ""), "name": rule.get("resourceNames", [""])[-1]}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        body = json.dumps({**body, "spec": {"resourceAttributes": attributes}}).encode()
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        eventually(
            lambda: json.loads(self.user.request("POST", path, body=body))["status"]["allowed"] == allowed,
            f"{attributes} is {allowed}",
        )

    def reconciler(self, **settings):
        settings = {"check_access": "write", "namespaces": ["shop", "other"], **settings}
        return gr.Reconciler(self.user, **settings)


def path_of(role):
    namespace = role["metadata"].get("namespace")
    plural = role["kind"].lower() + "s"
    return "/".join([ROLES, *(["namespaces", namespace] if namespace else []), plural, role["metadata"]["name"]])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    log = AuditLog(folder, USER)
    with ControlPlane(extra_apiserver_args=log.arguments) as plane:
        plane.create_namespace("shop")
        plane.create_namespace("other")
        with gr.Reconciler(gr.connect(kubeconfig=str(plane.kubeconfig))) as admin:
            admin.reconcile([WIDGETS]).raise_for_failures()
        yield Server(plane, log, folder)


def verbs(roles):
    """(namespace, resource, verb) of all rules."""
    return {
        (role["metadata"].get("namespace", ""), resource, verb)
        for role in roles
        for rule in role.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_rights_of_a_lease_are_those_of_the_page(server):
    printed, _ = server.printed("--lease", "locks/apps", "--any-name")
    (role,) = (one for one in printed if "rules" in one and one["metadata"].get("namespace") == "locks")
    page = (Path(__file__).parents[2] / "docs/operators.md").read_text("utf-8")
    (told,) = (text for text in texts(page, "yaml") if "resourceNames: [apps]" in text)
    assert role["rules"] == yaml.safe_load(told)["rules"]
    printed, _ = server.printed("--lease", "locks/apps", "--shards", "3", "--any-name")
    (role,) = (one for one in printed if "rules" in one and one["metadata"].get("namespace") == "locks")
    (told,) = (text for text in texts(page, "yaml") if "apps-0-of-3" in text)
    assert role["rules"] == yaml.safe_load(told)["rules"]
    _, done = server.printed("--lease", "apps")
    assert "resourceNames:\n  - apps\n" in done.stdout


def test_the_printed_roles_grant_no_more_than_is_used(server):
    printed, done = server.printed(*FLAGS)
    roles = [role for role in printed if "rules" in role]
    assert {(role["kind"], role["metadata"].get("namespace")) for role in roles} == {
        ("Role", "shop"), ("Role", "other"), ("ClusterRole", None)
    }  # fmt: skip
    text = json.dumps(roles)
    assert not any(word in text for word in ("*", "escalate", "bind", "impersonate", "update", "deletecollection"))
    for role in roles:
        for rule in role["rules"]:
            by_name = {"get", "patch"} & set(rule["verbs"])
            assert bool(by_name) == bool(rule.get("resourceNames")), rule
    assert ("other", "configmaps", "delete") not in verbs(roles)
    assert ("", "priorityclasses", "delete") not in verbs(roles)
    assert not any(resource == "customresourcedefinitions" for _, resource, _ in verbs(roles))
    assert "Secret: whoever may list and watch it" in done.stderr


def test_under_exactly_that_role(server):
    """Create, repair, delete, all of it; the server's audit log shows that each right was used, and no other wanted."""
    printed, _ = server.printed(*FLAGS)
    server.grant(printed)
    before = len(server.log.settled())
    with server.reconciler(follow_definitions=False) as reconciler:
        assert reconciler.reconcile(expected(), **DELETION).counts["created"] == len(expected())
        for broken in expected():
            change(server.admin, broken)
        server.admin.request("POST", "/api/v1/namespaces/shop/configmaps", body=json.dumps(stray()).encode())
        eventually(lambda: knows_of_all(reconciler.plan(expected(), **DELETION)))
        result = reconciler.reconcile(expected(), **DELETION)
        result.raise_for_failures()
        assert (result.counts["configured"], result.counts["deleted"], result.warnings) == (len(expected()), 1, ())
        used = server.log.settled()[before:]
        asked = server.log.asked()
        for _ in range(3):
            assert reconciler.reconcile(expected(), **DELETION).counts["unchanged"] == len(expected())
        assert server.log.asked() == asked, "what is granted is not asked for again"
    used = {found for found in map(place, used) if found}
    granted = verbs(printed)
    assert used <= granted
    # A get follows a write that lost a race; only one of the kinds had something to delete.
    assert {verb for _, _, verb in granted - used} <= {"get", "delete"}


def knows_of_all(plan):
    """Each kind has a watch of its own, and one that was cut says so for a moment."""
    return (plan.counts["update"], plan.counts["delete"], plan.warnings) == (len(expected()), 1, ())


def change(admin, target):
    """Edit an object by hand: a label that nobody expects."""
    operations = [{"op": "add", "path": "/metadata/labels/by-hand", "value": "yes"}]
    with gr.Reconciler(admin) as finder:
        path = finder._engine.catalog.resource(gr.GVK.of(target)).path(
            target["metadata"].get("namespace", ""), target["metadata"]["name"]
        )
    admin.request("PATCH", path, body=json.dumps(operations).encode(), content_type="application/json-patch+json")


def place(request):
    """(namespace, resource, verb) of a request for an object; None for discovery, schemas and reviews."""
    verb, uri = request
    parts = uri.partition("?")[0].strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:] if parts[0] == "apis" else []
    if not parts or parts[0].startswith("selfsubject"):
        return None
    namespace = parts[1] if parts[0] == "namespaces" else ""
    return namespace, parts[2] if namespace else parts[0], verb


def racing(server):
    """A connection on which somebody else is always a moment faster to create ConfigMaps."""

    class Racing(Passing):
        def request(self, method, path, **settings):
            if method == "POST" and path.endswith("/configmaps"):
                server.admin.request("POST", path, body=settings["body"])
            return super().request(method, path, **settings)

    return Racing(gr.connect(kubeconfig=str(server.kubeconfig)))


def test_a_conflict_is_read_again_by_get(server):
    """The one use of ``get``: an object that somebody else created at the same moment."""
    printed, _ = server.printed(*FLAGS)
    server.grant(printed)
    server.remove("/api/v1/namespaces/shop/configmaps/config")
    before = len(server.log.settled())
    with gr.Reconciler(racing(server), check_access="write", namespaces=["shop"]) as reconciler:
        assert [outcome.status for outcome in reconciler.reconcile(expected()[:1])] == ["unchanged"]
    assert ("shop", "configmaps", "get") in map(place, server.log.settled()[before:])


def test_without_get_a_conflict_is_one_object_s_failure(server):
    """The error of that one read ended the whole reconcile."""
    printed, _ = server.printed(*FLAGS)
    server.grant(printed)
    for path in ("/api/v1/namespaces/shop/configmaps/config", "/api/v1/namespaces/shop/secrets/secret"):
        server.remove(path)
    shop = next(role for role in printed if role["metadata"].get("namespace") == "shop" and "rules" in role)
    index = next(index for index, rule in enumerate(shop["rules"]) if rule.get("resourceNames") == ["config"])
    server.revoke(shop, index, "get")
    wanted = [item for item in expected() if item["metadata"]["name"] in {"config", "secret"}][::2]
    with gr.Reconciler(racing(server), namespaces=["shop"]) as reconciler:
        result = reconciler.reconcile(wanted)
    assert [outcome.status for outcome in result] == ["failed", "created"]
    assert isinstance(result.failures[0].error, gr.Conflict)


def removals(roles):
    for role in roles:
        for index, rule in enumerate(role.get("rules", ())):
            for verb in rule["verbs"]:
                yield role, index, verb


def test_one_verb_less_is_named(server):
    """For each verb of each rule of the printed Role; also what an operator that keeps running needs beside."""
    printed, _ = server.printed(*FLAGS, "--operator")
    assert ("", "customresourcedefinitions", "watch") in verbs(printed)
    server.grant(printed)
    with server.reconciler() as reconciler:
        reconciler.reconcile(expected(), **DELETION).raise_for_failures()
    every = list(removals(printed))
    for role, index, verb in every:
        server.revoke(role, index, verb)
        with server.reconciler() as reconciler:
            result = reconciler.reconcile(expected(), **DELETION)
        rule, namespace = role["rules"][index], role["metadata"].get("namespace") or "the cluster"
        (named,) = (warning for warning in result.warnings if warning.startswith("missing rights: "))
        assert named.endswith("genreconcile rbac prints the least Role that suffices")
        for resource in rule["resources"]:
            full = f"{resource}.{rule['apiGroups'][0]}" if rule["apiGroups"][0] else resource
            assert any(verb in part and full in part and namespace in part for part in named.split("; ")), named
        if verb != "delete" and "services" not in rule["resources"]:
            assert result.failures, (verb, rule)
            assert all(verb in str(outcome.error) for outcome in result.failures)
        assert len(result.failures) <= len(rule["resources"]), "the others go on"
        server.grant([role])
    print(f"{len(every)} verbs taken away, one after the other")
    assert len(every) > 30


@pytest.mark.parametrize("verb", ["list", "create", "patch", "delete"])
def test_unchecked_the_server_names_it(server, verb):
    printed, _ = server.printed(*FLAGS)
    server.grant(printed)
    with server.reconciler(follow_definitions=False) as reconciler:
        reconciler.reconcile(expected(), **DELETION).raise_for_failures()
    # One object is missing, one was changed, one is too much.
    server.admin.request("DELETE", "/apis/apps/v1/namespaces/shop/deployments/web")
    change(server.admin, expected()[0])
    server.admin.request("POST", "/api/v1/namespaces/shop/configmaps", body=json.dumps(stray()).encode())
    wanted = "deployments" if verb == "create" else "configmaps"
    shop = next(role for role in printed if role["metadata"].get("namespace") == "shop" and "rules" in role)
    index = next(
        index for index, rule in enumerate(shop["rules"]) if wanted in rule["resources"] and verb in rule["verbs"]
    )
    server.revoke(shop, index, verb)
    with server.reconciler(check_access="", follow_definitions=False) as reconciler:
        result = reconciler.reconcile(expected(), **DELETION)
    assert any(f"cannot {verb} resource" in str(outcome.error) for outcome in result.failures), list(map(str, result))
    server.admin.request("DELETE", "/api/v1/namespaces/shop/configmaps/stray")


def test_the_command_line_needs_no_right_outside_of_its_namespaces(server):
    printed, _ = server.printed(*FLAGS)
    server.grant(printed)
    files = server.folder / "shop.yaml"
    files.write_text(yaml.safe_dump_all([item for item in expected() if item["kind"] in {"ConfigMap", "Widget"}]))
    before = len(server.log.settled())
    command = [PROGRAM, "apply", "-f", files, "--kubeconfig", str(server.kubeconfig)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    read = [found for found in map(place, server.log.settled()[before:]) if found]
    assert {namespace for namespace, _, _ in read} == {"shop", "other"}


def test_the_command_line_names_what_is_missing(server):
    printed, _ = server.printed(*FLAGS)
    server.grant(printed)
    shop = next(role for role in printed if role["metadata"].get("namespace") == "shop" and "rules" in role)
    index = next(index for index, rule in enumerate(shop["rules"]) if "configmaps" in rule["resources"])
    server.revoke(shop, index, "watch")
    command = [PROGRAM, "diff", "-f", server.folder / "all.yaml", "--kubeconfig", str(server.kubeconfig)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "have it granted: genreconcile rbac prints" in done.stderr
    (warning,) = (line for line in done.stderr.splitlines() if line.startswith("warning: "))
    assert warning.startswith("warning: missing rights: watch configmaps in shop; ")
    assert warning.endswith("prints the least Role that suffices [GR403]")
    server.grant(printed)


def test_an_owner_set_under_exactly_its_role(server):
    """Members are made, and go when they are expected no more; the parent is written by name."""
    files = server.folder / "set.yaml"
    members = [obj("v1", "ConfigMap", name, data={"k": "v"}) for name in ("one", "two")]
    files.write_text(yaml.safe_dump_all(members))
    options = ["--applyset", "configmaps/parent", "-n", "shop"]
    command = [PROGRAM, "rbac", "-f", files, "--user", USER, "--kubeconfig", str(server.kubeconfig), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    printed = [found for found in yaml.safe_load_all(done.stdout) if found]
    server.grant(printed)
    before = len(server.log.settled())
    settings = {"owner": "configmaps/parent", "namespace": "shop"}
    with server.reconciler(namespaces=["shop"], follow_definitions=False) as reconciler:
        result = reconciler.reconcile(members, **settings)
        result.raise_for_failures()
        assert (result.counts["created"], result.warnings) == (2, ())
        result = reconciler.reconcile(members[:1], **settings)
        assert (result.counts["deleted"], result.warnings) == (1, ())
    used = {found for found in map(place, server.log.settled()[before:]) if found}
    assert used <= verbs(printed)
    (role,) = (item for item in printed if "rules" in item)
    for index, verb in [(index, verb) for _, index, verb in removals([role]) if verb in {"create", "delete", "patch"}]:
        server.revoke(role, index, verb)
        with server.reconciler(namespaces=["shop"], follow_definitions=False) as reconciler:
            named = reconciler.plan(members[:1], **settings).warnings
        assert any(f"{verb} configmaps" in part for warning in named for part in warning.split(": ")), named
        server.grant([role])


def test_to_recreate_takes_the_right_to_delete(server):
    printed, _ = server.printed("--on-immutable", "recreate")
    named = [rule for role in printed for rule in role.get("rules", ()) if "delete" in rule["verbs"]]
    assert named
    assert all(rule["resourceNames"] for rule in named)


def test_reading_takes_no_right_to_write(server):
    printed, _ = server.printed("--read-only")
    assert {verb for _, _, verb in verbs(printed)} == {"list", "watch"}
    server.grant(printed)
    for command, flags in (("diff", []), ("plan", ["-o", "json"])):
        line = [PROGRAM, command, "-f", server.folder / "all.yaml", "--kubeconfig", str(server.kubeconfig), *flags]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in {0, 1}, done.stderr
        assert not done.stderr


def test_objects_that_grant_rights_are_named(server):
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    role = obj("rbac.authorization.k8s.io/v1", "Role", "inner", rules=[rule])
    file = server.folder / "role.yaml"
    file.write_text(yaml.safe_dump(role))
    bound, _ = server.printed()
    name = ["--name", bound[0]["metadata"]["name"]]
    command = [PROGRAM, "rbac", "-f", file, "--kubeconfig", str(server.kubeconfig), "-o", "json", *name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "Role.rbac.authorization.k8s.io shop/inner: not covered: only whoever holds every right" in done.stderr
    printed = json.loads(done.stdout)
    assert printed["kind"] == "List"
    assert "escalate" not in done.stdout
    # The server says the same: with the printed Role alone, it refuses the object.
    server.grant([*printed["items"], *(item for item in bound if item["kind"] == "RoleBinding")])
    with gr.Reconciler(server.user, check_access="write", namespaces=["shop"]) as reconciler:
        result = reconciler.reconcile([role])
    assert "attempting to grant RBAC permissions not currently held" in str(result.failures[0].error)
