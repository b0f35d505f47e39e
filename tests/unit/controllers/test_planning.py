"""A dry run of controllers: what it foretells of parents and children is what a run then writes, and nothing else."""

import datetime as dt
import json
from collections import Counter

import pytest

import genreconcile as gr
from genreconcile.controllers.planning import planned, planning
from genreconcile.controllers.pretended import Place, PretendedCluster
from genreconcile.report.operators import render_operators
from genreconcile.testing import FakeCluster
from unit.controllers import things
from unit.controllers.things import MAP, THING, condition, config, controller, definition, edit, names, thing

PART = "example.com/v1/Part"
PLURALS = {"Thing": "things", "Part": "parts", "ConfigMap": "configmaps"}
VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}


def stated(parent, ctx):
    ctx.status["size"] = len(parent["spec"]["names"])
    for name in parent["spec"]["names"]:
        yield config(name)


def made(text):
    """A function of no file, whose build is that of its code."""
    names = {"config": config}
    exec(f"def function(parent, ctx):\n    {text}\n", names)  # noqa: S102 - it has no file
    return names["function"]


def foretold(found):
    """How often what is written, of all that is planned: (verb, resource, subresource, namespace, name)."""
    writes = (write for one in found for write in one.writes)
    return Counter((w.verb, w.resource, w.subresource, w.namespace, w.name) for w in writes)


def requests(run):
    """What a run has written, as ``foretold``."""
    found = Counter()
    for write in run.writes:
        place = Place.of(write.path)
        name = place.name or write.body["metadata"]["name"]
        found[VERBS[write.method], place.plural, place.subresource, place.namespace, name] += 1
    return found


def dry(fake, *controllers, **settings):
    """The plan, after which nothing is written."""
    sent = []
    cluster = fake.recording(lambda *write: sent.append(write))
    found = planned(controllers, cluster, **settings)
    assert sent == [], "nothing is written"
    return found


def assert_foretold(fake, *controllers, runs=1):
    found = dry(fake, *controllers)
    with fake.run(*controllers) as run:
        run.settle()
        assert requests(run) == foretold(found)
        run.advance(seconds=5)
    assert foretold(dry(fake, *controllers)) == Counter(), "and then nothing is left to be done"
    return found


def text(found):
    return render_operators(found, [], "text")


def test_what_a_run_writes_on_the_parent_is_foretold_with_its_status():
    with things.cluster(thing("one", names=["a", "b"]), thing("two", names=[])) as fake:
        found = assert_foretold(fake, controller(stated))
        assert condition(fake, "Ready") == ("True", "Reconciled")
        one = next(p for p in found if p.parent.name == "one")
        assert [(w.verb, w.resource, w.subresource) for w in one.writes] == [
            ("patch", "things", ""),
            ("create", "configmaps", ""),
            ("create", "configmaps", ""),
            ("patch", "things", "status"),
        ]
        said = text(found).splitlines()
        assert "  the parent to update" in said
        assert "  status of the parent to update" in said
        edit(fake, names=["b", "c"])
        fake.patch(MAP, "b", {"op": "add", "path": "/data/more", "value": "theirs"})
        again = assert_foretold(fake, controller(stated))
        assert foretold(again) == {
            ("create", "configmaps", "", "shop", "c"): 1,
            ("patch", "configmaps", "", "shop", "b"): 1,
            ("delete", "configmaps", "", "shop", "a"): 1,
        } | {("patch", "things", "status", "shop", "one"): 1}


def test_a_finalizer_comes_and_goes():
    def elsewhere(parent, ctx):
        for name in parent["spec"]["names"]:
            yield config(name, namespace=parent["spec"]["place"])

    with things.cluster(thing("one", names=["a"], place="default")) as fake:
        one = controller(elsewhere, namespaces="*")
        found = assert_foretold(fake, one)
        assert "/metadata/finalizers" in text(found)
        edit(fake, place="shop")
        assert_foretold(fake, one)
        with fake.run(one) as run:
            run.advance(seconds=5)
        assert "finalizers" not in fake.get(THING, "one")["metadata"]


