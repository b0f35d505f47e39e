"""Which tests depend on time: those that wait for something, and those with a server or a thread in them.

Invariant: a test that waits through a helper of its own counts as well; what is marked is derived, never written down.
"""

from __future__ import annotations

import functools
import types

WAITING = frozenset({"eventually", "sleep", "monotonic", "Event", "Thread", "ThreadPoolExecutor", "Popen"})
SERVERS = frozenset(
    {"ControlPlane", "ScriptedServer", "ProxiedServer", "ScriptedCluster", "Listener", "Loopback", "create_server"}
)
FIXTURES = frozenset({"control_plane", "ground", "plane", "server", "peer", "cluster"})


def is_timed(item):
    """Whether a test, or one of its fixtures, waits or has a server."""
    if FIXTURES & set(item.fixturenames):
        return True
    fixtures = [found.func for name in item.fixturenames for found in item._fixtureinfo.name2fixturedefs.get(name, ())]
    return any(map(_waits, [item.function, *fixtures]))


@functools.cache
def _waits(function):
    return bool((WAITING | SERVERS) & _names(function, set()))


def _names(function, seen):
    """The names that a function uses, with those of the functions and classes of tests that it names."""
    found = _names_of_code(function.__code__)
    for name in found.copy():
        other = function.__globals__.get(name)
        if id(other) not in seen and getattr(other, "__module__", "") not in {"", None, "threading"}:
            seen.add(id(other))
            for part in _functions(other):
                if _is_of_tests(part):
                    found |= _names(part, seen)
    return found


def _functions(value):
    if isinstance(value, type):
        return [part for part in vars(value).values() if isinstance(part, types.FunctionType)]
    return [value] if isinstance(value, types.FunctionType) else []


def _is_of_tests(function):
    return "/tests/" in function.__code__.co_filename.replace("\\", "/")


def _names_of_code(code):
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names_of_code(constant)
    return found
