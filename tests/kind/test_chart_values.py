"""What the chart renders: with which values, with which rights, and with what of the package."""

import importlib.util
import json
import re

import pytest
import yaml

import genreconcile as gr
from genreconcile.access import manifests
from genreconcile.access.right import holding, sharing
from kind import deployed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # Helm is built the first time.


@pytest.fixture(scope="module", params=deployed.VERSIONS)
def helm(request):
    return deployed.helm(request.param)


def test_lint_has_nothing_to_say(helm):
    for settings in ({}, {"operator": {"files": {"a.py": ""}}, "shards": 3}, {"folder": {"path": "/manifests"}}):
        said = deployed.lint(helm, settings, "--strict").stdout
        assert "0 chart(s) failed" in said
        assert "[WARNING]" not in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "nothing to run"),
        ({"operator": {"files": {"a.py": ""}}, "folder": {"path": "/a"}}, "exclude each other"),
        ({"folder": {"path": "/a", "files": {"a.yaml": ""}}}, "exclude each other"),
        ({"folder": {"path": "/a"}, "shards": 2}, "shards go with operator"),
        ({"operator": {"paths": ["/a.py"]}, "lease": {"takeoverAfter": 5}}, "goes with shards"),
        ({"operator": {"paths": ["/a.py"]}, "rbac": {"roles": "apiVersion: v1"}}, "rbac.roles: no roles in it"),
        ({"operator": {"paths": ["a.py"]}}, "/operator/paths/0"),
        ({"operator": {"files": {"a.txt": ""}}}, "'a.txt' does not match"),
        ({"replica": 1}, "'replica' not allowed"),
        ({"replicas": -1}, "/replicas"),
        ({"shards": 0}, "/shards"),
        ({"lease": {"duration": 1.5}}, "/lease/duration"),
        ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
        ({"metrics": {"port": 80}}, "/metrics/port"),
        ({"metrics": {"serviceMonitor": True}}, "/metrics/serviceMonitor"),
        ({"serviceAccount": {"create": False}}, "/serviceAccount/name"),
        ({"resources": {}, "events": "no"}, "/events"),
        ({"watchNamespaces": "shop"}, "/watchNamespaces"),
    ],
    ids=json.dumps,
)
def test_bad_values_are_refused(helm, settings, said):
    with pytest.raises(AssertionError, match=re.escape(said)):
        deployed.template(helm, "app", "ops", settings)


def test_every_value_has_a_schema():
    known = json.loads((deployed.CHART / "values.schema.json").read_text())["properties"]
    given = yaml.safe_load((deployed.CHART / "values.yaml").read_text())
    assert {*given} == {*known} - {"global"}
    for name, value in given.items():
        if known[name].get("additionalProperties") is False:
            assert {*value} == {*known[name]["properties"]}, name


def test_every_value_is_explained():
    page = (deployed.CHART / "README.md").read_text()
    given = yaml.safe_load((deployed.CHART / "values.yaml").read_text())
    opened = {"operator", "folder", "image", "lease", "rbac", "serviceAccount", "metrics"}
    names = [[f"{name}.{key}" for key in value] if name in opened else [name] for name, value in given.items()]
    assert [name for some in names for name in some if f"`{name}`" not in page] == []


@pytest.mark.parametrize("shards", [None, 2])
def test_leases_have_the_rights_that_rbac_prints(helm, shards):
    lease = gr.Lease("app", shards=shards)
    needed = sharing("ops", map(lease.of_shard, range(shards))) if shards else holding("ops", "app")
    (printed,) = manifests(needed, "app")
    found = deployed.template(helm, "app", "ops", {"operator": {"paths": ["/a.py"]}, "shards": shards})
    assert rights(deployed.of("Role", found)["rules"]) == rights(printed["rules"])


def test_the_leases_of_the_shards_before_are_held_until_the_last_pod_is_replaced(helm):
    both = [gr.Lease("app", shards=shards).of_shard(shard) for shards in (2, 3) for shard in range(shards)]
    (printed,) = manifests(sharing("ops", both), "app")
    settings = {"operator": {"paths": ["/a.py"]}, "shards": 3, "formerShards": [2]}
    found = deployed.template(helm, "app", "ops", settings)
    assert rights(deployed.of("Role", found)["rules"]) == rights(printed["rules"])


def rights(rules):
    return {
        (resource, verb, name)
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def test_the_files_that_are_made_are_as_they_are_made(helm):
    spec = importlib.util.spec_from_file_location("render", deployed.ROOT / "tools/deploy/render.py")
    render = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(render)
    made = dict(render.texts(str(helm)))
    assert len(made) == 8
    stale = [str(path) for path, text in made.items() if (deployed.ROOT / path).read_text() != text]
    assert stale == [], "run tools/deploy/render.py"
