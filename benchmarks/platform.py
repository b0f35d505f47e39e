"""A platform's manifests: hundreds of definitions of custom kinds with large schemas, and what runs beside them.

Invariant: the same files for the same arguments. Each component is a file, in the style of controller-gen and Helm:
descriptions are folded plain, quoted or literal, and definitions are nine tenths of the bytes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.workload import Object, deployment

COMPONENTS = 40
OBJECTS = 1673
_DEFINITIONS = 270
_SEED = 17
_FIELDS = 192
"""Of a schema, on average."""
_NAMES = re.findall(
    "[a-z]+",
    "access address affinity algorithm annotation archive authority backend backoff bandwidth batch binding bucket "
    "buffer cache capacity certificate channel claim class client cluster condition config connection consumer "
    "container context credential database default delay delivery digest disk domain driver duration encoding "
    "endpoint engine entry event expression extension failover filter flavor format gateway generation group handler "
    "header health host identity image ingress instance interval issuer journal key label layer lease level limit "
    "link listener location lock log manager mapping match member memory merge message method metric mirror mode "
    "monitor mount namespace network node offset option origin owner parameter partition password path pattern peer "
    "period permission pipeline policy pool port prefix probe profile project protocol provider proxy queue quota "
    "rate record redirect reference region registry replica request resource response retention retry revision role "
    "root rotation route rule sample schedule schema scope secret section selector server service session shard "
    "sidecar signature size snapshot source stage state storage strategy stream subject subnet suffix summary target "
    "task template tenant threshold timeout token topic trace traffic transform trigger user validation value version "
    "volume weight window zone",
)
_PROSE = re.findall(
    "[^ ]+",
    "the a of to in for is are be that which when if this it must may not only used set each by with from as value "
    "field object default specified name namespace Kubernetes server controller resource pods optional required "
    'valid configured `spec` "true" e.g. cannot be updated. More info: https://example.com/docs/concepts#field ',
)
_SCALARS: tuple[Object, ...] = (
    {"type": "string"},
    {"type": "string"},
    {"type": "string"},
    {"type": "boolean"},
    {"type": "integer", "format": "int32"},
    {"type": "integer", "format": "int64", "minimum": 0},
    {"type": "string", "maxLength": 253, "minLength": 1, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
    {"type": "string", "enum": ["Always", "IfNotPresent", "Never", "On", "Off"]},
    {"type": "string", "format": "date-time"},
    {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?))?$",
        "x-kubernetes-int-or-string": True,
    },
    {"type": "object", "additionalProperties": {"type": "string"}},
    {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"},
    {"type": "string", "default": "10s"},
    {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
)


def write(folder: Path, components: int = COMPONENTS) -> int:
    """Write so many of the components, each into a file; returns the number of objects."""
    count = 0
    for number in range(components):
        objects = list(component(number))
        count += len(objects)
        text = yaml.dump_all(objects, Dumper=_Dumper, explicit_start=True)
        (folder / f"component-{number:02}.yaml").write_text(text, "utf-8")
    return count


def component(number: int) -> Iterator[Object]:
    """The objects of one component: its namespace, definitions, rights, and programs."""
    rng = random.Random(f"{_SEED}/{number}")  # noqa: S311 -- no secret
    namespace = f"platform-{number:02}"
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    definitions = _share(_DEFINITIONS, number)
    for index in range(definitions):
        yield _definition(rng, number, index)
    for index in range(_share(OBJECTS, number) - definitions - 1):
        yield _other(rng, number, index, namespace)


def _share(total: int, number: int) -> int:
    return total * (number + 1) // COMPONENTS - total * number // COMPONENTS


def _definition(rng: random.Random, number: int, index: int) -> Object:
    kind = "".join(rng.choice(_NAMES).title() for _ in range(2)) + f"{number:02}{index}"
    plural, group = f"{kind.lower()}s", f"component-{number:02}.platform.example.com"
    spec = _object(rng, int(_FIELDS * rng.lognormvariate(-0.32, 0.8)) + 5)
    top = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    status = {"type": "object", "properties": {"phase": {"type": "string"}, "ready": {"type": "boolean"}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {**top, "spec": spec, "status": status}}},
    }
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"controller-gen.kubebuilder.io/version": "v0.19.0"},
            "labels": _labels(number),
        },
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _object(rng: random.Random, fields: int) -> Object:
    """A schema with so many fields below it, in objects, and in lists of objects."""
    names = rng.sample(_NAMES, min(fields, rng.randint(3, 12)))
    left = fields - len(names)
    properties: Object = {}
    for index, name in enumerate(names):
        below = left if index == len(names) - 1 else min(left, int(left * rng.random() ** 2))
        left -= below
        properties[name] = {"description": _text(rng), **_field(rng, below)}
    found = {"type": "object", "description": _text(rng), "properties": properties}
    return {**found, "required": sorted(names[:2])} if rng.random() < 0.4 else found


def _field(rng: random.Random, below: int) -> Object:
    if below < 1:
        return dict(rng.choice(_SCALARS))
    inner = _object(rng, below)
    return {"type": "array", "items": inner} if rng.random() < 0.3 else inner


def _text(rng: random.Random) -> str:
    """A paragraph or a few; of lines, of sentences with colons, or plain."""
    count = rng.choice((1, 1, 1, 2, 4))
    return "\n".join(" ".join(rng.choices(_PROSE, k=rng.randint(6, 24))).capitalize() for _ in range(count))


def _other(rng: random.Random, number: int, index: int, namespace: str) -> Object:
    name = f"{rng.choice(_NAMES)}-{index:03}"
    metadata: Object = {"name": name, "namespace": namespace, "labels": _labels(number)}
    of_cluster = {"name": f"platform-{number:02}-{name}", "labels": _labels(number)}
    verbs = ["get", "list", "watch"]
    rules = [{"apiGroups": [""], "resources": rng.sample(_NAMES, 3), "verbs": verbs} for _ in range(4)]
    group = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    data = {f"{word}.conf": _text(rng) + "\n" for word in rng.sample(_NAMES, 3)}
    made = (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata, "subjects": subjects,
         "roleRef": {"apiGroup": group, "kind": "Role", "name": name}},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": of_cluster, "rules": rules},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": of_cluster, "subjects": subjects,
         "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": of_cluster["name"]}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata,
         "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}},
        deployment(index, namespace),
    )  # fmt: skip
    return made[index % len(made)]


def _labels(number: int) -> dict[str, str]:
    return {"app.kubernetes.io/part-of": "platform", "app.kubernetes.io/name": f"component-{number:02}"}


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # one of the two safe dumpers
    """Writes no aliases, and each third text of several lines literally."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- PyYAML's signature
        """Charts are rendered as text, in which nothing is shared."""
        return True


def _text_node(dumper: Any, text: str) -> yaml.ScalarNode:
    is_literal = "\n" in text and len(text) % 3 == 0
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if is_literal else None)
    return node


_Dumper.add_representer(str, _text_node)