def test_a_function_that_fails_leaves_its_error_in_the_status():
    def fails(parent, ctx):
        raise KeyError("x")

    with things.cluster(thing("one")) as fake:
        (found,) = dry(fake, controller(fails))
        assert not found.is_judged
        assert "KeyError" in found.error
        assert [(w.resource, w.subresource) for w in found.writes] == [("things", "status")]


def test_a_parent_that_is_going_and_one_that_is_paused():
    called = []

    def one(parent, ctx):
        yield config(parent["metadata"]["name"])

    with things.cluster(thing("going"), thing("paused")) as fake:
        kept = controller(one)
        kept.on_delete(lambda parent, _: called.append(parent["metadata"]["name"]))
        assert_foretold(fake, kept)
        fake.delete(THING, "going")
        pause = "/metadata/annotations/genreconcile.dev~1reconcile"
        fake.patch(THING, "paused", {"op": "add", "path": pause, "value": "disabled"})
        found = {p.parent.name: p for p in dry(fake, kept)}
        assert called == [], "on_delete undoes things elsewhere"
        assert (found["going"].plan, found["going"].has_changes) == (None, False)
        assert [(w.resource, w.subresource) for w in found["paused"].writes] == [("things", "status")]


def test_a_build_that_would_change_too_much_is_foretold_to_write_statuses_alone():
    text_of = "return [{{**c, 'data': {{'k': '{}'}}}} for c in map(config, parent['spec']['names'])]"
    build, next_build = (made(text_of.format(value)) for value in ("v", "next"))
    parents = [thing(f"t{number}", names=[f"{number}-{at}" for at in range(4)]) for number in range(3)]
    with things.cluster(*parents) as fake:
        with fake.run(controller(build)) as run:
            run.settle()
        refused, *found = dry(fake, controller(next_build))
        assert "would change 12 of 12 children, which is more than 10" in refused.refusal
        assert set(foretold(found)) == {("patch", "things", "status", "shop", f"t{number}") for number in range(3)}
        said = text([refused, *found])
        assert f"things: refused: {refused.refusal}" in said
        assert '"type": "Stalled"' in said
        assert said.splitlines()[-1] == "3 looked at: 3 would be changed, 0 could not be judged"
        accepted = dry(fake, controller(next_build), accept_changes=True)
        assert sum(one[:2] == ("patch", "configmaps") for one in foretold(accepted)) == 12
        with fake.run(controller(next_build)) as run:
            run.settle()
            assert requests(run) == foretold(accepted)


def test_composites_are_planned_through():
    """Of a part that does not exist yet, too, with what its schema adds to it; and of one that changes."""

    def whole(parent, ctx):
        for name in parent["spec"]["names"]:
            yield {"apiVersion": "example.com/v1", "kind": "Part", "metadata": {"name": name}, "spec": {"of": name}}

    def part(parent, ctx):
        yield config(f"of-{parent['metadata']['name']}", size=parent["spec"]["size"])

    parts = definition("Part")
    spec = {"type": "object", "properties": {"of": {"type": "string"}, "size": {"type": "string", "default": "big"}}}
    version = parts["spec"]["versions"][0]
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": things.STATUS}}}
    with FakeCluster([definition(), parts, thing("one", names=["a", "b"])], namespace="shop") as fake:
        both = [controller(whole), gr.controller(PART, name="parts")(part)]
        found = dry(fake, *both)
        created = {one[-1] for one in foretold(found) if one[0] == "create"}
        assert created == {"a", "b", "of-a", "of-b"}
        assert dry(fake, *reversed(both)), "in any order"
        assert {one[-1] for one in foretold(dry(fake, *reversed(both))) if one[0] == "create"} == created
        with fake.run(*both) as run:
            run.settle()
            run.advance(seconds=5)
            assert {one for one in requests(run) if one[0] == "create"} == {
                one for one in foretold(found) if one[0] == "create"
            }
        assert fake.get(MAP, "of-a")["data"] == {"size": "big"}
        assert foretold(dry(fake, *both)) == Counter()
        fake.patch(PART, "a", {"op": "replace", "path": "/spec/of", "value": "theirs"})
        again = dry(fake, *both)
        written = {(p.name, w.verb, w.name) for p in again for w in p.writes if not w.subresource}
        assert written == {("things", "patch", "a")}
        with fake.run(*both) as run:
            run.settle()
            run.advance(seconds=5)
        assert foretold(dry(fake, *both)) == Counter()


