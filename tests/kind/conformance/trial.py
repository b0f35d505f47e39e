"""One object on a real server: created, edited in every way, repaired; each step judged."""

import copy
import time
from collections import Counter
from dataclasses import dataclass, field

from edits import KEPT, edits

import genreconcile as gr
from genreconcile import gojson
from genreconcile.diff import Policy, compare
from genreconcile.normalize.prepare import without_system

JSON_PATCH = "application/json-patch+json"
VOLATILE = ("resourceVersion", "generation", "managedFields")
FOREIGN = ("/metadata/finalizers", "/metadata/ownerReferences")
FIXED = ("immutable", "may not change", "may not be changed", "updates to", "may not be modified", "cannot be changed")


# No other object refers to this one.
ALONE = Policy(others=lambda _kind, _namespace: [])


# How often the server refused all that was tried at a field of a type: where it always did, a few tries are enough.
REFUSED = Counter()
PATIENCE, FEW = 3, 2
# Of how many members of one list the same field is edited.
MEMBERS = 2


@dataclass
class Row:
    """What came of one kind's objects; ``faults`` and ``excluded`` name the edits."""

    gvk: str
    counts: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)
    excluded: list = field(default_factory=list)
    oneway: list = field(default_factory=list)
    proven: set = field(default_factory=set)
    reason: str = ""

    def fault(self, what, variant, path, detail):
        self.counts[what] += 1
        self.faults.append({"what": what, "variant": variant, "path": path, "detail": detail})


class Server:
    """Requests about the objects of one kind."""

    def __init__(self, cluster, resource):
        self.cluster, self.resource = cluster, resource

    def send(self, method, path, body=None, query=None, content_type="application/json"):
        data = None if body is None else gojson.dumps(body)
        return gojson.loads(self.cluster.request(method, path, query=query, body=data, content_type=content_type))

    def path(self, obj):
        return self.resource.path(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])

    def create(self, obj, **query):
        path = self.resource.path(obj["metadata"].get("namespace", ""))
        return self.send("POST", path, obj, {"fieldManager": "genreconcile", "fieldValidation": "Strict", **query})

    def patch(self, obj, operations, manager="somebody"):
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        return self.send("PATCH", self.path(obj), operations, query, JSON_PATCH)

    def get(self, obj):
        return self.send("GET", self.path(obj))

    def remove(self, obj):
        """Delete, however it is guarded; returns when it is gone."""
        for _ in range(100):
            try:
                now = self.get(obj)
                if "finalize" in self.resource.subresources:
                    self.send("PUT", f"{self.path(obj)}/finalize", {**now, "spec": {"finalizers": []}})
                if now["metadata"].get("finalizers"):
                    self.patch(obj, [{"op": "remove", "path": "/metadata/finalizers"}])
                if "deletionTimestamp" not in now["metadata"]:
                    self.send("DELETE", self.path(obj), query={"gracePeriodSeconds": "0"})
            except gr.NotFound:
                return
            except gr.ClusterError:
                pass
            time.sleep(0.02)


