"""One object on a real server: created, edited in every way, repaired; each step judged."""

import copy
import os
import zlib
from collections import Counter

import genreconcile as gr
from genreconcile.compare import Comparison, Policy
from genreconcile.managers import has_managers
from genreconcile.normalize.prepare import without_system
from kind.conformance.edits import KEPT, edits
from kind.conformance.shapes import difference, holds, is_minimal, operations, text, touches, with_value

VOLATILE = ("resourceVersion", "generation", "managedFields")
FIXED = ("immutable", "may not change", "may not be changed", "updates to", "may not be modified", "cannot be changed")
MANAGED, SYSTEM, KEEPING = (
    {rule.id for rule in gr.Registry.builtin().rules if rule.action == action}
    for action in ("managed", "system", "keep")
)
# Marks by which a tool finds its objects: anybody's stay.
MARKS = {
    rule.id
    for rule in gr.Registry.builtin().rules
    if rule.action == "managed"
    and rule.by is None
    and (rule.root or rule.source == "tools.yaml")
    and rule.tokens[:2] in {("metadata", "labels"), ("metadata", "annotations")}
}
# How often the server refused all that was tried at a field of a type: where it always did, a few tries are enough.
REFUSED = Counter()
PATIENCE, FEW = 3, 2
# Of how many members of one list the same field is edited.
MEMBERS = 2
# Pod templates are the same in all these kinds: by this setting each of their leaves is edited in one of them.
SPREAD = os.environ.get("GENRECONCILE_CONFORMANCE") == "spread"
TEMPLATES = (
    "ReplicationController",
    "Deployment",
    "ReplicaSet",
    "DaemonSet",
    "StatefulSet",
    "Job",
    "CronJob",
    "PodTemplate",
)


