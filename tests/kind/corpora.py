"""Random edits of real objects on a real server; each must be found and repaired.

The judgement of one edit is that of the conformance suite; what is here picks the edits, a few for each object.
"""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import genreconcile as gr
from genreconcile.catalog import Catalog
from genreconcile.normalize.prepare import without_system
from genreconcile.pointer import join_pointer
from kind.conformance.edits import Edit, in_order, news, put
from kind.conformance.row import Row
from kind.conformance.server import Server
from kind.conformance.trial import Trial
from kind.conformance.values import TABLE, candidates, others

# Finalizers and ownerReferences of others are kept by definition.
METADATA = ("labels", "annotations")
SEED = 1
EDITS = 3
ATTEMPTS = 3
PATIENCE = 12
WORKERS = 6
OFFERED = {}
# What others depend on comes last: an edit of it may refuse or remove them. The first of these is put aside till then.
LATE = ["ValidatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "APIService"]
LAST = ["ServiceAccount", "CustomResourceDefinition", "Namespace"]
TOTALS = (
    "objects",
    "tried",
    "found",
    "repaired",
    "spurious",
    "missed",
    "unrepaired",
    "told",
    "anew",
    "not found",
    "tolerated",
    "oneway",
    "meaningless",
    "not minimal",
    "error",
)


def spots(value, child, owner, name, path=()):
    """Each value in a live object, with what its type and the rules say of it."""
    yield value, child, owner, name, path
    kind, node = child.field.type, child.node
    if isinstance(value, list):
        for index, member in enumerate(value):
            yield from spots(member, node.member(), owner, name, (*path, index))
    elif isinstance(value, dict):
        node = node.alternative() if kind.shape == "any" else node
        for key in sorted(value):
            yield from spots(value[key], node.child(key), node.type.name, key, (*path, key))


def ideas(live, root, with_status):
    """Each edit that may be tried, by what it does: (path, a function that makes the Edit)."""
    found = {}
    for key in sorted(live.keys() - {"apiVersion", "kind", "metadata"} - ({"status"} if with_status else set())):
        for spot in spots(live[key], root.child(key), root.type.name, key, (key,)):
            gather(found, spot)
    gather(found, (without(live, "metadata", "status"), Root(root), "", "", ()), own=False)
    metadata = root.child("metadata")
    for key in METADATA:
        if key in live["metadata"]:
            for spot in spots(live["metadata"][key], metadata.node.child(key), "", key, ("metadata", key)):
                gather(found, spot)
        else:
            found.setdefault("metadata", []).extend(writing(key, name) for name in TABLE["keys"])
    return found


def writing(key, name):
    path = ("metadata", key)
    return lambda: Edit(path, "add", (put(path, {name: "x"}),))


class Root:
    """A root node as if it stood under a key."""

    def __init__(self, node):
        self.node = node
        self.field = type("Field", (), {"type": node.type})


def without(obj, *keys):
    return {key: value for key, value in obj.items() if key not in keys}


def gather(found, spot, *, own=True):
    """Put what may be done at one place under its kind of edit."""
    value, child, owner, name, path = spot
    kind, node = child.field.type, child.node

    def idea(what, make):
        found.setdefault("metadata" if path[:1] == ("metadata",) else what, []).append(make)

    if own and len(path) > 1:
        idea("remove", lambda: Edit(path, "remove", ([{"op": "remove", "path": join_pointer(path)}],)))
    if isinstance(value, list):
        idea(
            "append",
            lambda: Edit((*path, "-"), "append", tuple(put((*path, "-"), n) for n in news(value, child, name, owner))),
        )
        for index in range(len(value) - 1):
            if value[index] != value[index + 1]:
                idea("swap", lambda index=index: swap(value, child, path, index))
    elif isinstance(value, dict):
        node = node.alternative() if kind.shape == "any" else node
        if node.type.shape == "object":
            for key in sorted(node.type.fields.keys() - value.keys() - {"apiVersion", "kind", "metadata", "status"}):
                idea("add", adding(node, key, (*path, key)))
        else:
            for key in TABLE["keys"]:
                if key not in value:
                    idea("entry", lambda key=key: entry(node, key, name, owner, path))
    else:
        idea(
            "change",
            lambda: Edit(
                path, "change", tuple(put(path, o, "replace") for o in others(value, child.field, name, owner))
            ),
        )


def adding(node, key, path):
    return lambda: Edit(
        path, "add", tuple(put(path, new) for new in offered(node.child(key).field, key, node.type.name))
    )


def offered(field, name, owner):
    """What to try at a field; nothing where its required fields lie too deep."""
    key = (field.type, name, owner)
    if key not in OFFERED:
        try:
            OFFERED[key] = candidates(field, name, owner)[:ATTEMPTS]
        except IndexError:
            OFFERED[key] = []
    return OFFERED[key]


def swap(value, child, path, index):
    here, there = join_pointer((*path, index)), join_pointer((*path, index + 1))
    return Edit((*path, index), "swap", ([{"op": "move", "from": here, "path": there}],), wanted=in_order(value, child))


def entry(node, key, name, owner, path):
    new = offered(node.child(key).field, name, owner) if node.type.shape == "map" else ["x"]
    return Edit((*path, key), "entry", tuple(put((*path, key), one) for one in new))


class Sample(Trial):
    """Some edits of one object that is on the server already."""

    def run(self):
        self.row.counts["objects"] += 1
        self.live = self.server.get(self.expected)
        found = self.compare(self.live)
        for difference in found.differences:
            self.row.fault("spurious", self.variant, difference.to_json()["path"], repr(difference.to_json()))
        self.covered = found.covered
        dice = random.Random(f"{SEED} {self.variant}")  # noqa: S311 - it is to be the same each time
        kinds = ideas(self.live, self.node, self.with_status)
        for makers in kinds.values():
            dice.shuffle(makers)
        for number in range(10 * PATIENCE):
            done = self.row.counts["repaired"]
            names = [what for what in sorted(kinds) if kinds[what]]
            if done >= EDITS or not names:
                return
            # Where nearly all is immutable, metadata is what is left.
            what = dice.choice(names) if number < PATIENCE or not kinds.get("metadata") else "metadata"
            edit = kinds[what].pop()()
            self.edit(Edit(edit.path, edit.what, edit.attempts[:ATTEMPTS], edit.wanted))


class Corpora:
    """The trials of all objects of one server."""

    def __init__(self, kubeconfig):
        self.cluster = gr.connect(kubeconfig=str(kubeconfig))
        self.catalog = Catalog(self.cluster, gr.Registry.builtin())

    def trial(self, obj):
        resource = self.catalog.resource(gr.GVK.of(obj))
        node, _ = self.catalog.node(resource, obj)
        name = f"{gr.ObjectKey.of(obj)}"
        return Sample(Server(self.cluster, resource), node, Row(name), name, obj, nothing)

    def run(self, objects):
        """The rows of all objects; what others depend on comes last, one after the other."""
        late = [obj for kind in (*LATE, *LAST) for obj in objects if obj["kind"] == kind]
        aside = [self.trial(obj) for obj in late if obj["kind"] in LATE]
        for trial in aside:
            trial.server.remove(trial.expected)
        with ThreadPoolExecutor(WORKERS) as pool:
            rows = list(pool.map(self.one, [obj for obj in objects if obj not in late]))
        for trial in aside:
            trial.server.create(without_system(trial.expected, trial.node))
            rows.append(self.one(trial.expected))
            trial.server.remove(trial.expected)
        return rows + [self.one(obj) for obj in late if obj["kind"] in LAST]

    def one(self, obj):
        trial = self.trial(obj)
        try:
            trial.run()
        except gr.ReconcileError as error:
            trial.row.fault("error", trial.variant, "", str(error))
        return trial.row


def totals(rows):
    counts = sum((row.counts for row in rows), start=Counter())
    return {what: counts[what] for what in TOTALS}


def nothing(_kind, _namespace):
    """No other object refers to these, and they refer to none."""
    return []
