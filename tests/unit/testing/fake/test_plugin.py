"""The fixtures that pytest finds."""

import tomllib
from pathlib import Path

from genreconcile.testing import plugin

pytest_plugins = "pytester"
ROOT = Path(__file__).parents[4]

TESTS = """
from genreconcile.testing.plugin import fake_cluster

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
clusters = []

def test_first(fake_cluster):
    clusters.append(fake_cluster)
    fake_cluster.create(MAP)
    assert [obj["metadata"]["name"] for obj in fake_cluster.find("v1/ConfigMap")] == ["a"]

def test_second(fake_cluster):
    assert fake_cluster.find("v1/ConfigMap") == []
    query = {"watch": "true"}
    with clusters[0].stream("/api/v1/configmaps", query=query, read_timeout=1) as lines:
        assert len(list(lines)) == 1  # The cluster of the first test is stopped: its watches end.
"""


def test_each_test_has_a_cluster_of_its_own(pytester):
    pytester.makepyfile(TESTS)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_pytest_loads_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"genreconcile": plugin.__name__}
    assert {"control_plane", "fake_cluster", "namespace"} <= set(plugin.__all__)
