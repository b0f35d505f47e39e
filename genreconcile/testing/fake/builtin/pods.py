"""What the server computes for a new Pod, and what its admission plugins add.

Invariant: as in ``computed``. Not done: what depends on other objects (limits of the namespace, priority and runtime
classes of one's own, pull secrets of the ServiceAccount).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from genreconcile.testing.fake.builtin.quantity import amount, total

_PODS_OWN = ("cpu", "memory", "hugepages-")
_QUALITY = ("cpu", "memory")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names."""

Data = dict[str, Any]
Rule = Mapping[str, Any]


def _containers(spec: Data) -> Iterator[Data]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def requests_from_limits(value: Data, _root: Data, _rule: Rule) -> None:
    """A container requests at least what it is limited to."""
    for container in _containers(value["spec"]):
        resources = container.get("resources") or {}
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}


def host_ports(value: Data, _root: Data, _rule: Rule) -> None:
    """On the network of the host, ports are those of the host."""
    if value["spec"].get("hostNetwork"):
        for container in _containers(value["spec"]):
            for port in container.get("ports") or ():
                port.setdefault("hostPort", port.get("containerPort", 0))


def pod_requests(value: Data, _root: Data, _rule: Rule) -> None:
    """Where the Pod as a whole has limits, it requests what its containers do, else what it is limited to."""
    resources = value["spec"].get("resources") or {}
    if not resources.get("limits"):
        return
    requests = dict(resources.get("requests") or {})
    for name, wanted in _requested(value["spec"]).items():
        if name.startswith(_PODS_OWN[:2]):
            requests.setdefault(name, wanted)
    for name, limit in resources["limits"].items():
        if name.startswith(_PODS_OWN):
            requests.setdefault(name, limit)
    resources["requests"] = requests


def _requested(spec: Data) -> dict[str, str]:
    """What all containers request together: those that run at the same time are added up."""
    running: dict[str, str] = {}
    beginning: dict[str, str] = {}
    for container in spec.get("initContainers") or ():
        wanted = (container.get("resources") or {}).get("requests") or {}
        if container.get("restartPolicy") == "Always":
            running = _sum(running, wanted)
            beginning = _most(beginning, running)
        else:
            beginning = _most(beginning, _sum(running, wanted))
    for container in spec.get("containers") or ():
        running = _sum(running, (container.get("resources") or {}).get("requests") or {})
    return _most(running, beginning)


def _sum(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    return {**one, **{name: total(one.get(name, "0"), more) for name, more in other.items()}}


def _most(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    larger = {name: more for name, more in other.items() if amount(more) > amount(one.get(name, "0"))}
    return {**one, **larger}


def quality(value: Data, _root: Data, _rule: Rule) -> None:
    """The class of quality of service."""
    spec = value["spec"]
    whole = spec.get("resources") or {}
    parts = [whole] if whole else [container.get("resources") or {} for container in _containers(spec)]
    classes = {_quality(part.get("requests") or {}, part.get("limits") or {}) for part in parts}
    value["status"]["qosClass"] = classes.pop() if len(classes) == 1 else "Burstable"


def _quality(requests: Mapping[str, str], limits: Mapping[str, str]) -> str:
    classes = set()
    for name in _QUALITY:
        wanted, most = amount(requests.get(name, "0")), amount(limits.get(name, "0"))
        classes.add("Burstable" if wanted != most else "Guaranteed" if wanted else "BestEffort")
    return classes.pop() if len(classes) == 1 else "Burstable"


def tolerations(value: Data, _root: Data, rule: Rule) -> None:
    """A Pod tolerates for some minutes that its node is lost."""
    own = value["spec"].get("tolerations") or []
    known = {(one.get("key"), one.get("effect")) for one in own}
    for toleration in rule["tolerations"]:
        key, effect = toleration["key"], toleration["effect"]
        if not known & {(key, effect), (key, None), (None, effect), (None, None)}:
            own = [*own, dict(toleration)]
    value["spec"]["tolerations"] = own


def priority(value: Data, _root: Data, rule: Rule) -> None:
    """The priority of a class that every cluster has; of others, which are objects, as without a class."""
    spec = value["spec"]
    spec["priority"] = rule["classes"].get(spec.get("priorityClassName"), 0)
    spec.setdefault("preemptionPolicy", rule["preemption"])


def account_token(value: Data, root: Data, rule: Rule) -> None:
    """The token of the Pod's ServiceAccount, in a volume in each container that has nothing at its place."""
    spec = value["spec"]
    mounts = [mount for container in _containers(spec) for mount in container.get("volumeMounts") or ()]
    if spec.get("automountServiceAccountToken") is False or any(
        mount["name"].startswith(rule["volume"]) for mount in mounts
    ):
        return
    lacking = [one for one in _containers(spec) if not _mounts(one, rule["path"])]
    if lacking:
        name = rule["volume"] + _suffix(root["metadata"])
        for container in lacking:
            mount = {"name": name, "readOnly": True, "mountPath": rule["path"]}
            container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
        spec["volumes"] = [*(spec.get("volumes") or ()), {"name": name, **copy.deepcopy(rule["source"])}]


def _mounts(container: Data, path: str) -> bool:
    return any(mount.get("mountPath") == path for mount in container.get("volumeMounts") or ())


def _suffix(metadata: Data) -> str:
    """Five letters, the same ones for the same Pod."""
    text = f"{metadata.get('namespace')}/{metadata.get('name')}/{metadata.get('uid')}"
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in hashlib.sha256(text.encode()).digest()[:5])


FUNCTIONS = (
    account_token,
    host_ports,
    pod_requests,
    priority,
    quality,
    requests_from_limits,
    tolerations,
)