class Trial:
    """One expected object of a kind."""

    def __init__(self, server, node, row, variant, expected):
        self.server, self.node, self.row, self.variant, self.expected = server, node, row, variant, expected
        self.with_status = "status" in server.resource.subresources

    def run(self):
        """Create and edit; whatever is wrong goes into the row."""
        self.server.remove(self.expected)
        self.live = self.server.create(without_system(self.expected, self.node))
        self.row.counts["objects"] += 1
        found = self.compare(self.live)
        if found:
            for difference in found.differences:
                self.row.fault("spurious", self.variant, difference.to_json()["path"], repr(difference.to_json()))
            return
        self.covered = found.covered
        self.state_defaults(found)
        done = Counter()
        for edit in list(edits(self.live, self.node, self.with_status)):
            leaf = (edit.what, tuple("*" if isinstance(key, int) else key for key in edit.path))
            done[leaf] += 1
            if done[leaf] <= MEMBERS:
                self.edit(edit)
        self.prove()
        self.server.remove(self.expected)

    def compare(self, live):
        return compare(self.expected, live, self.node, policy=ALONE)

    def state_defaults(self, found):
        """Writing out a default changes nothing: each alone, and all of them."""
        self.check_stated("(all)", self.content(self.live))
        for covered in found.covered:
            stated = with_value(self.expected, covered.path, covered.value)
            if stated is not None:
                self.check_stated("/" + "/".join(map(str, covered.path)), stated)

    def check_stated(self, path, stated):
        self.row.counts["stated"] += 1
        left = compare(stated, self.live, self.node, policy=ALONE)
        if left:
            self.row.fault("spurious", self.variant, path, "stated: " + repr([d.to_json() for d in left.differences]))

    def content(self, live):
        """An object without what the server owns and without what changes with each write."""
        metadata = {key: value for key, value in live["metadata"].items() if key not in VOLATILE}
        dropped = {"metadata"} | ({"status"} if self.with_status else set())
        return {**{key: value for key, value in live.items() if key not in dropped}, "metadata": metadata}

    def edit(self, edit):
        """One edit: does it take, is it found, is it repaired, and by the smallest patch."""
        before = self.content(self.live)
        operations, after = self.attempt(edit, before)
        if after is None:
            return
        self.row.counts["tried"] += 1
        where, detail = "/" + "/".join(map(str, edit.path)), repr(operations)
        found = self.compare(after)
        if not edit.wanted:
            if found:
                self.row.fault("spurious", self.variant, where, f"{edit.what} {detail}: {found.patch}")
            else:
                self.row.counts["meaningless"] += 1
            self.restore(before, after)
        elif not found:
            self.not_found(edit, found, where, detail)
            self.restore(before, after)
        else:
            self.row.counts["found"] += 1
            self.repair(edit, found, before, after, where, detail)

    def attempt(self, edit, before):
        """The first alternative that the server takes, and the object then; (None, None) where it takes none."""
        kept, place = False, (edit.what, self.server.resource.gvk if not edit.place else edit.place)
        attempts = edit.attempts[:FEW] if edit.place and REFUSED[place] >= PATIENCE else edit.attempts
        for operations in attempts:
            try:
                after = self.server.patch(self.expected, operations)
            except gr.ClusterError as error:
                if any(word in str(error).lower() for word in FIXED):
                    break
                continue
            if self.content(after) != before:
                REFUSED[place] = 0
                return operations, after
            kept = True
        REFUSED[place] += not kept
        self.row.counts["kept" if kept else "refused"] += 1
        return None, None

    def not_found(self, edit, found, where, detail):
        rules = {
            covered.rule
            for covered in found.covered
            if edit.path[: len(covered.path)] == covered.path or covered.path[: len(edit.path)] == edit.path
        }
        if edit.path[:2] in KEPT or rules & SYSTEM:
            self.row.counts["tolerated"] += 1
            return
        if edit.what == "remove" and not holds(self.expected, edit.path):
            # A default that the server does not fill in again: neither side has a value, and that is no drift.
            self.row.counts["meaningless"] += 1
            return
        managed = (rules & MANAGED) | self.kept_members([where])
        if managed:
            self.row.counts["excluded"] += 1
            self.row.excluded.append({"variant": self.variant, "path": where, "rules": sorted(managed)})
        else:
            self.row.fault("missed", self.variant, where, f"{edit.what} {detail}; covered by {sorted(rules)}")

    def repair(self, edit, found, before, after, where, detail):  # noqa: PLR0917 - what is known of the edit
        patch = found.patch.patch
        try:
            repaired = self.sent(patch)
        except gr.ClusterError as error:
            if not isinstance(error, gr.Invalid | gr.Forbidden):
                self.row.fault("unrepaired", self.variant, where, f"{edit.what} {detail}: {shown(patch)}: {error}")
                self.restore(before, after)
                return
            # The server lets one go there, but not back: what remains is to report it.
            self.row.counts["oneway"] += 1
            self.row.oneway.append(
                {"variant": self.variant, "path": where, "detail": f"{detail}: {shown(patch)}: {str(error)[:600]}"}
            )
            self.restore(before, after)
            return
        left = difference(before, self.content(repaired))
        again = self.compare(repaired)
        known = {"/" + "/".join(map(str, c.path)) for c in again.covered if "annotations" in c.path}
        # Somebody else's are kept; an annotation that a controller writes gets the value that it would write.
        left = [path for path in left if not path.startswith(FOREIGN) and path not in known]
        managed = {c.rule for c in again.covered if c.rule in MANAGED and "/" + "/".join(map(str, c.path)) in left}
        if not managed:
            managed = self.kept_members(left)
        if left and not again and managed and (self.kept_members(left) or all(self.is_managed(p, again) for p in left)):
            # Allocated anew.
            self.row.counts["excluded"] += 1
            self.row.excluded.append({"variant": self.variant, "path": where, "rules": sorted(managed)})
            self.restore(before, repaired)
            return
        if left:
            what = f"{edit.what} {detail}: {shown(patch)} left {difference(before, self.content(repaired))}"
            self.row.fault("unrepaired", self.variant, where, what)
            self.restore(before, repaired)
            return
        self.row.counts["repaired"] += 1
        self.live = repaired
        if self.content(repaired) != before:
            self.restore(before, repaired)
        least = len(difference(before, self.content(after)))
        if len(shown(patch)) > max(1, least) or any(
            op["op"] == "replace" and isinstance(op["value"], dict | list) for op in shown(patch)
        ):
            self.row.fault("not minimal", self.variant, where, f"{edit.what} {detail}: {shown(patch)}")

    def sent(self, patch):
        """The object after the repair; where somebody wrote its status meanwhile, after the repair of what is now."""
        for _ in range(5):
            try:
                return self.server.patch(self.expected, patch, "genreconcile")
            except gr.Conflict:
                patch = self.compare(self.server.get(self.expected)).patch.patch
        return self.server.patch(self.expected, patch, "genreconcile")

    def prove(self):
        """What differs between two creations of the same object could not have been predicted."""
        if not any(covered.rule in MANAGED | KEEPING for covered in self.covered):
            return
        self.server.remove(self.expected)
        again = self.compare(self.server.create(without_system(self.expected, self.node))).covered
        values = {covered.path: covered.value for covered in again}
        for covered in self.covered:
            if covered.rule in MANAGED | KEEPING and values.get(covered.path) != covered.value:
                self.row.proven.add(covered.rule)

    def kept_members(self, paths):
        """The rules that keep members which only live has, where all these paths are about such members."""
        kept = {"/" + "/".join(map(str, c.path)): c.rule for c in self.covered if c.rule in KEEPING}
        rules = {
            path: {
                rule
                for own, rule in kept.items()
                if f"{path}/".startswith(f"{own}/") or f"{own}/".startswith(f"{path}/")
            }
            for path in paths
        }
        return set().union(*rules.values()) if all(rules.values()) else set()

    def is_managed(self, path, found):
        return any(c.rule in MANAGED and path == "/" + "/".join(map(str, c.path)) for c in found.covered)

    def restore(self, before, now):
        """Back to how it was: by a PUT, else by creating it anew."""
        whole = copy.deepcopy(before)
        whole["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
        if self.with_status and "status" in now:
            whole["status"] = now["status"]
        try:
            self.live = self.server.send("PUT", self.server.path(self.expected), whole)
        except gr.ClusterError:
            self.live = now
        if self.content(self.live) != before:
            self.server.remove(self.expected)
            self.live = self.server.create(without_system(self.expected, self.node))


MANAGED, SYSTEM, KEEPING = (
    {rule.id for rule in gr.Registry.builtin().rules if rule.action == action}
    for action in ("managed", "system", "keep")
)


def holds(obj, path):
    """Whether an object has a value at a path."""
    for key in path:
        if not (key in obj if isinstance(obj, dict) else isinstance(obj, list) and key < len(obj)):
            return False
        obj = obj[key]
    return True


def shown(patch):
    return [op for op in patch if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]


def with_value(obj, path, value):
    """A copy of an object with a value at a path whose parent it has; None where the path leads through a list."""
    result = here = copy.deepcopy(obj)
    if not all(isinstance(key, str) for key in path):
        return None
    for key in path[:-1]:
        if not isinstance(here, dict):
            return None
        here = here.setdefault(key, {})
    if not isinstance(here, dict) or path[-1] in here:
        return None
    here[path[-1]] = value
    return result


def difference(one, other, path=""):
    """The paths at which two JSON values differ; what only one has counts once, a list's members by position."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [
            p
            for key in keys
            for p in (
                [f"{path}/{key}"]
                if key not in one or key not in other
                else difference(one[key], other[key], f"{path}/{key}")
            )
        ]
    if isinstance(one, list) and isinstance(other, list):
        pairs = list(zip(one, other, strict=False))
        longer = [f"{path}/{index}" for index in range(len(pairs), max(len(one), len(other)))]
        return longer + [p for index, (a, b) in enumerate(pairs) for p in difference(a, b, f"{path}/{index}")]
    return [] if one == other and type(one) is type(other) else [path]
