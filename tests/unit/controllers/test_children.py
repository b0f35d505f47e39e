"""Children: how they are bound to their parent, what happens when it goes, and what is never taken or deleted."""

import pytest

import genreconcile as gr
from genreconcile.testing import FakeCluster
from unit.controllers import things
from unit.controllers.things import MAP, THING, condition, config, controller, definition, names, thing

FINALIZER = "genreconcile.dev/things"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def fake():
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    with things.cluster(other, thing()) as fake:
        yield fake


def finalizers(fake, kind=THING, name="one"):
    return fake.get(kind, name)["metadata"].get("finalizers", [])


def references(obj):
    return [(one["kind"], one["uid"]) for one in obj["metadata"].get("ownerReferences", ())]


def states(*children):
    return lambda *_: list(children)


def there(fake, kind=THING, name="one"):
    return [obj for obj in fake.find(kind) if obj["metadata"]["name"] == name] != []


# References and finalizers.


def test_a_child_in_the_parents_namespace_has_a_reference(fake):
    with fake.run(controller(states(config("a")))) as run:
        run.settle()
        assert references(fake.get(MAP, "a")) == [("Thing", fake.get(THING, "one")["metadata"]["uid"])]
        assert finalizers(fake) == []


def test_a_child_in_another_namespace_has_none_and_the_parent_a_finalizer(fake):
    with fake.run(controller(states(config("a"), config("b", "other")), namespaces=["other"])) as run:
        run.settle()
        assert references(fake.get(MAP, "b", namespace="other")) == []
        assert finalizers(fake) == [FINALIZER]
        methods = [(write.method, write.path.rpartition("/")[2]) for write in run.writes]
        assert methods.index(("PATCH", "one")) < methods.index(("POST", "configmaps")), "the finalizer comes first"
        fake.delete(THING, "one")
        run.advance(seconds=2)
        assert not there(fake)
        assert names(fake) == names(fake, namespace="other") == []


def test_a_finalizer_that_is_needed_no_more_goes(fake):
    def function(parent, ctx):
        return [config("a", "other")] if parent["spec"].get("far") else [config("a")]

    things.edit(fake, far=True)
    with fake.run(controller(function, namespaces=["other"])) as run:
        run.settle()
        assert finalizers(fake) == [FINALIZER]
        things.edit(fake, far=False)
        run.advance(seconds=2)
        things.edit(fake, again=True)
        run.advance(seconds=2)
        assert names(fake, namespace="other") == []
        assert finalizers(fake) == []


def test_without_leave_a_child_in_another_namespace_is_refused(fake):
    with fake.run(controller(states(config("a"), config("b", "other")))) as run:
        run.settle()
        assert names(fake) == names(fake, namespace="other") == []
        assert condition(fake, "Ready") == ("False", "InvalidChildren")


@pytest.mark.parametrize(
    "stated",
    [[{}], [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}], [config("a"), config("a")]],
    ids=["nothing in it", "no name", "twice"],
)
def test_what_is_no_object_or_stated_twice_is_an_invalid_child(fake, stated):
    with fake.run(controller(states(*stated))) as run:
        run.settle()
        assert names(fake) == []
        assert condition(fake, "Ready") == ("False", "InvalidChildren")


def test_a_child_without_a_namespace_needs_leave_too(fake):
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []}
    with fake.run(controller(states(role))) as run:
        run.settle()
        assert condition(fake, "Ready") == ("False", "InvalidChildren")
    with fake.run(controller(states(role), namespaces="*")) as run:
        run.settle()
        assert finalizers(fake) == [FINALIZER]
        assert references(fake.get("rbac.authorization.k8s.io/v1/ClusterRole", "r")) == []
        fake.delete(THING, "one")
        run.advance(seconds=2)
        assert not there(fake)
        assert fake.find("rbac.authorization.k8s.io/v1/ClusterRole") == []


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
def test_a_child_that_a_guard_protects_stays(fake, propagation):
    kept = config("kept")
    kept["metadata"]["annotations"] = {"genreconcile.dev/prune": "disabled"}
    with fake.run(controller(states(CLAIM, kept, config("a")))) as run:
        run.settle()
        assert references(fake.get("v1/PersistentVolumeClaim", "data")) == references(fake.get(MAP, "kept")) == []
        assert finalizers(fake) == [FINALIZER]
        fake.delete(THING, "one", propagation=propagation)
        run.advance(seconds=2)
        assert not there(fake)
        assert names(fake, "v1/PersistentVolumeClaim") == ["data"]
        assert names(fake) == (["a", "kept"] if propagation == "Orphan" else ["kept"])


def test_a_kind_that_was_asked_for_goes(fake):
    with fake.run(controller(states(CLAIM), delete_kinds=["PersistentVolumeClaim"])) as run:
        run.settle()
        assert references(fake.get("v1/PersistentVolumeClaim", "data"))
        fake.delete(THING, "one")
        run.advance(seconds=2)
        assert names(fake, "v1/PersistentVolumeClaim") == []


