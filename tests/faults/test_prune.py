"""What must not be deleted, nor created, because a part of the picture is missing (18 to 22)."""

import json

import pytest

import genreconcile as gr
from faults.oracles import LABELS, MAPS, attempt, config_map, converge, engine, names, path_of, reconcile, relist
from genreconcile.errors import Forbidden, LoadError, PlanRefused
from genreconcile.objects import resource_version_of, uid_of
from support import objects
from support.api.effects import Refuse, Rewrite
from support.api.proxy import ProxiedServer
from support.eventually import eventually
from support.objects import obj, version

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}


def prunes(ground, **settings):
    return {"delete_from_namespace": ground.namespace, "delete_selector": LABELS, **settings}


def stray(ground, name="stray"):
    return ground.admin.create(path_of(ground.namespace), config_map(name, ground.namespace))


def secret(ground, name="s"):
    return obj("v1", "Secret", name, ground.namespace, labels=LABELS, type="Opaque", data={"k": "dg=="})


def statuses(result):
    return {outcome.key.name: outcome.status for outcome in result}


def forbid(ground, *verbs, resource="secrets"):
    return ground.faults.add(Refuse(403, message="is forbidden"), *verbs, resource=resource, times=None)


@pytest.fixture
def gadgets(ground):
    """A kind of its own for each test: (its apiVersion, its definition); gone afterwards."""
    group = f"{ground.namespace}.example.com"
    versions = [version(name, SCHEMA, storage=name == "v1") for name in ("v1", "v2")]
    names = {"singular": "gadget", "listKind": "GadgetList"}
    definition = objects.definition(group, *versions, kind="Gadget", names=names)
    define(ground, definition)
    yield group, definition
    if ground.admin.find(f"{CRDS}/gadgets.{group}"):
        ground.admin.delete(f"{CRDS}/gadgets.{group}")


def define(ground, definition):
    group = definition["spec"]["group"]
    ground.admin.create(CRDS, definition)
    eventually(lambda: attempt_list(ground, group), "the kind is served")


def attempt_list(ground, group, version="v1"):
    try:
        ground.admin.list(path_of(ground.namespace, plural="gadgets", prefix=f"/apis/{group}/{version}"))
    except Exception:  # noqa: BLE001 - not yet
        return False
    paths = ground.admin.get("/openapi/v3")["paths"]
    return f"apis/{group}/{version}" in paths


def gadget(ground, group, version="v1", name="g", size=1):
    return obj(f"{group}/{version}", "Gadget", name, ground.namespace, labels=LABELS, spec={"size": size})


def is_there(ground, group, name="g"):
    return ground.admin.find(path_of(ground.namespace, name, plural="gadgets", prefix=f"/apis/{group}/v1")) is not None


def without_group(group):
    """Discovery when the aggregated API of a group does not answer."""

    def change(answer):
        for item in answer.get("items") or ():
            if item["metadata"].get("name") == group:
                item["versions"] = [
                    {"version": version["version"], "freshness": "Stale"} for version in item["versions"]
                ]
        return answer

    return Rewrite(change)


def down(ground, group):
    """The API of a group does not answer: 503, and in discovery it is stale."""
    return [
        ground.faults.add(without_group(group), "get", path="/apis", times=None),
        ground.faults.add(Refuse(503), path=f"/apis/{group}/*", times=None),
    ]


def test_s18_a_namespace_that_is_terminating(ground):
    """Only what belongs there fails; nothing is deleted meanwhile."""
    going = ground.namespace + "-going"
    ground.admin.create("/api/v1/namespaces", {"metadata": {"name": going}})
    ground.admin.delete(f"/api/v1/namespaces/{going}")
    expected = [config_map("a", ground.namespace, k="1"), config_map("b", going, k="1")]
    stray(ground)
    cluster = ground.connect()
    with gr.Reconciler(cluster, namespaces=[ground.namespace, going]) as reconciler:
        for _ in range(2):
            result = reconciler.reconcile(expected, **prunes(ground))
            found = statuses(result)
            assert found["b"] == "failed"
            assert found["stray"] == "skipped"
            assert isinstance(result.failures[0].error, Forbidden)
    assert names(ground) == {"a", "stray"}


def test_s18_an_api_that_does_not_answer_blocks_no_other(ground, gadgets):
    """A start while the API is down: its object is not judged, the others are; nothing is pruned by half a picture."""
    group, _ = gadgets
    expected = [config_map("a", ground.namespace, k="1"), gadget(ground, group)]
    stray(ground)
    faults = down(ground, group)
    with engine(ground) as reconciler:
        for _ in range(2):
            found = statuses(reconciler.reconcile(expected, **prunes(ground)))
            assert (found["a"], found["g"]) in {("created", "failed"), ("unchanged", "failed")}
        assert names(ground) == {"a", "stray"}
        for fault in faults:
            ground.faults.remove(fault)
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and is_there(ground, group))
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and names(ground) == {"a"})


