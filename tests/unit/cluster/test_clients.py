"""The kubernetes clients that may be installed: the oldest one asks in another way, and knows fewer settings."""

import pytest
import urllib3
from kubernetes.client import Configuration

from genreconcile.cluster import DynamicCluster
from genreconcile.cluster.transport import Transport, keepalive

pytestmark = pytest.mark.usefixtures("way")


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_the_clients_before_kubernetes_37_have_a_method_for_each_verb(server, verb):
    transport = Transport(urllib3.PoolManager(), server.url)
    ask = getattr(transport, verb)
    answer = ask(f"{server.url}/x", headers={"A": "b"}, body=b"{}", query_params=[], _preload_content=False)
    assert (answer.status, answer.read()) == (200, b"{}")
    method, path, headers, body = server.seen.pop()
    assert (method, path, headers["A"], body) == (verb, "/x", "b", b"{}")
    transport.close()


def probes(cluster):
    """What the socket of the cluster's connection says of its keepalive."""
    pool = cluster._transport._pool
    connection = pool._get_conn()
    found = [connection.sock.getsockopt(level, option) for level, option, _ in keepalive()]
    pool._put_conn(connection)
    return found


def test_a_dead_peer_of_a_clients_own_connections_is_noticed(server):
    configuration = Configuration(host=server.url)
    configuration.no_proxy = "*"
    cluster = DynamicCluster(configuration)
    cluster.request("GET", "/x")
    found = probes(cluster)
    assert (all(found), found[2:]) == (True, [value for *_, value in keepalive()[2:]])
    cluster.close()
