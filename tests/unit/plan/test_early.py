"""Objects that are found in sync while they are read: the plan is as if all were compared afterwards."""

import pytest

import genreconcile as gr
from genreconcile.compare import Comparison
from genreconcile.gojson import encode, loads
from genreconcile.plan.brought import Brought
from genreconcile.plan.comparing import DraftComparer
from genreconcile.testing import FakeCluster
from support.objects import definition, obj, pod_template, struct, version, workload

LABELS = {"app": "web"}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def config_map(name="a", **metadata):
    return obj("v1", "ConfigMap", name, "default", metadata=metadata, data={"k": "0"})


def deployment(**more):
    return obj("apps/v1", "Deployment", "web", "default", spec=workload(pod_template(LABELS)), **more)


def autoscaler():
    spec = {"maxReplicas": 9, "scaleTargetRef": TARGET}
    return obj("autoscaling/v2", "HorizontalPodAutoscaler", "web", "default", spec=spec)


def namespace(name="shop", **metadata):
    return obj("v1", "Namespace", name, metadata=metadata)


def said(plan):
    """All that a plan says."""
    changes = [(change.operation, change.key, change.writes, change.reason, str(change.error)) for change in plan]
    return changes, [change.key for change in plan.unchanged], plan.order, plan.warnings


@pytest.fixture
def later(monkeypatch):
    """The names of the objects that are compared once all have been read."""
    found, change = [], DraftComparer.change

    def noted(self, entry):
        found.append(entry.name)
        return change(self, entry)

    monkeypatch.setattr(DraftComparer, "change", noted)
    return found


@pytest.fixture
def judged(monkeypatch):
    """The names of the objects on which the quick check was made."""
    found, is_clean = [], Comparison.is_clean

    def noted(self, expected, live):
        found.append(expected["metadata"]["name"])
        return is_clean(self, expected, live)

    monkeypatch.setattr(Comparison, "is_clean", noted)
    return found


def test_an_object_in_sync_is_judged_once_while_it_is_read_and_then_remembered(later, judged):
    objects = [config_map("a"), config_map("b", namespace=""), deployment()]
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile(objects).raise_for_failures()
        other = {**deployment(), "metadata": {"name": "none", "namespace": "default"}}
        reconciler.plan([other, config_map("none")])
        later.clear()
        judged.clear()
        more = [*objects[::-1], config_map("none")]
        assert reconciler.plan(more).counts == {**reconciler.plan([]).counts, "unchanged": 3, "create": 1}
        assert judged == ["web", "b", "a"]
        assert later == ["none"]
        judged.clear()
        assert reconciler.plan(objects).counts["unchanged"] == 3
        assert judged == []


SPECIAL = {
    "a drifted one": {**config_map(), "data": {"k": "1"}},
    "a missing one": config_map("missing"),
    "one that names no namespace": config_map(namespace=""),
    "one with a status": deployment(status={"replicas": 7}),
    "one of a kind without namespaces": namespace(namespace="default"),
    "one with a rule that nobody can read": config_map(annotations={"genreconcile.dev/ignore": "{"}),
    "one of a kind that is not served": {**config_map(), "kind": "Nothing"},
    "one with a tuple": {**config_map(), "data": {"k": ("0",)}},
    "one with a field that is unknown": {**deployment(), "spec": {**deployment()["spec"], "replica": 1}},
    "one that consults others": deployment(),
}


@pytest.mark.parametrize("special", SPECIAL.values(), ids=SPECIAL)
def test_what_a_plan_says_does_not_depend_on_when_an_object_is_compared(special):
    live = [config_map("a"), config_map("b"), deployment(), namespace()]
    expected = [config_map("a") if special.get("kind") != "ConfigMap" else config_map("b"), special]
    with FakeCluster() as fake, gr.Reconciler(fake) as knowing:
        knowing.reconcile(live).raise_for_failures()
        fake.create(autoscaler())
        knowing.plan([config_map("none"), {**deployment(), "metadata": {"name": "none", "namespace": "default"}}])
        with gr.Reconciler(fake) as new:
            assert said(knowing.plan(expected)) == said(new.plan(expected))


