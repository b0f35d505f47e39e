"""A reflector without threads and clock, before a server that answers as a test scripted it."""

import functools

from genreconcile.cache.feed import Feed, Upstream
from genreconcile.cache.reflector import Reflector, Timing
from genreconcile.cache.scope import Scope
from genreconcile.cache.store import Mark
from genreconcile.cache.transform import read
from support.api.scripted import WIDGETS

READ = functools.partial(read, gvk=WIDGETS.gvk)
PATH = "/apis/example.com/v1/namespaces/shop/widgets"


class Sink:
    """Notes what it is told."""

    def __init__(self):
        self.calls = []
        self.states = []
        self.stale = []
        self.newest = 0

    def mark(self):
        return Mark(self.newest)

    def replace(self, pages, resource_version, mark, *, restored=False):
        found = [record.name for page in pages for record in page]
        self.newest = resource_version
        self.calls.append(("RESTORED" if restored else "LIST", found, resource_version, mark.resource_version))

    def event(self, event_type, record):
        self.newest = record.resource_version
        self.calls.append((event_type, record.name, record.resource_version))

    def bookmark(self, resource_version):
        self.newest = resource_version
        self.calls.append(("BOOKMARK", resource_version))

    def state(self, *, synced, error, stale_since):
        self.states.append((synced, type(error) if error else None))
        self.stale.append(stale_since)


class Run:
    """A reflector that runs in this thread until its script is exhausted; time passes only when told."""

    def __init__(self, server, *, most_sleeps=50, **settings):
        self.server = server
        self.sink = Sink()
        self.now = 0.0
        self.sleeps = []
        self.most_sleeps = most_sleeps
        feed = Feed(Upstream(server, **settings), WIDGETS, Scope("shop"), READ)
        self.reflector = Reflector(feed, self.sink, timing=Timing(lambda: self.now, self.sleep))
        server.exhausted = self.reflector.stop

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds
        return len(self.sleeps) >= self.most_sleeps

    def passes(self, seconds):
        def advance():
            self.now += seconds

        return advance

    def go(self):
        self.reflector.run()
        return self.sink.calls

    @property
    def versions(self):
        """The resourceVersion that each watch began from."""
        watches = (request.query for request in self.server.requests if request.method == "WATCH")
        return [query["resourceVersion"] for query in watches if "sendInitialEvents" not in query]

    @property
    def versions_before_the_second_list(self):
        """How many watches came before it."""
        methods = [(request.method, request.query.get("limit")) for request in self.server.requests]
        second = methods.index(("GET", "500"), 1)
        return sum(method == "WATCH" for method, _ in methods[:second])

    @property
    def lists(self):
        """Without the looks at the server's history, which take one object."""
        return [query for query in self.gets if query.get("limit") != "1"]

    @property
    def gets(self):
        return [request.query for request in self.server.requests if request.method == "GET"]