def test_s18_kinds_named_for_deletion_whose_api_does_not_answer(ground, gadgets):
    """The other kinds are pruned all the same, and a warning names the one that is unknown."""
    group, _ = gadgets
    ground.admin.create(path_of(ground.namespace, plural="gadgets", prefix=f"/apis/{group}/v1"), gadget(ground, group))
    stray(ground)
    faults = down(ground, group)
    expected = [config_map("a", ground.namespace, k="1")]
    settings = prunes(ground, kinds=[f"{group}/v1/Gadget"])
    with engine(ground) as reconciler:
        result = reconciler.reconcile(expected, **settings)
        assert statuses(result) == {"a": "created", "stray": "deleted"}
        assert any("Gadget" in warning for warning in result.warnings)
        for fault in faults:
            ground.faults.remove(fault)
        eventually(lambda: reconcile(reconciler, expected, **settings) and not is_there(ground, group))


def test_s18_an_api_that_goes_away_while_running(ground, gadgets):
    group, _ = gadgets
    expected = [config_map("a", ground.namespace, k="1"), gadget(ground, group)]
    with engine(ground) as reconciler:
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and is_there(ground, group))
        since = len(ground.log)
        stray(ground)
        eventually(lambda: reconciler.cache.record(MAPS, "stray", namespace=ground.namespace))
        faults = down(ground, group)
        ground.cut_connections()
        eventually(lambda: reconciler.cache.error(f"{group}/v1/Gadget"))
        changed = [config_map("a", ground.namespace, k="2"), gadget(ground, group, size=2)]
        found = statuses(reconciler.reconcile(changed, **prunes(ground)))
        assert (found["a"], found["g"]) == ("configured", "failed")
        assert found.get("stray") in {"skipped", None}, "None: its kind may be behind, too"
        for fault in faults:
            ground.faults.remove(fault)
        eventually(lambda: reconcile(reconciler, changed, **prunes(ground)) and names(ground) == {"a"})
        tally = ground.log.tally(since=since)
        assert {name: counts for (_, _, name), counts in tally.items()} == {"stray": (0, 1)}


@pytest.mark.quick("scripted")
def test_s18_a_definition_that_is_removed_and_comes_back(ground, gadgets):
    group, definition = gadgets
    expected = [config_map("a", ground.namespace, k="1"), gadget(ground, group)]
    with engine(ground) as reconciler:
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and is_there(ground, group))
        ground.admin.delete(f"{CRDS}/gadgets.{group}")
        changed = [config_map("a", ground.namespace, k="2"), expected[1]]
        eventually(lambda: "failed" in statuses(reconcile(reconciler, changed, **prunes(ground)) or {}).values())
        assert ground.admin.get(path_of(ground.namespace, "a"))["data"] == {"k": "2"}
        eventually(lambda: not attempt_list(ground, group))
        define(ground, definition)
        eventually(lambda: reconcile(reconciler, changed, **prunes(ground)) and is_there(ground, group))
        eventually(lambda: not reconciler.reconcile(changed, **prunes(ground)).failures)
    assert names(ground) == {"a"}


def test_s18_a_kind_that_is_gone_is_asked_for_once(ground, gadgets):
    """Its reader asks on, as it may come back; its 404s are no news, and cost the plans no request."""
    group, definition = gadgets
    expected = [config_map("a", ground.namespace, k="1")]

    def listed(code, since):
        return ground.log.entries("list", since=since, where=lambda entry: group in entry.path and entry.status == code)

    def is_served():
        return any(resource.gvk.group == group for resource in reconciler.cache.discovery.resources())

    def quiet():
        now = len(ground.log)
        return reconcile(reconciler, expected, **prunes(ground)) and not ground.log.entries("get", since=now)

    with engine(ground) as reconciler:
        eventually(lambda: reconcile(reconciler, [*expected, gadget(ground, group)]) and is_there(ground, group))
        since = len(ground.log)
        ground.admin.delete(f"{CRDS}/gadgets.{group}")
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and not is_served())
        eventually(lambda: listed(404, since), "its reader knows")
        eventually(quiet, "the definition has been followed")
        for _ in range(3):
            now = len(ground.log)
            eventually(lambda now=now: listed(404, now))
            reconciler.reconcile(expected, **prunes(ground)).raise_for_failures()
            assert ground.log.entries("get", since=now) == []
        define(ground, definition)
        eventually(lambda: listed(200, since))
        # Also where its definition is not followed: that the reader is answered again is news.
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and is_served())


