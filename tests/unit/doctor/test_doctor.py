"""What ``genreconcile doctor`` finds, on a scripted server over HTTP."""

import json
import re
import time
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from msgspec.structs import replace

from genreconcile import installed
from genreconcile.cli import main
from genreconcile.data import Doctor, shipped
from genreconcile.doctor import connection
from genreconcile.report import schema
from genreconcile.testing.certificates import Authority
from genreconcile.testing.fake.api import Api
from genreconcile.testing.fake.wire import Answer, Refusal, json_answer
from support.api.client import Admin
from support.api.front import Front
from support.api.reviews import Reviews
from support.api.tls import server_context

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
CONFIGS = "/api/v1/namespaces/shop/configmaps"


class Server:
    """A backend: an API server that knows who asks, and what its clock says; ``says`` has other answers by path."""

    def __init__(self):
        self.api = Api(0)
        self.off = 0.0
        self.missing = set()
        self.says = {WHO: json_answer({"status": {"userInfo": {"username": "ada", "groups": ["ops"]}}}, 201)}
        self._reviews = Reviews(self._may, over=self.api)
        self.admin = Admin(self.api.answer)

    def answer(self, request):
        found = self.says.get(request.path) or self._reviews.answer(request)
        if not isinstance(found.body, bytes):
            return found
        date = {"Date": formatdate(time.time() + self.off)}
        return Answer(found.status, found.body, {**found.headers, **date}, found.cut)

    def _may(self, right):
        return not self.missing or right.verb not in {"*", *self.missing}

    def close(self):
        self._reviews.close()


