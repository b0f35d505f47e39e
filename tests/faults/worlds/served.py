"""The small world of a controller on a real API server: a parent that has one set as its children, and wants another.

Invariant: two worlds that differ in their suffix, and in the uids that a server gives, look the same.
"""

import contextlib
import json
import re

from faults.operating import CRDS, GROUP, NAME, PLURAL, Observed, definition, parent_of
from faults.worlds.acting import world_controller
from faults.worlds.small import ROUNDS, World, config
from genreconcile.errors import ClusterError
from genreconcile.objects import ObjectKey
from genreconcile.ownership.parent import ID
from support.eventually import eventually

PATCH = "application/json-patch+json"
BOUND = 180.0
"""Seconds for watches to come back: the longest pause between two attempts is 30."""


class Served(World):
    """``mortal`` is the server; the parent wants ``expected`` once ``begin`` has returned."""

    def __init__(self, suffix, mortal):
        super().__init__(suffix)
        self.mortal = mortal
        self.root = f"/apis/{GROUP}/v1/namespaces/{self.namespace}/{PLURAL}"
        self.key = ObjectKey(GROUP, "Wish", self.namespace, NAME)

    def begin(self):
        """Make the parent, let it have what is there at first, and let it want another set."""
        with contextlib.suppress(ClusterError):  # A world before may have defined it.
            self.mortal.send("POST", CRDS, definition())
        eventually(lambda: self.mortal.read(self.root) is not None, "parents are served", despite=(ClusterError,))
        self.mortal.send("POST", self.root, parent_of(self.namespace, self.before()))
        with self.program(self.mortal.connect()) as program:
            self.rest(program)
        for name, mark in (("theirs-1", {}), ("theirs-2", {"applyset.kubernetes.io/part-of": self.set_id()})):
            obj = config(name, self.namespace, k="theirs")
            obj["metadata"]["labels"] |= mark
            self.mortal.send("POST", f"/api/v1/namespaces/{self.namespace}/configmaps", obj)
        wanted = parent_of(self.namespace, self.expected())["spec"]
        body = json.dumps([{"op": "replace", "path": "/spec", "value": wanted}]).encode()
        self.mortal.admin.request("PATCH", f"{self.root}/{NAME}", body=body, content_type=PATCH)

    def parent(self):
        return self.mortal.read(f"{self.root}/{NAME}")

    def set_id(self):
        return self.parent()["metadata"]["labels"][ID]

    @contextlib.contextmanager
    def program(self, cluster):
        """A program that runs the controller for this world alone."""
        opened = Observed(world_controller(), cluster=cluster, namespaces=[self.namespace, self.brought])
        with opened:
            yield opened
        cluster.close()

    def rest(self, program):
        """I1: the parent comes to rest, and stays: no run of a further few sends a write."""
        eventually(self.is_seen, "the parent as it is", timeout=BOUND)

        def sent():
            before, begun = self.mortal.sent(self), next(program.begun)
            program.loop.queue.add(self.key)
            eventually(lambda: any(run.number > begun for run in program.finished), "a run", timeout=BOUND)
            return self.mortal.sent(self) - before

        eventually(lambda: sent() == 0, "a run that sends nothing", timeout=BOUND)
        assert [sent() for _ in range(ROUNDS)] == [0] * ROUNDS

    def is_seen(self):
        """Whether the status is of the parent as it is, with all of its children written."""
        parent = self.parent()
        status = parent.get("status") or {}
        found = {one["type"]: one["reason"] for one in status.get("conditions") or ()}
        is_new = status.get("observedGeneration") == parent["metadata"]["generation"]
        return is_new and found.get("Ready") in {"Reconciled", "ChildrenNotReady"}

    def state(self, read):
        """See World; with the parent."""
        parent = read(f"{self.root}/{NAME}")
        conditions = {one["type"]: (one["status"], one["reason"]) for one in parent["status"]["conditions"]}
        metadata = {name: parent["metadata"].get(name) for name in ("labels", "annotations", "finalizers")}
        found = {**super().state(read), "parent": [metadata, parent["spec"], parent["status"]["seen"], conditions]}
        text = json.dumps(found).replace(parent["metadata"]["uid"], "UID")
        return json.loads(re.sub(r"applyset-[\w-]+-v1", "SET", text).replace(self.suffix, "N"))