@pytest.mark.quick("scripted")
def test_s18_a_version_that_is_no_longer_served(ground, subject, gadgets):
    """The objects live on under the other version: neither deleted nor created again."""
    group, _ = gadgets
    both = [config_map("a", ground.namespace, k="1"), gadget(ground, group)]
    with subject(ground) as reconciler:
        eventually(lambda: reconcile(reconciler, both, **prunes(ground)) and is_there(ground, group))
        since = len(ground.log)
        ground.admin.patch(
            f"{CRDS}/gadgets.{group}", {"op": "replace", "path": "/spec/versions/0/served", "value": False}
        )
        changed = [both[0], gadget(ground, group, version="v2", size=2)]
        path = path_of(ground.namespace, "g", plural="gadgets", prefix=f"/apis/{group}/v2")
        eventually(
            lambda: reconcile(reconciler, changed, **prunes(ground)) and ground.admin.get(path)["spec"] == {"size": 2}
        )
        eventually(lambda: not reconciler.reconcile(changed, **prunes(ground)).failures)
    assert ground.log.tally(since=since) == {}


@pytest.mark.parametrize("when", ["from the start", "later"])
def test_s19_a_kind_that_may_not_be_listed(ground, when):
    """Unknown is not empty: no object of that kind is created again and again, and none is deleted."""
    expected = [config_map("a", ground.namespace, k="1"), secret(ground)]
    unexpected = secret(ground, "kept")
    secrets = path_of(ground.namespace, plural="secrets")
    with engine(ground) as reconciler:
        if when == "later":
            converge(ground, reconciler, expected[:1])
            reconciler.reconcile(expected).raise_for_failures()
        else:
            ground.admin.create(secrets, expected[1])
        fault = forbid(ground, "list", "watch")
        ground.cut_connections()
        ground.admin.create(secrets, unexpected)
        stray(ground)
        eventually(lambda: "failed" in statuses(reconcile(reconciler, expected, **prunes(ground)) or {}).values())
        since = len(ground.log)
        for _ in range(3):
            result = reconciler.reconcile(expected, **prunes(ground))
            assert statuses(result)["s"] == "failed"
            assert "cannot be read" in str(result.failures[0].error) or "forbidden" in str(result.failures[0].error)
        assert ground.log.writes(since=since) == []
        assert set(names(ground, "secrets")) == {"s", "kept"}
        ground.faults.remove(fault)
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and names(ground, "secrets") == {"s"})
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and names(ground) == {"a"})
    assert ground.log.counts("create").get(("secrets", ground.namespace, "s"), 0) <= 1


def test_s19_a_kind_for_deletion_alone_that_may_not_be_listed(ground):
    ground.admin.create(path_of(ground.namespace, plural="secrets"), secret(ground))
    stray(ground)
    forbid(ground, "list", "watch")
    with engine(ground) as reconciler:
        result = reconciler.reconcile([config_map("a", ground.namespace)], **prunes(ground, kinds=["v1/Secret"]))
        assert statuses(result) == {"a": "created", "stray": "deleted"}
        assert any("v1/Secret" in warning for warning in result.warnings)
    assert names(ground, "secrets") == {"s"}


@pytest.mark.only("real", "the rights are those of RBAC itself")
def test_s19_rights_that_are_taken_away(ground, control_plane):
    """A user whose Role loses a kind while it runs, and gets it back."""
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ground.namespace}"
    rule = {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["*"]}
    ground.admin.create(f"{rbac}/roles", {"metadata": {"name": "ours"}, "rules": [rule]})
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "operator"}
    role = {"kind": "Role", "apiGroup": "rbac.authorization.k8s.io", "name": "ours"}
    ground.admin.create(f"{rbac}/rolebindings", {"metadata": {"name": "ours"}, "subjects": [subject], "roleRef": role})
    expected = [config_map("a", ground.namespace, k="1"), secret(ground)]
    kubeconfig = control_plane.user_kubeconfig("operator")
    with ProxiedServer(kubeconfig, admin=control_plane.kubeconfig) as server:
        server.namespace = ground.namespace
        with engine(server) as reconciler:
            eventually(lambda: not getattr(reconcile(reconciler, expected, **prunes(ground)), "failures", True))
            replaced = {"op": "replace", "path": "/rules/0/resources", "value": ["configmaps"]}
            ground.admin.patch(f"{rbac}/roles/ours", replaced)
            server.cut_connections()
            eventually(lambda: statuses(reconcile(reconciler, expected, **prunes(ground)) or {}).get("s") == "failed")
            stray(ground)
            since = len(server.log)
            for _ in range(3):
                assert statuses(reconciler.reconcile(expected, **prunes(ground)))["s"] == "failed"
            assert server.log.writes(since=since) == []
            ground.admin.patch(f"{rbac}/roles/ours", {**replaced, "value": rule["resources"]})
            eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and names(ground) == {"a"})
            assert names(ground, "secrets") == {"s"}