def test_an_object_that_is_being_deleted_is_not_in_sync():
    kept = config_map(finalizers=["example.com/wait"])
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile([kept]).raise_for_failures()
        reconciler.plan([config_map("none")])
        fake.delete("v1/ConfigMap", "a", namespace="default")
        going = fake.get("v1/ConfigMap", "a", namespace="default")
        assert reconciler.plan([kept], not_older_than=going).counts["skipped"] == 1


def test_a_kind_that_only_others_have_brought_into_a_shared_cache_is_compared_later(later):
    """What they keep of its objects may be less than what the rules of this Reconciler need."""
    with FakeCluster() as fake, gr.Cache(fake, ["v1/ConfigMap"]) as cache:
        with gr.Reconciler(fake, cache=cache) as other:
            other.reconcile([config_map("a"), config_map("b")]).raise_for_failures()
        with gr.Reconciler(fake, cache=cache) as reconciler:
            assert reconciler.plan([config_map("a")]).counts["unchanged"] == 1
            assert later[-1] == "a"
            assert reconciler.plan([config_map("b")]).counts["unchanged"] == 1
            assert later[-1] == "a"


def test_a_kind_that_was_removed_from_the_cache_is_brought_again(later):
    with (
        FakeCluster() as fake,
        gr.Cache(fake, ["v1/ConfigMap"]) as cache,
        gr.Reconciler(fake, cache=cache) as reconciler,
    ):
        reconciler.reconcile([config_map("a"), config_map("b")]).raise_for_failures()
        reconciler.plan([config_map("a")])
        cache.remove("v1/ConfigMap")
        cache.add("v1/ConfigMap")
        cache.wait_for_sync(timeout=30)
        later.clear()
        assert reconciler.plan([config_map("b")]).counts["unchanged"] == 1
        assert later == ["b"]


def test_where_rights_are_checked_no_object_is_judged_before_they_are(later):
    with FakeCluster() as fake, gr.Reconciler(fake, check_access="read") as reconciler:
        reconciler.reconcile([config_map("a"), config_map("b")]).raise_for_failures()
        reconciler.plan([config_map("a")])
        later.clear()
        reconciler.plan([config_map("b")])
        assert later == ["b"]


def test_a_kind_beside_it_that_was_removed_from_the_cache_is_brought_again(later):
    """What a rule consults may be kept otherwise now."""
    autoscalers = "autoscaling/v2/HorizontalPodAutoscaler"
    fake = FakeCluster()
    with fake, gr.Cache(fake) as cache, gr.Reconciler(fake, cache=cache) as reconciler:
        reconciler.reconcile([deployment()]).raise_for_failures()
        cache.remove(autoscalers)
        cache.add(autoscalers)
        cache.wait_for_sync(timeout=30)
        later.clear()
        assert reconciler.plan([deployment(), config_map()]).counts["unchanged"] == 1
        assert later == ["web", "a"]


def test_where_namespaces_are_watched_one_by_one_a_kind_in_sync_is_among_those_that_a_plan_reads(later):
    fake = FakeCluster()
    with fake, gr.Reconciler(fake, namespaces=["default"]) as reconciler:
        reconciler.reconcile([config_map("a"), config_map("b")]).raise_for_failures()
        later.clear()
        plan = reconciler.plan([config_map("b"), deployment()])
        assert (plan.counts["unchanged"], plan.counts["create"]) == (1, 1)
        assert later == ["web"]


def test_a_verdict_depends_on_what_rules_consult_for_this_object_alone(judged):
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile([deployment(), config_map("a"), config_map("b")]).raise_for_failures()
        reconciler.plan([config_map("none")])
        reconciler.plan([deployment(), config_map("a")])
        made = fake.create(autoscaler())
        judged.clear()
        reconciler.plan([deployment(), config_map("a")], not_older_than=made)
        assert set(judged) == {"web"}


