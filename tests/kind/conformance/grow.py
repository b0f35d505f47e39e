"""A larger object: each field that is absent is tried with a dry run, and kept where the server takes and keeps it."""

from collections import Counter

import jsonpatch

import genreconcile as gr
from kind.conformance.edits import below, put

MOST = 6
PATIENCE = 1


class Experience:
    """What the server took at a field of a type before: it is tried first, and what it never took no more."""

    def __init__(self):
        self.took, self.refused = {}, Counter()

    def order(self, place, attempts):
        if place in self.took:
            return [self.took[place]]
        return () if self.refused[place] >= PATIENCE else attempts[:MOST]


EXPERIENCE = Experience()


def grown(server, root, obj, row):
    """The object with as many fields set as validation lets be set together; fields that it has keep their values."""
    server.create(obj, dryRun="All")
    tried = set()
    while places := [
        edit for edit in absent(obj, root, "status" in server.resource.subresources) if edit.path not in tried
    ]:
        for edit in places:
            tried.add(edit.path)
            obj = with_first(server, obj, edit, row)
    return obj


def absent(obj, root, with_status):
    """Places where a field may be added, with values for it."""
    for key in sorted(root.type.fields):
        if key in {"apiVersion", "kind", "metadata"} or (key == "status" and with_status):
            continue
        for edit in below(obj, key, root, (), (root.type.name,)):
            if edit.what == "add":
                yield edit


def with_first(server, obj, edit, row):
    """The object with the first of these additions that the server takes and keeps."""
    for value in EXPERIENCE.order(edit.place, [operations[0]["value"] for operations in edit.attempts]):
        larger = jsonpatch.apply_patch(obj, put(edit.path, value))
        try:
            answer = server.create(larger, dryRun="All")
        except gr.ClusterError:
            continue
        if holds(answer, edit.path, value):
            row.counts["grown"] += 1
            EXPERIENCE.took[edit.place] = value
            return larger
    EXPERIENCE.refused[edit.place] += 1
    return obj


def holds(obj, path, value):
    """Whether the server has taken a value: a text as it was written, anything else in any spelling."""
    for key in path:
        try:
            obj = obj[key]
        except (KeyError, IndexError, TypeError):
            return False
    return obj == value or not isinstance(value, str) or value[:1].isdigit()
