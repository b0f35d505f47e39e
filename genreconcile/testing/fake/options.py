"""The options of a write, from its query and headers; and what a deletion's options do to finalizers.

Invariant: an option that is not known is refused, not passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from genreconcile.testing.fake.wire import Refusal, Request

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"
_POLICIES: Final = {"Background": None, "Foreground": FOREGROUND, "Orphan": ORPHAN}
_VALIDATIONS: Final = ("Ignore", "Warn", "Strict")
_LONGEST_MANAGER: Final = 128


class Options(NamedTuple):
    """``validation`` is Ignore, Warn or Strict; ``manager`` owns the fields that are written."""

    dry_run: bool = False
    validation: str = "Warn"
    manager: str = "unknown"

    @classmethod
    def of(cls, request: Request) -> Options:
        """Raises Refusal (400, 422)."""
        query = request.query
        if query.get("dryRun", "All") != "All":
            raise Refusal(422, f'dryRun: Unsupported value: "{query["dryRun"]}": supported values: "All"')
        validation = query.get("fieldValidation") or "Warn"
        if validation not in _VALIDATIONS:
            raise Refusal(422, f'fieldValidation: Unsupported value: "{validation}"')
        agent = str(request.headers.get("user-agent") or "unknown").partition("/")[0]
        manager = query.get("fieldManager") or agent[:_LONGEST_MANAGER]
        if len(manager) > _LONGEST_MANAGER:
            raise Refusal(422, f"fieldManager: Too long: may not be more than {_LONGEST_MANAGER} bytes")
        return cls("dryRun" in query, validation, manager)


def finalizers_of(finalizers: list[str], options: Mapping[str, Any]) -> list[str]:
    """The finalizers that an object has once a deletion with these DeleteOptions has begun."""
    policy = options.get("propagationPolicy")
    if policy is None and options.get("orphanDependents") is not None:
        policy = "Orphan" if options["orphanDependents"] else "Background"
    if policy is None:
        return finalizers
    if policy not in _POLICIES:
        raise Refusal(422, f'propagationPolicy: Unsupported value: "{policy}"')
    kept = [name for name in finalizers if name not in {FOREGROUND, ORPHAN}]
    mark = _POLICIES[policy]
    return kept if mark is None else [*kept, mark]
