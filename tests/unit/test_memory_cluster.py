"""The API server of the tests, reached in memory: the whole engine runs on it, and a script may be laid over it."""

import pytest

import genreconcile as gr
from genreconcile.errors import Conflict, Unreachable
from genreconcile.testing.fake.api import Api
from genreconcile.testing.fake.cluster import MemoryCluster
from support.api.client import Admin
from support.api.effects import CommitThenDrop, Refuse
from support.api.passage import Passage
from support.api.script import Script
from support.api.scripted import status

MAPS = "/api/v1/namespaces/shop/configmaps"
EXPECTED = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": {"k": name}}
    for name in "ab"
]


@pytest.fixture
def api():
    opened = Api()
    Admin(opened.answer).create("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    yield opened
    opened.close()


def test_the_engine_runs_on_it(api):
    admin = Admin(api.answer)
    with gr.Reconciler(MemoryCluster(api)) as reconciler:
        assert reconciler.reconcile(EXPECTED).counts["created"] == 2
        edited = admin.patch(f"{MAPS}/a", {"op": "replace", "path": "/data/k", "value": "theirs"})
        assert reconciler.reconcile(EXPECTED, not_older_than=edited).counts["configured"] == 1
        assert {name: obj["data"]["k"] for name, obj in admin.list(MAPS).items()} == {"a": "a", "b": "b"}


def test_faults_happen_to_what_passes(api):
    passage = Passage(api)
    cluster = MemoryCluster(passage)
    passage.faults.add(CommitThenDrop(), "create")
    with pytest.raises(Unreachable):
        cluster.request("POST", MAPS, body=b'{"metadata":{"name":"a"}}')
    passage.faults.add(Refuse(409), "delete")
    with pytest.raises(Conflict):
        cluster.request("DELETE", f"{MAPS}/a")
    assert passage.log.tally() == {("configmaps", "shop", "a"): (1, 0)}


def test_a_script_is_laid_over_it(api):
    script = Script(over=api)
    cluster = MemoryCluster(script)
    script.says(f"{MAPS}/a", {"written": "down"})
    assert cluster.request("GET", f"{MAPS}/a") == b'{"written":"down"}'
    assert b'"items":[]' in cluster.request("GET", MAPS)
    script.watch(MAPS, status(403))
    with pytest.raises(gr.Forbidden), cluster.stream(MAPS, query={"watch": "true"}, read_timeout=1):
        pass
    watch = {"watch": "true", "timeoutSeconds": "0.01"}
    with cluster.stream("/api/v1/namespaces", query=watch, read_timeout=1) as lines:
        assert b'"name":"shop"' in next(lines)
