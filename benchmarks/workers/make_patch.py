"""Comparison as scripts do it: DynamicClient's objects as dicts, expected laid over them, jsonpatch.make_patch."""

from __future__ import annotations

import copy
import time
from typing import Any, cast

import jsonpatch
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient

from benchmarks.workers.common import arguments, report
from benchmarks.workload import Object, read_lines


def main() -> None:
    """Prints objects, seconds, and different: patches that were not empty."""
    options = arguments(expected=str, seconds=float)
    cast("Any", config).load_kube_config(config_file=options.kubeconfig)
    api = cast("Any", DynamicClient)(cast("Any", client).ApiClient())
    resource = api.resources.get(api_version="apps/v1", kind="Deployment")
    live = {item.metadata.name: item for item in api.get(resource, namespace=options.namespace).items}
    pairs = [(obj, live[obj["metadata"]["name"]]) for obj in read_lines(options.expected)]
    objects = different = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < options.seconds:
        expected, found = pairs[objects % len(pairs)]
        different += bool(_patch(expected, found.to_dict()))
        objects += 1
    report(objects=objects, seconds=time.perf_counter() - begin, different=different)


def _patch(expected: Object, live: Object) -> list[dict[str, Any]]:
    wanted = _laid_over(copy.deepcopy(live), expected)
    patch: list[dict[str, Any]] = jsonpatch.make_patch(live, wanted).patch
    return patch


def _laid_over(below: Any, above: Any) -> Any:
    """Maps key by key, lists of the same length member by member; all else is replaced."""
    if isinstance(above, dict) and isinstance(below, dict):
        return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}
    if isinstance(above, list) and isinstance(below, list) and len(above) == len(below):
        return [_laid_over(old, new) for old, new in zip(below, above, strict=True)]
    return above


if __name__ == "__main__":
    main()
