"""Explanations of drift: the rule that covers each path, and rules that would cover the differences.

Invariant: pure; the same comparison as ``diff``, reported path by path.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.compare import diff
from genreconcile.compare.operation import Path
from genreconcile.kinds.types import MISSING, TypeGraph
from genreconcile.mask import Fields, mask_value
from genreconcile.normalize import Registry
from genreconcile.normalize.rule import API_VERSION
from genreconcile.objects import GVK, name_of, namespace_of
from genreconcile.pointer import join_pointer, split_pointer


@dataclass(frozen=True, slots=True)
class Explanation:
    """One path, and the id of the rule that covers it, "" for drift.

    ``schema`` stands for the default of a custom resource's own schema, ``subset`` for a value that is not compared.
    ``operation`` is the patch operation for drift, "report" where no patch repairs it. ``masked``: outputs hide the
    value. ``note`` tells more, such as the manager that has set the value.
    """

    path: str
    rule: str
    operation: str = ""
    masked: bool = False
    note: str = ""

    @property
    def is_drift(self) -> bool:
        """Whether no rule covers the path."""
        return not self.rule

    def __str__(self) -> str:
        what = f"drift ({self.operation})" if self.is_drift else f"covered by {self.rule}"
        return f"{self.path}: {what}{', masked' if self.masked else ''}{f' ({self.note})' if self.note else ''}"


def explain(  # noqa: PLR0913 - keyword-only settings, each with a default
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    *,
    rules: Registry | None = None,
    schema: TypeGraph | None = None,
    others: Iterable[Mapping[str, Any]] = (),
    field_manager: str = "genreconcile",
) -> list[Explanation]:
    """Every path that only live has, with the rule that covers it, and every difference; sorted by path.

    Arguments and errors as of ``diff``.
    """
    found = diff(expected, live, rules=rules, schema=schema, others=others, field_manager=field_manager)
    masked = functools.partial(_is_masked, found.sensitive)
    covered = [
        Explanation(join_pointer(entry.path), entry.rule, masked=masked(entry.path, entry.value), note=entry.note)
        for entry in found.covered
    ]
    drift = [
        Explanation(join_pointer(entry.path), "", entry.op, masked(entry.path, entry.expected, entry.live))
        for entry in found.differences
    ]
    drift += [
        Explanation(join_pointer(entry.path), "", "report", masked(entry.path, entry.live), f"set by {entry.owner}")
        for entry in found.interventions
    ]
    return sorted([*covered, *drift], key=lambda explanation: split_pointer(explanation.path))


def _is_masked(fields: Fields, path: Path, *values: Any) -> bool:
    """Whether outputs hide a part of one of these values at a path."""
    tokens = tuple(map(str, path))
    return any(mask_value(fields, tokens, value) is not value for value in values if value is not MISSING)


def suggest(expected: Mapping[str, Any], explanations: Iterable[Explanation]) -> dict[str, Any]:
    """A rules document that ignores every difference of this object alone; a person decides whether to use it.

    A list member is ``*`` in its paths: a rule cannot name a single one.
    """
    gvk = GVK.of(expected)
    selects = {"group": gvk.group, "kind": gvk.kind, "namespace": namespace_of(expected), "name": name_of(expected)}
    paths = dict.fromkeys(_pattern(entry.path) for entry in explanations if entry.is_drift)
    rules = [
        {
            "id": f"ignore-{number}",
            "object": {k: v for k, v in selects.items() if v or k == "group"},
            "path": path,
            "ignore": True,
        }
        for number, path in enumerate(paths, 1)
    ]
    return {"apiVersion": API_VERSION, "kind": "RuleSet", "rules": rules}


def _pattern(pointer: str) -> str:
    tokens = ["*" if token.isdigit() else token for token in split_pointer(pointer)]
    # A rule cannot ignore a member that is added or removed as a whole, but the list.
    while tokens and tokens[-1] == "*":
        tokens.pop()
    return join_pointer(tokens).removeprefix("/")