class Trial:
    """One expected object of a kind; what comes of it goes into the row. ``others`` finds what rules consult."""

    def __init__(self, server, node, row, variant, expected, others):  # noqa: PLR0917 - all of a trial
        self.comparison = Comparison(node, policy=Policy(others=others))
        self.server, self.node, self.row, self.variant, self.expected = server, node, row, variant, expected
        self.with_status = "status" in server.resource.subresources

    def run(self):
        """Create, write the defaults out, edit."""
        self.create()
        self.row.counts["objects"] += 1
        found = self.compare(self.live)
        for drift in found.differences:
            self.fault("spurious", drift.path, drift.to_json())
        for told in found.interventions:
            self.fault("spurious", told.path, told)
        if found:
            return
        self.covered = found.covered
        self.state_defaults()
        for edit in self.chosen():
            self.edit(edit)
        self.prove()
        self.server.remove(self.expected)

    def chosen(self):
        """The edits; of the members of one list, the same field of some."""
        done = Counter()
        for edit in list(edits(self.live, self.node, self.with_status)):
            leaf = (edit.what, tuple("*" if isinstance(key, int) else key for key in edit.path))
            done[leaf] += 1
            if done[leaf] <= MEMBERS and not self.is_elsewhere(leaf):
                yield edit

    def is_elsewhere(self, leaf):
        """Whether another kind tries this leaf of a pod template, where each is tried in one kind only."""
        what, path = leaf
        if not SPREAD or self.variant != "maximal" or "template" not in path or "spec" not in path:
            return False
        below = "/".join(path[path.index("template") :])
        chosen = TEMPLATES[zlib.crc32(f"{what} {below}".encode()) % len(TEMPLATES)]
        return self.server.resource.gvk.kind in TEMPLATES and chosen != self.server.resource.gvk.kind

    def create(self):
        self.server.remove(self.expected)
        self.live = self.server.create(without_system(self.expected, self.node))

    def compare(self, live, earlier=None):
        found = self.comparison.compare(self.expected, live, earlier)
        if found.differences and self.is_hidden(live):
            self.fault("missed", (), "the quick check calls it clean:", found.patch)
        return found

    def is_hidden(self, live):
        """Whether the quick check, which the cache shows no managedFields, calls clean what is not."""
        metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
        plain = {**live, "metadata": metadata}
        if not self.comparison.is_clean(self.expected, plain):
            return False
        return bool(self.comparison.compare(self.expected, plain))

    def fault(self, what, path, *details):
        self.row.fault(what, self.variant, text(path), " ".join(map(str, details)))

    def content(self, live):
        """An object without what the server owns and without what changes with each write."""
        metadata = {key: value for key, value in live["metadata"].items() if key not in VOLATILE}
        dropped = {"metadata"} | ({"status"} if self.with_status else set())
        return {**{key: value for key, value in live.items() if key not in dropped}, "metadata": metadata}

    def state_defaults(self):
        """Writing out a default changes nothing: each alone, and all of them."""
        every = [(("all",), self.content(self.live))]
        every += [(one.path, with_value(self.expected, one.path, one.value)) for one in self.covered]
        every = [(path, stated) for path, stated in every if stated is not None]
        self.row.counts["stated"] += len(every)
        doubtful = [(*entry, self.comparison.compare(entry[1], self.live)) for entry in every]
        for path, stated, left in doubtful:
            if left and not self.differs_when_created(stated, left):
                self.fault("spurious", path, "stated:", left.patch)
        # Some may have been created anew.
        self.covered = self.compare(self.live).covered

    def differs_when_created(self, stated, left):
        """Whether the server, too, would make another object of it: some defaults hold only while others are unsaid."""
        self.server.remove(self.expected)
        answer = self.server.create(without_system(stated, self.node), dryRun="All")
        self.create()
        return not any(holds(answer, drift.path) for drift in left.differences)

    def edit(self, edit):
        """One edit: does it take, is it found, is it repaired, and by the smallest patch."""
        before = self.content(self.live)
        change, after = self.attempt(edit, before)
        if after is None:
            return
        self.row.counts["tried"] += 1
        found = self.compare(after, self.live)
        if found and edit.wanted:
            self.row.counts["found"] += 1
            self.tell(edit, found)
            if found.differences:
                after = self.repair(edit, change, found, before, after)
        elif found:
            self.fault("spurious", edit.path, edit.what, change, found.patch)
        else:
            self.not_found(edit, change, found)
        if self.content(after) != before or (has_managers(self.live) and not has_managers(after)):
            self.restore(before, after)
        else:
            self.live = after

    def attempt(self, edit, before):
        """The first alternative that the server takes, and the object then; (None, None) where it takes none."""
        kept, place = False, (edit.what, edit.place or self.server.resource.gvk)
        attempts = edit.attempts[:FEW] if edit.place and REFUSED[place] >= PATIENCE else edit.attempts
        for change in attempts:
            try:
                after = self.server.patch(self.expected, change)
            except gr.ClusterError as error:
                if any(word in str(error).lower() for word in FIXED):
                    break
                continue
            if self.content(after) != before:
                REFUSED[place] = 0
                return change, after
            kept = True
        REFUSED[place] += not kept
        self.row.counts["kept" if kept else "refused"] += 1
        return None, None

    def tell(self, edit, found):
        """What is found and not repaired is told with who did it."""
        for told in found.interventions:
            if not told.owner.startswith("somebody"):
                self.fault("missed", edit.path, "told of", told.owner)
        if found.interventions and not found.differences:
            self.row.tell(self.variant, text(edit.path), {told.rule for told in found.interventions})

    def not_found(self, edit, change, found):
        """Why an edit was not found, rightly or not."""
        path = text(edit.path)
        rules = {covered.rule for covered in found.covered if touches(text(covered.path), path)}
        # A default that the server does not fill in again: neither side has a value, and that is no drift.
        neither = edit.what == "remove" and not holds(self.expected, edit.path)
        if edit.path[:2] in KEPT or rules & (SYSTEM | MARKS):
            self.row.counts["tolerated"] += 1
        elif neither or not edit.wanted or (edit.what == "swap" and self.keeping([path])):
            self.row.counts["meaningless"] += 1  # Nobody expects an order of members that admission adds.
        elif rules & MANAGED or self.keeping([path]):
            self.fault("not found", edit.path, edit.what, change, "covered by", sorted(rules | self.keeping([path])))
        else:
            self.fault("missed", edit.path, edit.what, change, "covered by", sorted(rules))

    def repair(self, edit, change, found, before, after):
        """Send the patch, and judge what it leads to; the object then."""
        patch = found.patch.patch
        told = (edit.what, change, operations(patch))
        try:
            repaired = self.sent(patch)
        except (gr.Invalid, gr.Forbidden) as error:
            # The server lets one go there, but not back: what remains is to report it.
            self.row.one_way(self.variant, text(edit.path), f"{told}: {error}")
            return after
        except gr.ClusterError as error:
            self.fault("unrepaired", edit.path, *told, error)
            return after
        left, again = self.left(before, repaired)
        unpredictable = self.unpredictable(left, again)
        if not left and not again:
            self.row.counts["repaired"] += 1
            if not is_minimal(patch, before, self.content(after)):
                self.fault("not minimal", edit.path, *told)
        elif unpredictable and not again:
            self.row.allotted_anew(self.variant, text(edit.path), unpredictable)
        else:
            self.fault("unrepaired", edit.path, *told, "left", left)
        return repaired

    def sent(self, patch):
        """The object after the repair; where somebody wrote its status meanwhile, after the repair of what is now."""
        for _ in range(5):
            try:
                return self.server.patch(self.expected, patch, "genreconcile")
            except gr.Conflict:
                patch = self.compare(self.server.get(self.expected)).patch.patch
        return self.server.patch(self.expected, patch, "genreconcile")

    def left(self, before, repaired):
        """Where the object is not what it was, and what the engine says of it.

        Others' finalizers and owners are kept; an annotation that controllers write gets the value that they write.
        """
        again = self.compare(repaired)
        written = {text(covered.path) for covered in again.covered if "annotations" in covered.path}
        paths = difference(before, self.content(repaired))
        return [path for path in paths if path not in written and not path.startswith(tuple(map(text, KEPT)))], again

    def unpredictable(self, left, again):
        """The rules for what was allocated anew, where that is all that is left."""
        rules = {text(covered.path): covered.rule for covered in again.covered if covered.rule in MANAGED}
        if all(path in rules for path in left):
            return {rules[path] for path in left}
        return self.keeping(left)

    def keeping(self, paths):
        """The rules that keep members which only live has, where all these paths are about such members."""
        kept = [(text(covered.path), covered.rule) for covered in self.covered if covered.rule in KEEPING]
        rules = [{rule for own, rule in kept if touches(path, own)} for path in paths]
        return set().union(*rules) if all(rules) else set()

    def restore(self, before, now):
        """Back to how it was: by a PUT, else by creating it anew."""
        whole = copy.deepcopy(before)
        whole["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
        if self.with_status and "status" in now:
            whole["status"] = now["status"]
        try:
            self.live = self.server.replace(whole)
        except gr.ClusterError:
            self.live = now
        # An object that had nothing left that anybody owned is not followed by the server any more.
        if self.content(self.live) != before or not has_managers(self.live):
            self.create()

    def prove(self):
        """What differs between two creations of the same object could not have been predicted."""
        doubtful = [covered for covered in self.covered if covered.rule in MANAGED | KEEPING]
        if doubtful:
            self.create()
            values = {covered.path: covered.value for covered in self.compare(self.live).covered}
            self.row.proven |= {one.rule for one in doubtful if values.get(one.path) != one.value}