def test_once_a_schema_is_another_one_a_kind_is_compared_later(later):
    """The rules that apply then may need more of its objects than the cache keeps."""
    size = {"size": {"type": "integer"}}
    before = definition("example.com", version(schema=struct(spec=struct(**size))))
    after = definition("example.com", version(schema=struct(spec=struct(**size, more=size["size"]))))
    widgets = [obj("example.com/v1", "Thing", name, "default") for name in "abc"]
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile([before, *widgets]).raise_for_failures()
        reconciler.plan(widgets[:1])
        later.clear()
        reconciler.plan(widgets[1:2])
        assert later == []
        reconciler.reconcile([after]).raise_for_failures()
        later.clear()
        reconciler.plan(widgets[2:])
        assert later == ["c"]


def test_an_object_that_comes_twice_is_named_as_it_was_given_also_after_a_list():
    items = {"apiVersion": "v1", "kind": "List", "items": [config_map("a"), config_map("b")]}
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile([config_map("c")]).raise_for_failures()
        for _ in range(2):
            with pytest.raises(gr.LoadError, match=r"expected\[1\] and expected\[3\]"):
                reconciler.plan([items, config_map("c"), items | {"items": []}, config_map("c")])


@pytest.fixture
def away():
    """A cluster in which one API does not answer, of which nothing is known."""
    stale = {"version": "v1", "freshness": "Stale", "resources": []}
    with FakeCluster() as fake:
        request = fake.request

        def answered(method, path, **more):
            answer = request(method, path, **more)
            if path != "/apis":
                return answer
            found = loads(answer)
            found["items"].append({"metadata": {"name": "example.com"}, "versions": [stale]})
            return encode(found)

        fake.request = answered
        yield fake


def test_a_kind_that_cannot_be_looked_up_is_the_error_of_its_objects_alone(away):
    thing = obj("example.com/v1", "Thing", "x", "default")
    with gr.Reconciler(away) as reconciler:
        reconciler.reconcile([config_map("a")]).raise_for_failures()
        plan = reconciler.plan([config_map("a"), thing, config_map("b")])
        assert [(change.key.name, change.operation, bool(change.error)) for change in plan] == [
            ("x", "none", True),
            ("b", "create", False),
        ]


def test_reading_the_objects_sends_no_request(monkeypatch):
    """What cannot be read at all is told first, whatever the server answers."""
    monkeypatch.setattr("genreconcile.kinds.discovery._MIN_INTERVAL", 0.0)
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile([config_map("a")]).raise_for_failures()
        fake.request = lambda *_, **__: pytest.fail("a request")
        unknown = obj("example.com/v1", "Thing", "x", "default")
        with pytest.raises(gr.LoadError, match=r"expected\[3\]"):
            reconciler.plan([config_map("b"), deployment(), unknown, {"kind": "ConfigMap"}])


def test_a_set_that_changes_the_scope_of_a_kind_puts_its_objects_there():
    before = definition("example.com", version())
    after = definition("example.com", version(), scope="Cluster")
    things = [obj("example.com/v1", "Thing", name) for name in "ab"]
    with FakeCluster() as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile([before, *things]).raise_for_failures()
        reconciler.plan([obj("example.com/v1", "Thing", "none")])
        plan = reconciler.plan([obj("example.com/v1", "Thing", "c"), after])
        assert {change.key.namespace for change in plan if change.key.kind == "Thing"} == {""}
        (made,) = (change for change in plan if change.key.kind == "Thing")
        assert "namespace" not in made.expected["metadata"]


def test_a_kind_is_asked_for_once_however_many_namespaces_its_objects_are_in(monkeypatch):
    asked, find = [], Brought.find

    def noted(self, gvk, namespace):
        asked.append(gvk.kind)
        return find(self, gvk, namespace)

    monkeypatch.setattr(Brought, "find", noted)
    names = [f"n{number}" for number in range(5)]
    objects = [config_map("a", namespace=name) for name in names]
    with FakeCluster(map(namespace, names)) as fake, gr.Reconciler(fake) as reconciler:
        reconciler.reconcile(objects).raise_for_failures()
        reconciler.plan([config_map("none")])
        asked.clear()
        assert reconciler.plan(objects).counts["unchanged"] == 5
        assert asked == ["ConfigMap"]
