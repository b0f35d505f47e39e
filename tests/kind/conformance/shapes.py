"""JSON values compared and changed without any rule: what the engine is measured by."""

import copy


def text(path):
    """A path for people, and to compare paths by."""
    return "/" + "/".join(map(str, path))


def touches(one, other):
    """Whether one of two paths, as texts, is the other or leads to it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def holds(obj, path):
    """Whether an object has a value at a path."""
    for key in path:
        if not (
            key in obj if isinstance(obj, dict) else isinstance(obj, list) and isinstance(key, int) and key < len(obj)
        ):
            return False
        obj = obj[key]
    return True


def with_value(obj, path, value):
    """A copy with a value at a path; None where the path leads through a list, or its parent is not there."""
    if not all(isinstance(key, str) for key in path) or not holds(obj, path[:-1]) or holds(obj, path):
        return None
    result = here = copy.deepcopy(obj)
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return result


def difference(one, other, path=""):
    """The paths at which two JSON values differ; what only one has counts once, a list's members by position."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [found for key in sorted({*one, *other}) for found in _at(one, other, key, f"{path}/{key}")]
    if isinstance(one, list) and isinstance(other, list):
        both = min(len(one), len(other))
        longer = [f"{path}/{index}" for index in range(both, max(len(one), len(other)))]
        return longer + [p for index in range(both) for p in difference(one[index], other[index], f"{path}/{index}")]
    return [] if one == other and type(one) is type(other) else [path]


def _at(one, other, key, path):
    return difference(one[key], other[key], path) if key in one and key in other else [path]


def operations(patch):
    """What a patch changes, without its preconditions."""
    return [op for op in patch if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]


def is_minimal(patch, before, after):
    """Whether a patch has no more operations than there are differences, and replaces no container for a leaf."""
    changes = operations(patch)
    containers = any(op["op"] == "replace" and isinstance(op["value"], dict | list) for op in changes)
    return not containers and len(changes) <= max(1, len(difference(before, after)))
