"""Objects of every kind that kstatus knows, in statuses as they come and as they never should.

Invariant: the same seed gives the same objects, on every Python.
"""

import copy
import hashlib
import json
import random

KINDS = (
    ("v1", "Service"),
    ("v1", "Pod"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("extensions/v1beta1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("extensions/v1beta1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("extensions/v1beta1", "ReplicaSet"),
    ("policy/v1", "PodDisruptionBudget"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("v1", "Namespace"),
    ("example.com/v1", "Thing"),
    ("example.com/v1", "Pod"),
    ("apps/v1/v2", "Deployment"),
)
"""All of them, a few that it does not know, and a group that is none."""
HARD = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CustomResourceDefinition")
ODD = (None, "", "x", "True", 0, 1, -1, 2, 1.0, 1.5, True, False, [], {}, [None], [1], ["a"], [{}], {"a": 1})
EXTREME = (2**31 - 1, 2**31, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**30)
SAID = ("True", "True", "False", "False", "Unknown", "true", "")
REASONS = (
    "ProgressDeadlineExceeded",
    "NewReplicaSetAvailable",
    "Unschedulable",
    "Installing",
    "SomeReason",
    "",
)
TYPES = {
    "Deployment": ("Progressing", "Available", "ReplicaFailure"),
    "ReplicaSet": ("ReplicaFailure",),
    "Pod": ("Ready", "PodScheduled", "ContainersReady"),
    "Job": ("Complete", "Failed", "Suspended", "SuccessCriteriaMet"),
    "CustomResourceDefinition": ("NamesAccepted", "Established"),
    "APIService": ("Available",),
    "Thing": ("Ready", "Available"),
}
ANY_TYPES = ("Reconciling", "Stalled", "Ready", "Available")
TIMES = (
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00Z",
    "2999-01-01T00:00:00Z",
    "2999-01-01T00:00:00Z",
    "2999-01-01T00:00:00.5+05:30",
    "2999-01-01T00:00:00,25Z",
    "2999-13-01T00:00:00Z",
    "2999-02-30T00:00:00Z",
    "2999-01-01T24:00:00Z",
    "2999-01-01T00:00:60Z",
    "2999-01-01 00:00:00Z",
    "2999-01-01T00:00:00",
    "2999-01-01",
    "29990101T000000Z",
    "null",
    "",
)


def cases(seed, count):
    """So many objects, equally many of each kind."""
    made = random.Random(f"statuses {seed}")  # noqa: S311 - no secrets
    kinds = (*KINDS, *(kind for kind in KINDS if kind[1] in HARD))
    return [_Object(made, *kinds[number % len(kinds)]).made() for number in range(count)]


def as_lines(objects):
    """The objects as JSON, one a line."""
    return "".join(f"{json.dumps(obj, sort_keys=True)}\n" for obj in objects)


def digest(objects):
    return hashlib.sha256(as_lines(objects).encode()).hexdigest()


class _Object:
    def __init__(self, made, api_version, kind):
        self.made_by, self.api_version, self.kind = made, api_version, kind

    def chance(self, share):
        return self.made_by.random() < share

    def one(self, *values):
        return values[self.made_by.randrange(len(values))]

    def made(self):
        obj = {"apiVersion": self.api_version, "kind": self.kind, "metadata": self.metadata(), "spec": {}}
        obj["status"] = self.status(obj["metadata"])
        filled = getattr(self, f"fill_{self.kind}", None)
        if filled is not None:
            filled(obj["spec"], obj["status"])
        for _ in range(self.one(0, 0, 0, 1, 1, 2, 4)):
            self.spoil(obj)
        return obj

    def metadata(self):
        metadata = {"name": "one", "namespace": "default", "uid": "1"}
        if self.chance(0.8):
            metadata["generation"] = self.one(1, 2, 3)
        if self.chance(0.06):
            metadata["deletionTimestamp"] = self.one("2026-01-01T00:00:00Z", "", None, 5)
        if self.chance(0.9):
            metadata["creationTimestamp"] = self.one(*TIMES)
        return metadata

    def status(self, metadata):
        status = {}
        if self.chance(0.7):
            seen = metadata.get("generation", 1)
            status["observedGeneration"] = seen if self.chance(0.9) else self.one(1, 2, 3, 0)
        if self.chance(0.75):
            status["conditions"] = [self.condition() for _ in range(self.one(0, 1, 1, 2, 2, 3))]
        return status

    def condition(self):
        name = self.one(*ANY_TYPES) if self.chance(0.12) else self.one(*TYPES.get(self.kind, ANY_TYPES))
        condition = {"type": name, "status": self.one(*SAID), "lastTransitionTime": self.one(*TIMES)}
        if self.chance(0.8):
            condition["reason"] = self.one(*REASONS)
        if self.chance(0.8):
            condition["message"] = "as it says"
        return condition

    def counts(self, status, names, most):
        """Counts that are mostly those of an object that is done."""
        is_done = self.chance(0.5)
        for name in names:
            if is_done and self.chance(0.9):
                status[name] = most
            elif self.chance(0.85):
                status[name] = self.one(0, 1, 2, 3, 4)

    def replicas(self, spec, status, names):
        if self.chance(0.85):
            spec["replicas"] = self.one(0, 1, 2, 3)
        self.counts(status, names, spec.get("replicas", 1))

    def fill_Deployment(self, spec, status):  # noqa: N802 - the kind's name
        self.replicas(spec, status, ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"))
        if self.chance(0.7):
            spec["progressDeadlineSeconds"] = self.one(600, 1, 2**31 - 1)
        if self.chance(0.5):
            status["conditions"] = [
                {"type": "Progressing", "status": self.one("True", "False"), "reason": self.one(*REASONS)},
                {"type": "Available", "status": self.one("True", "False")},
            ]

    def fill_ReplicaSet(self, spec, status):  # noqa: N802 - the kind's name
        self.replicas(spec, status, ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"))

    def fill_StatefulSet(self, spec, status):  # noqa: N802 - the kind's name
        self.replicas(spec, status, ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas"))
        if self.chance(0.8):
            spec["updateStrategy"] = {"type": self.one("OnDelete", *("RollingUpdate",) * 6)}
        if self.chance(0.5):
            strategy = spec.setdefault("updateStrategy", {})
            strategy["rollingUpdate"] = {"partition": self.one(0, 0, 1, 2, 5, -1)} if self.chance(0.9) else {}
        for name in ("currentRevision", "updateRevision"):
            if self.chance(0.8):
                status[name] = self.one("a", "a", "a", "b", "")

    def fill_DaemonSet(self, _, status):  # noqa: N802 - the kind's name
        names = ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
        if self.chance(0.9):
            status["desiredNumberScheduled"] = self.one(0, 1, 2, 3, -1)
        self.counts(status, names, max(status.get("desiredNumberScheduled", 1), 0))

    def fill_PersistentVolumeClaim(self, _, status):  # noqa: N802 - the kind's name
        if self.chance(0.9):
            status["phase"] = self.one("Bound", "Pending", "Lost", "")

    def fill_Pod(self, _, status):  # noqa: N802 - the kind's name
        if self.chance(0.95):
            status["phase"] = self.one("Succeeded", "Failed", "Running", "Running", "Pending", "Pending", "Unknown", "")
        if self.chance(0.6):
            status["containerStatuses"] = [self.container() for _ in range(self.one(0, 1, 1, 2))]
        if self.chance(0.3):
            status["reason"], status["message"] = "Evicted", "The node was low on resource: memory."
        if status.get("phase") == "Pending" and self.chance(0.6):
            reason = self.one("Unschedulable", "Unschedulable", "SchedulingGated")
            status["conditions"] = [{"type": "PodScheduled", "status": self.one("False", "True"), "reason": reason}]

    def container(self):
        waiting = {"reason": self.one("CrashLoopBackOff", "ContainerCreating"), "message": "back-off"}
        container = {"name": self.one("a", "b"), "ready": False, "state": {"waiting": waiting}}
        if self.chance(0.3):
            container["state"] = {"running": {"startedAt": self.one(*TIMES)}}
        if self.chance(0.3):
            odd = copy.deepcopy(self.one(*ODD))
            container["state"] = self.one(odd, {"waiting": odd}, {"waiting": {"reason": odd}}, {"terminated": odd})
        return container

    def fill_Job(self, spec, status):  # noqa: N802 - the kind's name
        if self.chance(0.5):
            spec["completions"] = self.one(1, 2, 3)
        if self.chance(0.6):
            status["startTime"] = self.one(*TIMES)
        self.counts(status, ("active", "succeeded", "failed"), 1)

    def fill_Service(self, spec, status):  # noqa: N802 - the kind's name
        if self.chance(0.9):
            spec["type"] = self.one("LoadBalancer", "LoadBalancer", "ClusterIP", "NodePort", "ExternalName")
        if self.chance(0.7):
            spec["clusterIP"] = self.one("10.0.0.1", "None", "")
        if self.chance(0.5):
            status["loadBalancer"] = self.one({}, {"ingress": []}, {"ingress": [{"ip": "192.0.2.1"}]})

    def spoil(self, obj):
        """Take something away, or put something odd in its place."""
        holder, key = self.place(obj)
        if self.chance(0.35):
            del holder[key]
        elif self.chance(0.2):
            holder[key] = self.one(*EXTREME)
        else:
            holder[key] = copy.deepcopy(self.one(*ODD))

    def place(self, obj):
        places = list(_places(obj))
        return places[self.made_by.randrange(len(places))]


def _places(value):
    """Each mapping or list within, with each of its keys."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield value, key
        yield from _places(member)
