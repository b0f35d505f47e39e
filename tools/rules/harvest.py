"""Propose rules for what an API server adds to objects: for a new Kubernetes minor, or for an aggregated API.

Usage: harvest.py KUBECONFIG [KIND…]      (default: every kind that the conformance data can create)

Each object of tests/kind/conformance is created twice with a dry run. What only the answers hold, and no shipped rule
explains, is printed as a RuleSet: with its value as a default where both answers agree, as managed where they differ.
A proposal is a beginning: whether a default depends on other fields only the source or more objects tell.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import yaml

import genreconcile as gr
from genreconcile.kinds.types import MISSING, Type
from genreconcile.normalize.compiled import Node

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from kind.conformance.library import expected
from kind.conformance.server import Server
from kind.conformance.suite import Suite

PAUSE = 1.1
"""Seconds between two creates, so that times differ."""

Place = tuple[str, str]
"""The type that a rule begins at, and the path from there."""


def main() -> None:
    """Print the rules that are missing."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    suite = Suite(sys.argv[1])
    found: dict[Place, Any] = {}
    for resource in suite.resources(sys.argv[2:]):
        if {"create", "patch"} <= resource.verbs:
            harvest(suite, resource, found)
    rules = [proposal(*place, value) for place, value in sorted(found.items(), key=lambda entry: entry[0])]
    document = {"apiVersion": "genreconcile.dev/v1alpha1", "kind": "RuleSet", "rules": rules}
    print(yaml.safe_dump(document, sort_keys=False, width=120), end="")


def harvest(suite: Suite, resource: Any, found: dict[Place, Any]) -> None:
    """Add what the server adds to the objects of one kind; MISSING where two creates disagree."""
    namespace = suite.namespace(resource) if resource.namespaced else ""
    server = Server(suite.cluster, resource)
    root, _ = suite.catalog.node(resource, {})
    for variant, obj in expected(resource, root, namespace, suite.minor).items():
        try:
            answers = [server.create(obj, dryRun="All")]
            time.sleep(PAUSE)
            answers.append(server.create(obj, dryRun="All"))
        except gr.ClusterError as error:
            print(f"# {resource} {variant}: not created: {error}", file=sys.stderr)
            continue
        node, _ = suite.catalog.node(resource, obj)
        for difference in gr.diff(obj, answers[0], schema=suite.schema).differences:
            place = placed(node, difference.path)
            agreed = same(answers, difference.path) and found.get(place, difference.live) == difference.live
            if difference.expected is MISSING:
                found[place] = difference.live if agreed else MISSING


def placed(node: Node, path: tuple[str | int, ...]) -> Place:
    """The nearest named type on the way to a path, and the rest of the path."""
    begin, rest = node.type.name, []
    for key in path:
        child = node.member() if isinstance(key, int) else node.child(key)
        rest.append("*" if isinstance(key, int) else key.replace("~", "~0").replace("/", "~1"))
        node = child.node
        if is_named(node.type) and key != path[-1]:
            begin, rest = node.type.name, []
    return begin, "/".join(rest)


def is_named(kind: Type) -> bool:
    """Whether rules can begin at a type; metadata belongs to the object that has it."""
    return bool(kind.name) and kind.shape == "object" and ".meta." not in kind.name


def same(answers: list[Any], path: tuple[str | int, ...]) -> bool:
    """Whether both answers hold the same value at a path."""
    values: list[Any] = []
    for value in answers:
        for key in path:
            value = value[key] if isinstance(value, list) else value.get(key)  # noqa: PLW2901 - a walk
        values.append(value)
    return bool(values[0] == values[1])


def proposal(kind: str, path: str, value: Any) -> dict[str, Any]:
    """One rule."""
    action = {"managed": True} if value is MISSING else {"default": value}
    short = "-".join(kind.split(".")[-2:])
    return {"id": f"{short}-{path}".lower().replace("/", "-").replace("*", "any"), "type": kind, "path": path, **action}


if __name__ == "__main__":
    main()
