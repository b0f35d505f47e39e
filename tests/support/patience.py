"""Where a test hopes that a time was long enough: found in its syntax tree.

Invariant: whatever waits for a condition, in a loop or with a limit that a busy machine keeps, is never found.
"""

from __future__ import annotations

import ast

LEAST = 20  # Seconds that a busy machine may need for what takes a moment.
BRIEF = 1  # A limit below is one that is to pass.
WAITS = frozenset(
    {"wait", "wait_for", "join", "acquire", "wait_for_sync", "relist", "result", "communicate", "wait_ready"}
)
CLOCKS = frozenset({"monotonic", "perf_counter", "time"})


def hopes(tree: ast.AST) -> list[str]:
    """What a module does and where, as ``function: what it does``; sorted."""
    found: list[str] = []
    _walk(tree, "", is_looping=False, found=found)
    return sorted(found)


def _walk(node: ast.AST, function: str, *, is_looping: bool, found: list[str]) -> None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function, is_looping = node.name, False
    if isinstance(node, ast.While):
        is_looping = True
    if isinstance(node, ast.Call) and not is_looping:
        name, limit = _called(node), _limit(node)
        if name == "sleep":
            found.append(f"{function}: sleeps once")
        elif name in WAITS and limit is not None and BRIEF <= limit < LEAST:
            found.append(f"{function}: waits {limit:g} seconds at most")
    if isinstance(node, ast.Assert) and (bound := _bound(node.test)) is not None and bound < LEAST:
        found.append(f"{function}: is to take less than {bound:g} seconds")
    if isinstance(node, ast.BinOp) and (patience := _patience(node)) is not None and BRIEF <= patience < LEAST:
        found.append(f"{function}: gives up after {patience:g} seconds")
    for child in ast.iter_child_nodes(node):
        _walk(child, function, is_looping=is_looping, found=found)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _limit(call: ast.Call) -> float | None:
    """The seconds that a call names: by keyword, else its last argument."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "timeout"]
    return _number((named or call.args or [None])[-1])


def _bound(test: ast.expr) -> float | None:
    """Of ``clock() - started < 5``: 5."""
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Lt | ast.LtE):
        return None
    calls = [_called(node) for node in ast.walk(test.left) if isinstance(node, ast.Call)]
    is_clock = isinstance(test.left, ast.BinOp) and isinstance(test.left.op, ast.Sub) and bool(CLOCKS & set(calls))
    return _number(test.comparators[0]) if is_clock else None


def _patience(node: ast.BinOp) -> float | None:
    """Of ``clock() + 5``: 5."""
    is_clock = isinstance(node.left, ast.Call) and _called(node.left) in CLOCKS and isinstance(node.op, ast.Add)
    return _number(node.right) if is_clock else None


def _number(node: ast.AST | None) -> float | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
