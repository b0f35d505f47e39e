"""How often a server that is not well is asked (I10): counted over simulated time, on the engine's own reader."""

import pytest

from faults.oracles import path_of
from genreconcile.cache.feed import Feed, Upstream
from genreconcile.cache.reflector import Reflector, Timing
from genreconcile.cache.retention import Retention
from genreconcile.cache.scope import Scope
from genreconcile.cache.transform import read
from genreconcile.cache.watched import Watched
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from support.api.effects import Drop, Refuse, Shorten
from support.api.streams import Lines, error_event

MAPS = Resource(GVK("", "v1", "ConfigMap"), "configmaps", namespaced=True)
MOST = 0.22  # Requests a second for each kind, as of client-go.
MINUTES = 20

ILLS = {
    "500": [(Refuse(500), ("list", "watch"))],
    "503 for the watch": [(Refuse(503), ("watch",))],
    "401": [(Refuse(401), ("list", "watch"))],
    "403": [(Refuse(403), ("list", "watch"))],
    "404": [(Refuse(404), ("list", "watch"))],
    "429": [(Refuse(429), ("list", "watch"))],
    "429 with Retry-After 0": [(Refuse(429, retry_after=0), ("list", "watch"))],
    "410 for each watch": [(Refuse(410), ("watch",))],
    "410 for each list": [(Refuse(410), ("list",))],
    "410 as an event": [(error_event(410), ("watch",))],
    "an ERROR event": [(error_event(500), ("watch",))],
    "dropped": [(Drop(), ("list", "watch"))],
    "watches that end at once": [(Lines(lambda _: ()), ("watch",))],
    "lists that are no JSON": [(Shorten(), ("list",))],
    "watches that are no JSON": [(Lines(lambda _: iter([b"<html>\n"])), ("watch",))],
}


class SimulatedTime:
    """Sleeps pass at once; the rest takes no time."""

    def __init__(self, seconds):
        self.now = 0.0
        self._end = seconds

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds
        return self.now >= self._end


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("ill", ILLS)
def test_s13_the_rate_of_requests_to_a_server_that_is_not_well(ground, ill):
    ground.admin.create(path_of(ground.namespace), {"metadata": {"name": "a"}})
    for effect, verbs in ILLS[ill]:
        ground.faults.add(effect, *verbs, resource="configmaps", times=None)
    cluster = ground.connect()
    upstream = Upstream(cluster)
    watched = Watched(upstream, MAPS, Retention(), lambda *_: None, lambda *_: None)
    watched.extend([Scope(ground.namespace)])
    scope = next(iter(watched._scopes.values()))
    time = SimulatedTime(MINUTES * 60)
    feed = Feed(upstream, MAPS, Scope(ground.namespace), lambda data: read(data, MAPS.gvk))
    reader = Reflector(feed, scope, timing=Timing(lambda: time.now, time.sleep))
    reader.run()
    cluster.close()
    requests = len(ground.log.entries("list", "watch"))
    print(f"{ill}: {requests / time.now:.3f} requests a second")
    assert requests / time.now <= MOST
    assert requests > MINUTES, "it goes on asking"