def test_a_parent_without_a_namespace_has_children_anywhere():
    planet = thing(kind="Planet", namespace="")
    with FakeCluster([definition("Planet", "Cluster"), config("theirs", "shop"), planet]) as fake:
        function = gr.controller("example.com/v1/Planet", name="things")(
            states(config("a", "shop"), config("b", "far"))
        )
        fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "far"}})
        with fake.run(function) as run:
            run.settle()
            for name, namespace in (("a", "shop"), ("b", "far")):
                assert [kind for kind, _ in references(fake.get(MAP, name, namespace=namespace))] == ["Planet"]
            fake.delete("example.com/v1/Planet", "one", namespace="")
            run.advance(seconds=2)
            assert names(fake, namespace="") == ["theirs"]


# on_delete.


def test_on_delete_runs_before_the_parent_goes(fake):
    said = []
    things_controller = controller(states(config("a")))

    @things_controller.on_delete
    def goodbye(parent, ctx):
        said.append(parent["metadata"]["name"])
        if len(said) < 3:
            raise gr.Retry(10)

    with fake.run(things_controller) as run:
        run.settle()
        assert finalizers(fake) == [FINALIZER]
        fake.delete(THING, "one")
        run.advance(seconds=15)
        assert said == ["one", "one"]
        assert there(fake)
        run.advance(seconds=10)
        assert not there(fake)
        assert names(fake) == []


def test_on_delete_runs_once_also_where_there_are_children(fake, caplog):
    said = []
    things_controller = controller(states(config("a"), config("b", "other")), namespaces=["other"])
    things_controller.on_delete(lambda parent, _: said.append(parent["metadata"]["name"]))
    with fake.run(things_controller) as run:
        run.settle()
        fake.delete(THING, "one")
        run.advance(seconds=100)
        assert not there(fake)
        assert said == ["one"]
        assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_parent_that_is_being_deleted_is_never_handed_to_the_function(fake):
    seen = []

    def function(parent, ctx):
        seen.append("deletionTimestamp" in parent["metadata"])
        return [config("a")]

    fake.patch(THING, "one", {"op": "add", "path": "/metadata/finalizers", "value": ["example.com/theirs"]})
    with fake.run(controller(function)) as run:
        run.settle()
        fake.delete(THING, "one")
        fake.delete(MAP, "a")
        run.advance(seconds=100)
        assert seen == [False]
        assert names(fake) == []


# Adoption.


def test_what_is_there_already_is_not_touched(fake):
    fake.create(config("a", k="theirs"))
    with fake.run(controller(states(config("a"), config("b")))) as run:
        run.settle()
        assert fake.get(MAP, "a")["data"] == {"k": "theirs"}
        assert names(fake) == ["a", "b"]
        assert condition(fake, "Stalled") == ("True", "ChildConflict")


def test_what_nobody_has_is_taken_where_that_is_wanted(fake):
    fake.create(config("a", k="theirs"))
    fake.create(config("b", k="theirs"))
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "controller": True}
    uid = fake.get(MAP, "a")["metadata"]["uid"]
    fake.patch(MAP, "b", {"op": "add", "path": "/metadata/ownerReferences", "value": [{**owner, "uid": uid}]})
    with fake.run(controller(states(config("a"), config("b")), adopt="unowned")) as run:
        run.settle()
        assert fake.get(MAP, "a")["data"] == {"k": "v"}
        assert fake.get(MAP, "b")["data"] == {"k": "theirs"}
        assert condition(fake, "Stalled") == ("True", "ChildConflict")


def test_two_parents_that_state_one_object(fake):
    fake.create(thing("two"))
    with fake.run(controller(lambda parent, _: [config("a", by=parent["metadata"]["name"])])) as run:
        run.advance(seconds=20)
        by = fake.get(MAP, "a")["data"]["by"]
        (other,) = {"one", "two"} - {by}
        assert condition(fake, "Ready", by)[0] == "True"
        assert condition(fake, "Stalled", other) == ("True", "ChildConflict")
        fake.delete(THING, by)
        run.advance(seconds=400)
        assert fake.get(MAP, "a")["data"]["by"] == other


def test_two_controllers_of_one_parent(fake):
    one = controller(states(config("a")))
    two = controller(states(config("b")), name="others")
    with fake.run(one) as run:
        run.settle()
        with fake.run(two) as other:
            other.settle()
        assert names(fake) == ["a"], "a parent has one set; the second controller is refused, and deletes nothing"


# Parents that go and come again.


def test_a_restart_knows_the_children(fake):
    def function(parent, ctx):
        return [config("a"), config("b")] if parent["spec"].get("both") else [config("a")]

    things.edit(fake, both=True)
    with fake.run(controller(function)) as run:
        run.settle()
    things.edit(fake, both=False)
    with fake.run(controller(function)) as run:
        run.settle()
        assert names(fake) == ["a"]


