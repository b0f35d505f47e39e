"""What a run writes on its own parent does not run it again; what others write always does."""

import json
from types import SimpleNamespace

import pytest

from genreconcile.controllers.ownwrites import OwnWrites
from genreconcile.controllers.status import News
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from genreconcile.plan.change import JSON_PATCH
from unit.controllers import things
from unit.controllers.things import THING, config, controller, edit, names, thing

PARENT = {**thing(), "metadata": {"name": "one", "namespace": "shop", "uid": "u", "resourceVersion": "1"}}
MARKED = {**PARENT, "metadata": {**PARENT["metadata"], "resourceVersion": "2", "labels": {"a": "b"}}}
PATCH = [
    {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
    {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
]
PATH = "/apis/example.com/v1/namespaces/shop/things/one"


def written(answer=MARKED, patch=PATCH, path=PATH, **more):
    """Whether the answer is news, and the parent as the run has left it."""
    news = News()
    resource = Resource(GVK.parse(THING), "things", namespaced=True, verbs=frozenset())
    cluster = SimpleNamespace(server="", namespace="", stream=None, close=None)
    cluster.request = lambda *_, **__: json.dumps(answer).encode()
    own = OwnWrites(cluster, resource, news)
    news.saw(PARENT)
    with own.of_run(PARENT):
        own.request("PATCH", path, **{"body": json.dumps(patch).encode(), "content_type": JSON_PATCH, **more})
        left = own.left
    assert own.left is None
    return news.has_news(answer), left


def test_an_own_patch_is_no_news():
    assert written() == (False, MARKED)


@pytest.mark.parametrize(
    "of_others",
    [
        pytest.param({"answer": {**MARKED, "spec": {"by": "a webhook"}}}, id="a webhook adds something"),
        pytest.param({"patch": [{**PATCH[0], "value": "0"}, PATCH[1]]}, id="of another state"),
        pytest.param({"patch": PATCH[1:]}, id="of whatever state"),
        pytest.param({"path": PATH.replace("one", "two")}, id="of another object"),
        pytest.param({"query": {"dryRun": "All"}}, id="a dry run"),
        pytest.param({"content_type": "application/merge-patch+json"}, id="no JSON patch"),
    ],
)
def test_what_others_may_have_written_is_news(of_others):
    assert written(**of_others)[0] is True


def test_an_edit_in_between_is_seen():
    """It comes between the marks, which the run writes first, and the status, which it writes last."""
    seen = []

    def function(parent, ctx):
        seen.append(parent["spec"].get("size"))
        if parent["spec"].get("size") is None:
            edit(fake, size=1)
        ctx.status["size"] = parent["spec"].get("size", 0)
        return [config("a")]

    with things.cluster(thing()) as fake, fake.run(controller(function)) as running:
        running.settle()
        running.advance(seconds=5)
        assert seen[0] is None
        assert set(seen[1:]) == {1}
        assert fake.get(THING, "one")["status"]["size"] == 1
        assert names(fake) == ["a"]


def test_marks_and_status_run_the_parent_no_more():
    runs = []

    def function(parent, ctx):
        runs.append(parent["metadata"]["name"])
        ctx.status["size"] = 1
        return []

    with things.cluster(thing()) as fake, fake.run(controller(function, finalizer="example.com/x")) as running:
        running.settle()
        running.advance(seconds=60)
        assert runs == ["one"]
        path = "/metadata/labels"
        fake.patch(THING, "one", {"op": "add", "path": path, "value": {"team": "shop"}})
        running.advance(seconds=60)
        assert runs == ["one"] * 2
