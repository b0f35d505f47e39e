"""A larger object: each field that is absent is tried with a dry run, and kept where the server takes and keeps it."""

import copy

import genreconcile as gr
import jsonpatch
from edits import below

ROUNDS = 3


def grown(server, root, obj, row):
    """The object with as many fields set as validation lets be set together; fields that it has keep their values."""
    server.create(obj, dryRun="All")
    for _ in range(ROUNDS):
        before = copy.deepcopy(obj)
        for path, attempts in list(absent(obj, root, "status" in server.resource.subresources)):
            obj = with_first(server, obj, path, attempts, row)
        if obj == before:
            break
    return obj


def absent(obj, root, with_status):
    """Places where a field may be added, with values for it."""
    for key, field in sorted(root.type.fields.items()):
        if key in {"apiVersion", "kind", "metadata"} or (key == "status" and with_status):
            continue
        for edit in below(obj, key, root, (), (root.type.name,)):
            if edit.what == "add":
                yield edit.path, edit.attempts


def with_first(server, obj, path, attempts, row):
    """The object with the first of these additions that the server takes and keeps."""
    for operations in attempts:
        larger = jsonpatch.apply_patch(obj, operations)
        try:
            answer = server.create(larger, dryRun="All")
        except gr.ClusterError:
            continue
        if holds(answer, path):
            row.counts["grown"] += 1
            return larger
    return obj


def holds(obj, path):
    for key in path:
        try:
            obj = obj[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True