def test_a_record_that_was_lost_is_found_again(fake):
    fake.create(thing("two"))

    def function(parent, ctx):
        name = parent["metadata"]["name"]
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
        return [config(name)] if parent["spec"].get("less") else [config(name), service]

    with fake.run(controller(function)) as run:
        run.settle()
    fake.patch(THING, "one", {"op": "remove", "path": "/metadata/annotations"})
    things.edit(fake, less=True)
    with fake.run(controller(function)) as run:
        run.settle()
        assert names(fake, "v1/Service") == ["two"]


def test_a_parent_made_anew_takes_its_children_over(fake):
    with fake.run(controller(states(config("a")))) as run:
        run.settle()
        before = fake.get(MAP, "a")["metadata"]["uid"]
        fake.delete(THING, "one", propagation="Orphan")
        fake.create(thing())
        run.advance(seconds=20)
        assert references(fake.get(MAP, "a")) == [("Thing", fake.get(THING, "one")["metadata"]["uid"])]
        assert fake.get(MAP, "a")["metadata"]["uid"] == before


def test_a_composite_writes_nothing_when_nothing_changes():
    objects = [definition(), definition("Part"), thing()]
    with FakeCluster(objects, namespace="shop") as fake:
        part = thing("part", "Part")
        outer = controller(states(part), resync=10.0)
        inner = gr.controller("example.com/v1/Part", name="parts", resync=10.0)(states(config("a")))
        with fake.run(outer, inner) as run:
            run.settle()
            assert names(fake) == ["a"]
            run.advance(seconds=10)
            run.writes.clear()
            assert run.advance(seconds=400) > 2 * 20
            assert run.writes == []
            fake.delete(THING, "one")
            run.advance(seconds=2)
            assert names(fake) == []


def test_a_child_of_the_same_kind_as_its_parent_comes_back():
    """The loop of the parents hears of it as of a parent that it does not select."""

    def function(parent, ctx):
        yield thing(f"of-{parent['metadata']['name']}")

    parent = {**thing("one"), "metadata": {"name": "one", "labels": {"app": "web"}}}
    with things.cluster(parent) as fake, fake.run(controller(function, selector="app=web")) as running:
        running.settle()
        fake.delete(THING, "of-one")
        running.advance(seconds=2)
        assert names(fake, THING) == ["of-one", "one"]


def part(fake):
    return fake.get("example.com/v1/Part", "part")


def test_the_status_of_a_child_runs_its_parent_where_the_child_is_more_or_less_ready_then():
    runs = []

    def states_a_part(parent, ctx):
        runs.append(parent["metadata"]["generation"])
        yield thing("part", "Part")

    objects = [definition(), definition("Part"), thing()]
    with FakeCluster(objects, namespace="shop") as fake, fake.run(controller(states_a_part)) as run:
        run.advance(seconds=5)

        def after(change):
            runs.clear()
            change()
            run.advance(seconds=5)
            return len(runs)

        def tells(ready, **more):
            status = {"conditions": [{"type": "Ready", "status": ready}], **more}
            return lambda: fake.set_status("example.com/v1/Part", "part", status)

        def edits(path, value):
            return lambda: fake.patch(
                "example.com/v1/Part", "part", {"op": "add", "path": path, "value": value}, namespace="shop"
            )

        assert condition(fake, "Ready")[0] == "False", "nobody has told anything yet"
        assert after(tells("False")) == 0
        assert condition(fake, "Ready")[0] == "False"
        assert after(tells("False", replicas=3)) == 0
        assert after(tells("True", replicas=3))
        assert condition(fake, "Ready")[0] == "True"
        assert after(tells("True", replicas=4)) == 0
        assert after(tells("False"))
        assert condition(fake, "Ready")[0] == "False"
        assert after(edits("/metadata/labels/x", "y"))
        assert after(edits("/spec/size", 3))
        assert "size" not in part(fake)["spec"]


@pytest.mark.parametrize("on_immutable", ["fail", "recreate"])
def test_a_child_that_cannot_be_changed_is_made_anew_where_that_is_wanted(fake, on_immutable):
    def frozen(parent, ctx):
        yield {**config("a", size=parent["spec"]["size"]), "immutable": True}

    things.edit(fake, size="1")
    with fake.run(controller(frozen, on_immutable=on_immutable)) as run:
        run.settle()
        before = fake.get(MAP, "a")
        things.edit(fake, size="2")
        run.advance(seconds=5)
        after = fake.get(MAP, "a")
        is_new = on_immutable == "recreate"
        assert (after["metadata"]["uid"] != before["metadata"]["uid"]) is is_new
        assert after["data"]["size"] == ("2" if is_new else "1")
        assert condition(fake, "Ready")[0] == str(is_new)
