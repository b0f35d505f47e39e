"""How the benchmark of operators judges: by the server's log, by what the server has, and by the kernel."""

import json
import os
from types import SimpleNamespace

import pytest

from benchmarks import audit, drift, usage
from benchmarks.contest import Missing
from benchmarks.gopeers import GoPeers
from benchmarks.parents import parents


def answered(user, second, *, name="a", verb="patch", resource="services", part=""):
    return audit.Answered(user, verb, resource, part, name, 1000.0 + second)


def line(user="counted", verb="patch", code=200, stage="ResponseComplete", at="2026-01-01T00:00:01.500000Z", **more):
    reference = {"resource": "services", "namespace": "ns", "name": "a", **more}
    about = {"auditID": f"{user}{verb}{at}", "verb": verb, "user": {"username": user}, "objectRef": reference}
    return {**about, "requestURI": "/x", "stage": stage, "stageTimestamp": at, "responseStatus": {"code": code}}


@pytest.fixture
def log(tmp_path):
    log = audit.AuditLog(tmp_path)

    def write(*lines):
        with (tmp_path / "audit.log").open("a") as file:
            file.writelines(json.dumps(one) + "\n" for one in lines)

    return SimpleNamespace(write=write, log=log)


def test_only_what_succeeded_after_the_mark_is_answered(log):
    assert log.log.mark() == 0
    log.write(line())
    mark = log.log.mark()
    log.write(line(code=409), line(stage="ResponseStarted"), line("editor", subresource="status"))
    [found] = log.log.answered(mark)
    assert found == audit.Answered("editor", "patch", "services", "status", "a", pytest.approx(1767225601.5))


def test_watches_leases_and_the_edits_of_the_harness_are_no_requests_of_an_operator(log):
    log.write(line("editor"), line(verb="watch"), line(verb="update", resource="leases"), line(verb="create"))
    assert log.log.count_but_watches() == 1
    assert log.log.count() == 3
    assert log.log.count_but_watches(log.log.mark()) == 0


def test_a_repair_is_the_first_write_of_the_same_object_after_its_edit():
    found = drift.repairs(
        [
            answered("counted", 0.5),
            answered("editor", 1.0),
            answered("counted", 1.1, part="status"),
            answered("counted", 1.2, name="b"),
            answered("counted", 1.25, verb="get"),
            answered("counted", 1.3, verb="update"),
            answered("counted", 1.4),
            answered("editor", 2.0, name="b"),
            answered("counted", 2.1, name="b"),
        ],
        warm=0,
    )
    assert found == [pytest.approx(0.1), pytest.approx(0.3)]


def test_edits_that_are_to_warm_up_do_not_count():
    log = [answered(user, second) for second, user in enumerate(("editor", "counted") * 3)]
    assert len(drift.repairs(log, warm=2)) == 1


def test_an_edit_that_stays_is_told():
    with pytest.raises(Missing, match=r"1 edits were not repaired, services/a among them"):
        drift.repairs([answered("counted", 0), answered("editor", 1)], warm=0)


@pytest.mark.parametrize(("count", "edits"), [(2000, 510), (500, 510), (20, 60)])
def test_no_child_is_edited_twice_and_each_kind_as_often(count, edits):
    found = [(child.resource, name) for child, name in (drift.edited(number, count) for number in range(edits))]
    assert len(set(found)) == edits
    kinds = [sum(resource == child.resource for resource, _ in found) for child in drift.CHILDREN]
    assert max(kinds) - min(kinds) <= 1 + edits // count


class _Server:
    def __init__(self, objects):
        self.connect = lambda: self
        self.close = lambda: None
        self.get = lambda path, _: {"items": objects.get(path.rsplit("/", 1)[1], []), "metadata": {}}


def named(name, **more):
    return {"metadata": {"name": name}, **more}


def test_the_server_tells_what_is_missing_or_wrong():
    [parent] = parents(1, ["ns"])
    parent = {**parent, "metadata": {**parent["metadata"], "generation": 1}, "status": {"observedGeneration": 1}}
    name, spec = parent["metadata"]["name"], parent["spec"]
    right = {
        "parents": [parent],
        "deployments": [named(name, spec={"replicas": spec["replicas"]})],
        "services": [named(name, spec={"selector": {"app": name}})],
        "configmaps": [named(name, data={"image": spec["image"]})],
    }
    assert drift.wrong(_Server(right), "ns") == []
    for child in drift.CHILDREN:
        [live] = right[child.resource]
        edited = {**live, **child.edit}
        assert drift.wrong(_Server({**right, child.resource: [edited]}), "ns") == [f"{child.resource} {name}"]
        assert drift.wrong(_Server({**right, child.resource: []}), "ns") == [f"{child.resource} {name}"]
    untold = {**parent, "status": {}}
    assert drift.wrong(_Server({**right, "parents": [untold]}), "ns") == [f"status of {name}"]


def test_a_process_is_measured_from_outside(tmp_path):
    me = os.getpid()
    before = usage.cpu_seconds(me)
    while usage.cpu_seconds(me) < before + 0.02:
        pass
    assert usage.rss(me) > 1 << 20
    with pytest.raises(Missing, match="kube-apiserver and etcd: 0 of them"):
        usage.servers(tmp_path)


def test_a_program_beside_the_peers_is_found_or_missing(tmp_path):
    program = tmp_path / "peers"
    peers = GoPeers(lambda: program)
    with pytest.raises(Missing, match="operator: no such program"):
        peers.beside("operator")
    (tmp_path / "operator").touch()
    assert peers.beside("operator", "--workers", 4) == [str(tmp_path / "operator"), "--workers", "4"]
