"""Objects that are there while a kind is tried, because rules for it consult them."""

import genreconcile as gr
from genreconcile.pointer import split_pointer
from kind.conformance.server import Server
from kind.conformance.shapes import holds
from support.eventually import last_answer

PATIENCE = 30.0


class Given:
    """The objects of ``given`` in a kind's data, in a with block; nothing else refers to what is tried."""

    def __init__(self, suite, content, probe):
        self.suite, self.probe = suite, probe
        self.objects, self.until = content.get("given", []), content.get("until", "")
        self.live = []

    def __enter__(self):
        for obj in self.objects:
            self.server(obj).remove(obj)
            self.live.append(self.server(obj).create(obj))
        self.wait()
        return self

    def __exit__(self, *_):
        for obj in self.objects:
            self.server(obj).remove(obj)

    def others(self, kind, _namespace):
        """The objects of a kind, all of them cluster-wide."""
        return [obj for obj in self.live if str(gr.GVK.of(obj)) == kind]

    def server(self, obj):
        return Server(self.suite.cluster, self.suite.catalog.resource(gr.GVK.of(obj)))

    def wait(self):
        """Until the server makes use of them: admission plugins see new objects with a delay."""
        if self.until:
            last_answer(self.is_used, timeout=PATIENCE, pause=0.1)

    def is_used(self):
        answer = self.server(self.probe).create(self.probe, dryRun="All")
        return holds(answer, split_pointer(self.until))
