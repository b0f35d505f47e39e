"""The generator's run: kinds and objects are created by the engine, edited by somebody else, and repaired.

``Tally`` holds what went wrong; each entry is a text that says where.
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import genreconcile as gr
from genreconcile import gojson
from kind.generated.generated_dice import Dice, explained, same
from kind.generated.generated_kinds import GROUP
from support.strategies import has_twins, kept

JSON_PATCH = "application/json-patch+json"


@dataclass
class Tally:
    schemas: int = 0
    objects: int = 0
    edits: int = 0
    beside: int = 0
    """Edits to what the server fills in by another version: these need not be found."""
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    unconverged: list[str] = field(default_factory=list)

    def __str__(self):
        wrong = f"false {len(self.false)}, missed {len(self.missed)}, not converged {len(self.unconverged)}"
        tried = f"{self.schemas} schemas, {self.objects} objects, {self.edits} edits ({self.beside} beside)"
        return f"generated custom resources: {tried}: {wrong}"


@dataclass
class Case:
    """One object: what is expected, and the edits that are still to be tried."""

    kind: object
    version: str
    expected: dict
    live: dict | None = None
    left: list = field(default_factory=list)

    @property
    def key(self):
        return self.kind.name, self.expected["metadata"]["name"]

    @property
    def schema(self):
        return self.kind.schema(self.version)

    @property
    def gvk(self):
        return gr.GVK(GROUP, self.version, self.kind.name)

    @property
    def path(self):
        metadata = self.expected["metadata"]
        folder = f"/apis/{GROUP}/{self.version}/namespaces/{metadata['namespace']}/{self.kind.plural}"
        return f"{folder}/{metadata['name']}"

    def told(self, what, *patches, **objects):
        """For who has to find out: what there is in the slots that patches are about."""
        paths = {
            operation["path"].split("/")[2]
            for patch in patches
            for operation in patch
            if "/spec/s" in operation["path"]
        }
        lines = [f"{self.key} in {self.version}, stored in {self.kind.storage}: {what}"]
        objects = {"expected": self.expected, "live": self.live, **objects}
        for slot in sorted(paths):
            lines += [f"  {name} {(obj.get('spec') or {}).get(slot)}" for name, obj in objects.items()]
            lines += [f"  {version} {self.kind.slots[slot][version]}" for version in self.kind.versions]
        return "\n".join(lines)


class Suite:
    """``seed`` chooses values and edits; ``each`` is the number of objects of a kind in each version."""

    def __init__(self, cluster, namespace, kinds, *, seed=1, each=4):
        self.cluster, self.namespace, self.kinds = cluster, namespace, kinds
        self.dice = Dice(seed)
        self.tally = Tally(schemas=sum(len(kind.slots) * len(kind.versions) for kind in kinds))
        self.cases = [self.case(kind, version, n) for kind in kinds for version in kind.served for n in range(each)]

    def case(self, kind, version, number):
        """An object; of what its stored version cannot hold nothing is expected."""
        while True:
            spec = kept(self.dice.value(kind.schema(version)), kind.schema(kind.storage))
            if not has_twins(spec, kind.schema(version)):
                break
        name = f"{version}-{number}"
        metadata = {"name": name, "namespace": self.namespace}
        if self.dice.random() < 0.5:
            metadata["labels"] = {"app": "x"}
        obj = {"apiVersion": f"{GROUP}/{version}", "kind": kind.name, "metadata": metadata, "spec": spec}
        return Case(kind, version, obj)

    @property
    def expected(self):
        return [copy.deepcopy(case.expected) for case in self.cases]

    def request(self, method, path, body=None, content_type="application/json"):
        data = None if body is None else gojson.dumps(body)
        return gojson.loads(self.cluster.request(method, path, body=data, content_type=content_type))

    def create(self, reconciler):
        """All kinds at once, then all objects; what the server fills in is no drift, for a new process neither."""
        reconciler.reconcile([kind.definition for kind in self.kinds]).raise_for_failures()
        result = reconciler.reconcile(self.expected)
        result.raise_for_failures()
        assert {outcome.status for outcome in result} == {"created"}
        for case in self.cases:
            case.live = self.request("GET", case.path)
        # The versions may make twins of members of a set that were none: the server would refuse its own object.
        self.cases = [case for case in self.cases if not has_twins(case.live.get("spec"), case.schema)]
        self.tally.objects = len(self.cases)
        self.expect_nothing(reconciler, "after it was created")
        with gr.Reconciler(self.cluster) as another:
            self.expect_nothing(another, "in another process")
        for case in self.cases:
            case.left = list(self.dice.edits(case.live["spec"], case.schema))
            case.left.append([{"op": "add", "path": "/metadata/labels", "value": {"added": "x"}}])
            self.dice.shuffle(case.left)

    def found(self, reconciler):
        """(operations, reason) of each object, by key."""
        plan = reconciler.plan(self.expected)
        changes = (*plan.changes, *plan.unchanged)
        return {(c.key.kind, c.key.name): (c.operations, c.reason or str(c.error or "")) for c in changes}

    def expect_nothing(self, reconciler, when):
        found = self.found(reconciler)
        for case in self.cases:
            if found[case.key] != ([], ""):
                self.tally.false.append(case.told(f"{when}: {found[case.key]}", found[case.key][0]))

    def rounds(self, cache, most):
        """Each round edits every object once; at most so many rounds."""
        with ThreadPoolExecutor(4) as pool:
            for _ in range(most):
                edited = [case for case in pool.map(self.edit, self.cases) if case is not None]
                if not edited:
                    return
                # Another one each time: who edits one place again and again would be taken for an opponent.
                with gr.Reconciler(self.cluster, cache=cache) as reconciler:
                    self.one_round(reconciler, edited)

    def edit(self, case):
        """Somebody else sends the next edit that the server takes and that changes something."""
        before = case.live
        while case.left:
            patch = case.left.pop()
            try:
                after = self.request("PATCH", case.path, patch, JSON_PATCH)
            except gr.ClusterError as error:
                if error.status not in {400, 422, 500}:  # 500: an apiVersion of an embedded object that is none.
                    raise
                continue
            is_labelled = after["metadata"].get("labels") != before["metadata"].get("labels")
            if is_labelled or not same(after.get("spec"), before.get("spec"), case.schema):
                return case, patch, after
            case.live = after
        return None

    def one_round(self, reconciler, edited):
        for case, _, after in edited:
            resource = reconciler.cache.discovery.get(case.gvk)
            key = gr.ObjectKey(GROUP, case.kind.name, self.namespace, case.expected["metadata"]["name"])
            assert reconciler.cache.wait_for(resource, key, after["metadata"]["resourceVersion"], 30)
        found = self.found(reconciler)
        wanted = {}
        for case, patch, after in edited:
            operations, reason = found[case.key]
            if operations:
                self.tally.edits += 1
                wanted[case.key] = patch, after
            elif reason == "" and self.is_filled(case, after):
                self.tally.beside += 1
                case.live = after
            else:
                self.tally.edits += 1
                self.tally.missed.append(case.told(f"{patch} ({reason})", patch, made=after))
        for case in self.cases:
            if case.key not in {other.key for other, _, _ in edited} and found[case.key] != ([], ""):
                self.tally.false.append(case.told(f"unedited: {found[case.key]}", found[case.key][0]))
        self.repair(reconciler, wanted)

    def is_filled(self, case, after):
        """Whether the server may have filled that in by itself."""
        if after["metadata"].get("labels") != case.expected["metadata"].get("labels"):
            return False
        schemas = ({"properties": {"spec": case.kind.schema(version)}} for version in (case.version, case.kind.storage))
        live, expected = ({key: obj[key] for key in ("spec",) if key in obj} for obj in (after, case.expected))
        return explained(live, expected, *schemas)

    def repair(self, reconciler, wanted):
        """One reconcile brings back what was there."""
        outcomes = {(o.key.kind, o.key.name): o for o in reconciler.reconcile(self.expected)}
        found = self.found(reconciler)
        for case in self.cases:
            if case.key not in wanted:
                continue
            outcome, (patch, after) = outcomes[case.key], wanted[case.key]
            now = self.request("GET", case.path)
            is_back = same(now.get("spec"), case.live.get("spec"), case.schema) or self.is_filled(case, now)
            if (outcome.status, outcome.reason) != ("configured", "") or found[case.key] != ([], "") or not is_back:
                what = f"{patch}: {outcome.change.operations}: {outcome.status} {outcome.reason} {outcome.error}; then"
                self.tally.unconverged.append(
                    case.told(f"{what} {found[case.key]}, back: {is_back}", patch, made=after, now=now)
                )
            case.live = now
