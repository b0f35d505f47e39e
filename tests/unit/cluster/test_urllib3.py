"""Which urllib3 the exchange by hand is for, and what happens with any other."""

import ast
import queue
import tomllib
import types
from pathlib import Path

import pytest
import urllib3

import genreconcile
from genreconcile.cluster import exchange, transport

ROOT = Path(genreconcile.__file__).parent
PROJECT = Path(__file__).parents[3] / "pyproject.toml"
TOLD = (
    "genreconcile/cluster/exchange.py was not written for this urllib3, and requests go out by urlopen, at three times "
    "the cost. Read what changed in urllib3/connectionpool.py, run tests/unit and tests/kind, and widen _VERSIONS."
)


def test_the_installed_urllib3_is_known():
    assert exchange.what_is_unknown(urllib3) == "", TOLD


def test_what_may_be_installed_begins_with_what_is_known():
    text = PROJECT.read_text(encoding="utf-8")
    found = [name for name in tomllib.loads(text)["project"]["dependencies"] if name.startswith("urllib3")]
    (first, _) = exchange._VERSIONS
    assert found == [f"urllib3>={first[0]}.{first[1]},<{first[0] + 1}"]


class Pool:
    QueueCls = queue.LifoQueue

    def _get_conn(self, timeout=None): ...

    def _prepare_proxy(self, conn): ...


class Fresh(Pool):
    def _get_conn(self, timeout=None, *, fresh=False): ...


class Deferred(Pool):
    def _prepare_proxy(self, conn, url): ...


class Renamed(Pool):
    _get_conn = None


class Fifo(Pool):
    QueueCls = queue.Queue


def stand_in(version="2.8.0", http=Pool, https=Pool):
    return types.SimpleNamespace(__version__=version, HTTPConnectionPool=http, HTTPSConnectionPool=https)


@pytest.mark.parametrize("version", ["2.2", "2.2.0", "2.8.0", "2.8.15", "2.8.0.post1"])
def test_a_urllib3_that_is_known(version):
    assert exchange.what_is_unknown(stand_in(version)) == ""


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (stand_in("2.1.0"), "urllib3 2.1.0 is none of 2.2 to before 2.9"),
        (stand_in("2.9.0"), "urllib3 2.9.0 is none of 2.2 to before 2.9"),
        (stand_in("2.9rc1"), "urllib3 2.9rc1 is none of 2.2 to before 2.9"),
        (stand_in("3.0"), "urllib3 3.0 is none of 2.2 to before 2.9"),
        (stand_in(""), "urllib3  is none of 2.2 to before 2.9"),
        (
            stand_in(http=Fresh),
            "HTTPConnectionPool._get_conn of urllib3 2.8.0 takes ('self', 'timeout', 'fresh'), not ('self', 'timeout')",
        ),
        (
            stand_in(https=Deferred),
            "HTTPSConnectionPool._prepare_proxy of urllib3 2.8.0 takes ('self', 'conn', 'url'), not ('self', 'conn')",
        ),
        (stand_in(http=Renamed), "HTTPConnectionPool._get_conn of urllib3 2.8.0 takes None, not ('self', 'timeout')"),
        (stand_in(http=None), "HTTPConnectionPool._get_conn of urllib3 2.8.0 takes None, not ('self', 'timeout')"),
        (stand_in(http=Fifo), f"HTTPConnectionPool.QueueCls of urllib3 2.8.0 is {queue.Queue}, not LifoQueue"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_urllib3_that_is_not_known(other, told):
    assert exchange.what_is_unknown(other) == told


@pytest.fixture
def used(monkeypatch):
    """The requests that go out by hand; which way they go is asked anew."""
    by_hand, seen = exchange.exchange, []
    monkeypatch.setattr(exchange, "exchange", lambda *arguments: seen.append(arguments) or by_hand(*arguments))
    transport._knows_urllib3.cache_clear()
    yield seen
    transport._knows_urllib3.cache_clear()


def test_a_urllib3_that_is_known_sends_by_hand(cluster, used, caplog):
    caplog.set_level("INFO", logger="genreconcile.cluster")
    assert cluster.request("GET", "/x") == cluster.request("GET", "/x") == b"{}"
    assert len(used) == 2
    assert caplog.messages == []


def test_a_urllib3_that_is_not_known_sends_itself(cluster, used, monkeypatch, caplog):
    caplog.set_level("INFO", logger="genreconcile.cluster")
    monkeypatch.setattr(urllib3, "__version__", "2.9.0")
    assert cluster.request("GET", "/x") == cluster.request("GET", "/x") == b"{}"
    assert used == []
    told = "urllib3 2.9.0 is none of 2.2 to before 2.9: requests go out by its own urlopen, and take longer"
    assert caplog.messages == [told]


def test_one_module_uses_what_is_protected_in_urllib3():
    classes = (urllib3.HTTPConnectionPool, urllib3.HTTPSConnectionPool, urllib3.HTTPResponse, urllib3.PoolManager)
    classes += (urllib3.connection.HTTPConnection, urllib3.connection.HTTPSConnection)
    protected = {name for owner in classes for name in dir(owner) if name.startswith("_") and not name.endswith("__")}
    assert protected >= {"_get_conn", "_prepare_proxy", "_put_conn"}
    files = [file for file in ROOT.rglob("*.py") if uses(file) & protected]
    assert [file.name for file in files] == ["exchange.py"]


def uses(file):
    """The attributes of others than ``self``."""
    nodes = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Attribute)]
    return {node.attr for node in nodes if not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})}