@pytest.fixture
def ground(tmp_path, capsys):
    server = Server()
    server.admin.create("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    with Front(server) as front:
        kubeconfig = front.kubeconfig(tmp_path)

        def run(*arguments, kubeconfig=kubeconfig):
            code = main(["doctor", "--kubeconfig", str(kubeconfig), "-o", "json", *arguments])
            out, err = capsys.readouterr()
            found = json.loads(out)
            jsonschema.validate(found, schema())
            findings = {one["check"]: one for one in found["findings"]}
            return SimpleNamespace(code=code, err=err, all=found["findings"], costs=found["costs"], **findings)

        yield SimpleNamespace(server=server, front=front, run=run, folder=tmp_path, kubeconfig=kubeconfig)


def put(ground, count):
    for number in range(count):
        data = {"k": "v" * 100}
        ground.server.admin.create(CONFIGS, {"metadata": {"name": f"c{number}", "namespace": "shop"}, "data": data})


def levels(found):
    return {one["check"]: one["level"] for one in found.all}


def test_all_is_well(ground):
    found = ground.run()

    assert found.code == 0
    assert {**levels(found), "tls": "ok"} == dict.fromkeys(
        ["kubeconfig", "proxy", "tls", "connection", "clock", "identity", "server", "client", "schema"], "ok"
    )
    assert found.identity["message"] == "ada, of ops"
    assert found.server["message"].startswith("Kubernetes v1.37.2")


def test_nothing_is_written(ground):
    ground.run("--kinds", "v1/ConfigMap")

    sent = [entry for entry in ground.front.log.entries() if entry.verb not in {"get", "list"}]
    assert {entry.verb for entry in sent} == {"create"}
    assert {entry.target.resource for entry in sent} <= {
        "selfsubjectreviews",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
    }


def test_plain_http_is_a_warning(ground):
    assert (ground.run().tls["level"], ground.run().tls["code"]) == ("warning", "GR613")


def test_no_kubeconfig(ground):
    found = ground.run(kubeconfig=ground.folder / "none")

    assert (found.code, levels(found)) == (3, {"kubeconfig": "problem"})
    assert found.kubeconfig["code"] == "GR601"
    assert found.kubeconfig["remedy"]


def test_nobody_answers(ground):
    ground.front.refuse_connections()
    found = ground.run()

    assert (found.code, found.connection["code"], found.all[-1]["check"]) == (3, "GR605", "connection")


def test_a_certificate_of_another_authority(ground):
    with Front(ground.server, context=server_context(Authority())) as front:
        found = ground.run(kubeconfig=front.kubeconfig(ground.folder, token="t"))

    assert (found.code, found.connection["code"]) == (3, "GR606")


def test_credentials_that_are_refused(ground):
    ground.server.says[WHO] = Refusal(401, "Unauthorized").answer()
    found = ground.run("--kinds", "v1/ConfigMap")

    assert (found.code, found.identity["code"], found.all[-1]["check"]) == (3, "GR401", "identity")
    assert found.clock["level"] == "ok"


def test_nobody_at_all(ground):
    ground.server.says[WHO] = json_answer({"status": {"userInfo": {"username": "system:anonymous"}}}, 201)

    assert (ground.run().code, ground.run().identity["code"]) == (3, "GR614")


def test_a_proxy_is_named_without_its_user(ground, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://ada:secret@127.0.0.1:9")
    config = json.loads(ground.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://api.example.com"
    ground.kubeconfig.write_text(json.dumps(config))
    found = ground.run()

    assert found.proxy["message"] == "through http://127.0.0.1:9"
    assert "secret" not in json.dumps(found.all)
    assert found.connection["code"] == "GR605"


@pytest.mark.parametrize(
    ("version", "level", "code"),
    [
        ("v1.37.0-rc.1", "ok", ""),
        ("v1.36.3+k3s1", "ok", ""),
        ("v1.34.1", "warning", "GR505"),
        ("v1.99.0", "warning", "GR505"),
        ("v1.27.16", "problem", "GR504"),
        ("v1.9.0", "problem", "GR504"),
        ("odd", "problem", "GR504"),
    ],
)
def test_versions_of_the_server(ground, version, level, code):
    ground.server.says["/version"] = json_answer({"gitVersion": version})
    found = ground.run()

    assert (found.server["level"], found.server["code"], found.code) == (level, code, int(level == "problem"))


def test_a_version_that_is_none(ground):
    ground.server.says["/version"] = Answer(200, b"<html>", {"Content-Type": "text/html"})
    found = ground.run()

    assert (found.server["code"], found.code) == ("GR611", 1)


def test_a_server_that_does_not_know_who_one_is(ground):
    ground.server.says[WHO] = Refusal(404, "the server could not find the requested resource").answer()
    found = ground.run()

    assert (found.identity["level"], found.identity["code"], found.code) == ("warning", "GR505", 0)


@pytest.mark.parametrize(
    ("off", "level", "side"), [(0, "ok", ""), (-30, "warning", "ahead of"), (900, "problem", "behind")]
)
def test_the_clock(ground, off, level, side):
    ground.server.off = off
    found = ground.run()

    assert (found.clock["level"], found.code) == (level, int(level == "problem"))
    assert side in found.clock["message"]


def test_a_clock_within_the_second_that_the_server_cuts():
    headers = {"date": "Sun, 29 Nov 2026 11:00:00 GMT"}
    server = 1795950000

    assert connection.clock(headers, server + 5.9, server + 6.0).level == "ok"
    assert connection.clock(headers, server + 6.1, server + 6.2).level == "warning"
    assert connection.clock(headers, server - 5.2, server - 4.9).level == "ok"
    assert connection.clock(headers, server - 5.2, server - 5.1).message == "this machine is 5 s behind the server"


@pytest.mark.parametrize("headers", [{}, {"date": "today"}])
def test_an_answer_without_a_date(headers):
    assert connection.clock(headers, 0.0, 1.0).message == "not compared: the answer has no date"


def test_missing_rights_are_named(ground):
    ground.server.missing = {"watch", "patch"}
    found = ground.run("--kinds", "v1/ConfigMap", "-n", "shop")

    assert (found.code, found.rights["code"]) == (3, "GR403")
    assert found.rights["message"] == "2 of 6 missing: patch, watch configmaps in shop"


def test_the_rights_of_files(ground):
    (ground.folder / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n")
    ground.server.missing = {"create"}
    found = ground.run("-f", str(ground.folder / "a.yaml"))

    assert found.rights["message"] == "1 of 5 missing: create configmaps in shop"
    assert [cost["namespace"] for cost in found.costs] == ["shop"]


def test_an_unknown_kind_is_a_problem(ground):
    found = ground.run("--kinds", "v1/Configmap")

    assert (found.code, found.kinds["code"]) == (1, "GR211")
    assert found.kinds["message"] == "v1/Configmap: no such kind on the server; did you mean v1/ConfigMap?"


def test_what_is_no_kind_is_wrong_usage(ground, capsys):
    assert main(["doctor", "--kubeconfig", str(ground.kubeconfig), "--kinds", "ConfigMap"]) == 2
    assert "[GR113]" in capsys.readouterr().err


def test_a_group_without_a_schema(ground):
    ground.server.says["/openapi/v3"] = json_answer({"paths": {}})
    found = ground.run("--kinds", "v1/ConfigMap")

    assert (found.schema["level"], found.schema["code"], found.code) == ("warning", "GR506", 0)
    assert found.schema["message"] == "no schema for v1/ConfigMap"
    assert re.fullmatch(r"no schema for \S+, .* and \d+ more", ground.run().schema["message"])


def test_documents_that_may_not_be_read(ground):
    ground.server.says["/openapi/v3"] = Refusal(403, "forbidden").answer()
    found = ground.run("--kinds", "v1/ConfigMap")

    assert (found.schema["code"], found.rights["level"], found.code) == ("GR403", "ok", 1)


def test_what_a_cache_costs(ground, monkeypatch):
    put(ground, 7)
    whole = ground.run("--kinds", "v1/ConfigMap", "-n", "shop").costs[0]
    limits = shipped(Doctor)
    sample = replace(limits, cache=replace(limits.cache, sample=3))
    monkeypatch.setattr("genreconcile.doctor.needs.shipped", lambda _: sample)
    part = ground.run("--kinds", "v1/ConfigMap", "-n", "shop").costs[0]

    assert (whole["objects"], part["objects"]) == (7, 7)
    assert whole["bytes"] == pytest.approx(part["bytes"], rel=0.2)
    assert whole["memory"] == whole["bytes"] * limits.memory.cached // limits.memory.served


def test_a_server_that_does_not_tell_how_many_there_are(ground):
    items = [{"metadata": {"name": str(number)}} for number in range(4)]
    ground.server.says[CONFIGS] = json_answer({"metadata": {"continue": "more"}, "items": items})
    found = ground.run("--kinds", "v1/ConfigMap", "-n", "shop")

    assert (found.costs[0]["objects"], found.costs[0]["atLeast"]) == (4, True)
    assert found.cache["message"].startswith("at least 4 objects")


def test_a_large_cache_is_a_warning(ground):
    metadata = {"continue": "more", "remainingItemCount": 10**9}
    ground.server.says[CONFIGS] = json_answer({"metadata": metadata, "items": [{"metadata": {"name": "a"}}]})
    found = ground.run("--kinds", "v1/ConfigMap", "-n", "shop")

    assert (found.cache["level"], found.cache["code"], found.code) == ("warning", "GR710", 0)


def test_a_kind_that_may_not_be_listed(ground):
    ground.server.says[CONFIGS] = Refusal(403, "forbidden").answer()
    found = ground.run("--kinds", "v1/ConfigMap", "-n", "shop")

    assert (found.cache["level"], found.cache["code"], found.costs) == ("problem", "GR403", [])


def test_a_package_that_is_too_old(ground, monkeypatch):
    found = installed.metadata.version
    monkeypatch.setattr(installed.metadata, "version", lambda name: "1.26.0" if name == "urllib3" else found(name))
    client = ground.run().client

    assert (client["level"], client["code"]) == ("problem", "GR008")
    assert re.fullmatch(r"urllib3 1\.26\.0 is not >=2\.\d+", client["message"])


def test_text(ground, capsys):
    ground.server.missing = {"watch"}
    put(ground, 1)
    assert main(["doctor", "--kubeconfig", str(ground.kubeconfig), "--kinds", "v1/ConfigMap", "-n", "shop"]) == 3
    out = capsys.readouterr().out

    assert "problem rights      1 of 6 missing: watch configmaps in shop [GR403]\n" in out
    assert "genreconcile rbac -f FILE" in out
    assert re.search(r"\n {8}cache       v1/ConfigMap in shop: 1 objects, \d+ bytes to read, about \d+ bytes of", out)
    assert out.endswith("checks: 11, problems: 1, warnings: 1\n")


def test_the_figures_are_those_of_the_benchmarks():
    file = Path(__file__).parents[3] / "benchmarks/results/latest.json"
    measured = json.loads(file.read_text())["metrics"]["memory_per_object"]["ours"]

    assert shipped(Doctor).memory.cached == pytest.approx(measured, rel=0.2)