def failing(obj):
    yield obj
    raise ValueError("the template does not render")


@pytest.mark.parametrize("how", ["empty", "raises", "not readable", "one object fails"])
def test_s20_a_set_that_is_not_whole(ground, how, tmp_path):
    """Nothing is deleted, whatever the reason; what was read of a broken set is not even written."""
    made = stray(ground)
    with engine(ground, kinds=[MAPS]) as reconciler:
        if how == "empty":
            error = attempt(reconciler.reconcile, [], **prunes(ground, kinds=[MAPS]))
            assert isinstance(error, PlanRefused)
            assert "allow_empty" in str(error)
        elif how == "raises":
            with pytest.raises(ValueError, match="render"):
                reconciler.reconcile(failing(config_map("a", ground.namespace)), **prunes(ground))
        elif how == "not readable":
            file = tmp_path / "set.yaml"
            whole = json.dumps(config_map("a", ground.namespace)) + "\n---\n" + json.dumps(config_map("b", "x"))
            file.write_text(whole[:-10])
            with pytest.raises(LoadError):
                reconciler.reconcile(gr.load([str(file)]), **prunes(ground))
        else:
            broken = {**config_map("broken", ground.namespace), "dta": {}}
            result = reconciler.reconcile([config_map("a", ground.namespace), broken], **prunes(ground))
            assert statuses(result) == {"a": "created", "broken": "failed", "stray": "skipped"}
    assert ground.log.counts("delete") == {}
    assert ground.admin.get(path_of(ground.namespace, "stray")) == made
    assert names(ground) == ({"stray", "a"} if how == "one object fails" else {"stray"})


def test_s20_every_deletion_names_what_was_seen(ground):
    """I6: uid and resourceVersion are preconditions of each."""
    made = {name: stray(ground, name) for name in ("x", "y")}
    with engine(ground) as reconciler:
        assert reconciler.reconcile([config_map("a", ground.namespace)], **prunes(ground)).counts["deleted"] == 2
    deletions = ground.log.entries("delete")
    assert {entry.name: json.loads(entry.body)["preconditions"] for entry in deletions} == {
        name: {"uid": uid_of(obj), "resourceVersion": resource_version_of(obj)} for name, obj in made.items()
    }


def test_s21_a_deletion_that_is_denied_is_tried_again_though_expected_has_changed(ground):
    denied = Refuse(403, message='admission webhook "guard.example.com" denied the request')
    both = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
    with engine(ground) as reconciler:
        converge(ground, reconciler, both, **prunes(ground))
        fault = ground.faults.add(denied, "delete", resource="configmaps", times=None)
        result = reconciler.reconcile(both[:1], **prunes(ground))
        assert statuses(result) == {"a": "unchanged", "b": "failed"}
        assert "guard.example.com" in str(result.failures[0].error)
        since = len(ground.log)
        reconciler.reconcile([secret(ground)], **prunes(ground))  # Not one object of that kind any more.
        assert {entry.name for entry in ground.log.entries("delete", since=since)} == {"a", "b"}
        ground.faults.remove(fault)
        reconciler.reconcile([secret(ground)], **prunes(ground)).raise_for_failures()
    assert names(ground) == set()
    assert {name: counts for (_, _, name), counts in ground.log.tally().items()} == {
        "a": (1, 1),
        "b": (1, 1),
        "s": (1, 0),
    }


def test_s22_labels_that_another_operator_copied_onto_its_children(ground, subject):
    """A child belongs to its controller, whatever its labels say."""
    owner = ground.admin.create(path_of(ground.namespace), config_map("owner", ground.namespace, labels={}))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid_of(owner), "controller": True}
    child = config_map("child", ground.namespace, metadata={"ownerReferences": [reference]})
    made = ground.admin.create(path_of(ground.namespace), child)
    expected = [config_map("a", ground.namespace, k="1")]
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected, **prunes(ground))
        relist(ground)
        converge(ground, reconciler, expected, **prunes(ground))
    assert ground.admin.get(path_of(ground.namespace, "child")) == made
    assert ground.log.counts("delete") == {}