def test_as_another_controller():
    with things.cluster(thing("one", names=["a"])) as fake:
        with fake.run(controller(stated)) as run:
            run.settle()
        (other,) = dry(fake, controller(stated, name="new"))
        assert "has a set there already" in other.error
        (same,) = dry(fake, controller(stated, name="new").named("things"))
        assert (same.has_changes, same.is_judged) == (False, True)


def test_the_cache_of_a_dry_run_watches_what_was_read():
    with things.cluster(thing("one", names=["a"])) as fake:
        with planning([controller(stated)], fake) as (found, cache):
            assert {str(kind) for kind in cache.watched_kinds()} >= {THING, MAP}
            assert len(found) == 1
        assert names(fake) == []


# The cluster


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/api/v1/namespaces/shop", ("", "namespaces", "", "shop", "")),
        ("/api/v1/namespaces/shop/status", ("", "namespaces", "", "shop", "status")),
        ("/api/v1/namespaces/shop/pods/a", ("", "pods", "shop", "a", "")),
        ("/apis/apps/v1/namespaces/shop/deployments", ("apps", "deployments", "shop", "", "")),
        ("/apis/apps/v1/namespaces/shop/deployments/a/status", ("apps", "deployments", "shop", "a", "status")),
        ("/apis/example.com/v1/things/a%3Ab/status", ("example.com", "things", "", "a:b", "status")),
    ],
)
def test_what_a_path_names(path, place):
    assert Place.of(path) == place


def test_what_was_written_is_there_and_preconditions_hold():
    with things.cluster(thing("one", names=[])) as fake:
        cluster = PretendedCluster(fake, lambda obj: obj, lambda: dt.datetime.now(dt.UTC))
        path = fake._path(MAP, "", "shop").rstrip("/")
        body = json.dumps(config("a", namespace="shop")).encode()
        made = json.loads(cluster.request("POST", path, body=body))
        assert json.loads(cluster.request("GET", f"{path}/a")) == made
        with pytest.raises(gr.Conflict):
            cluster.request("POST", path, body=body)

        def patch(*operations, **query):
            patch = json.dumps(operations).encode()
            return json.loads(
                cluster.request(
                    "PATCH", f"{path}/a", body=patch, query=query, content_type="application/json-patch+json"
                )
            )

        old = made["metadata"]["resourceVersion"]
        change = {"op": "add", "path": "/data/k", "value": "new"}
        with pytest.raises(gr.Invalid, match="the test of /metadata/uid failed"):
            patch({"op": "test", "path": "/metadata/uid", "value": "other"}, change)
        assert patch(change, dryRun="All")["data"] == {"k": "new"}
        now = patch({"op": "test", "path": "/spec", "value": None}, change)
        assert (now["data"], now["metadata"]["uid"]) == ({"k": "new"}, made["metadata"]["uid"])
        with pytest.raises(gr.Conflict):
            patch({"op": "replace", "path": "/metadata/resourceVersion", "value": old}, change)
        with pytest.raises(gr.ClusterError, match="this is a dry run"):
            cluster.request("PATCH", f"{path}/a", body=b"{}", content_type="application/apply-patch+yaml")
        cluster.request("DELETE", f"{path}/a")
        with pytest.raises(gr.NotFound):
            cluster.request("GET", f"{path}/a")
        taken = [(one.verb, one.place.name) for one in cluster.taken()]
        assert taken == [("create", "a"), ("patch", "a"), ("delete", "a")]
        assert names(fake) == []
