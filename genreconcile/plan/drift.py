"""One expected object and its live counterpart → a Change.

Invariant: pure. A patch leaves here only after it was applied to a copy of live and compared again without drift.
"""

from __future__ import annotations

from typing import Any, Final

from genreconcile.compare import Comparison, Diff, Difference
from genreconcile.compare.coarse import first_part, is_too_large
from genreconcile.compare.patch import Patch, to_patch
from genreconcile.errors import InputError, ReconcileError
from genreconcile.gojson import encode, loads
from genreconcile.memory.learned import Learned, digest
from genreconcile.memory.remembered import Key
from genreconcile.normalize import prepare
from genreconcile.normalize.compiled import Node
from genreconcile.objects import GVK, Object, ObjectKey, metadata_of, uid_of
from genreconcile.plan.change import Change
from genreconcile.plan.coupled import Held, left_over, together

_NOT_HELD: Final = Held()


def change_for(
    expected: Object,
    live: Object | None,
    comparison: Comparison,
    learned: Learned | None = None,
    earlier: Object | None = None,
) -> Change:
    """The change that ``expected`` needs. ``earlier`` is an earlier state of live, None where none was seen.

    A fault of the object is the change's ``error``; nothing is raised.
    """
    gvk, key = GVK.of(expected), ObjectKey.of(expected)
    try:
        if live is None:
            is_sendable = require_valid(expected, comparison.node)
            return Change("create", gvk, key, expected=expected, validated=comparison.typed, is_sendable=is_sendable)
        if "deletionTimestamp" in metadata_of(live):
            reason = "it is being deleted; it will be created again when it is gone"
            return Change("none", gvk, key, expected=expected, live=live, reason=reason, skipped=True)
        return _compared(expected, live, comparison, learned, earlier)
    except InputError as error:
        return Change("none", gvk, key, expected=expected, live=live, error=unusable(key, error))
    except ReconcileError as error:
        return Change("none", gvk, key, expected=expected, live=live, error=error)


def unusable(key: ObjectKey, error: InputError) -> InputError:
    """The error with the object's key in front."""
    return InputError(
        f"{key}: not usable: {error}", error.path, is_free_of_values=error.is_free_of_values, code=error.code
    )


def require_valid(expected: Object, node: Node) -> bool:
    """Whether the object may be sent as it was written. Raises InputError where the server could not store it."""
    prepared = prepare(expected, node)
    if prepared.errors:
        raise InputError.of(prepared.errors)
    return prepared.is_sendable


def _compared(
    expected: Object, live: Object, comparison: Comparison, learned: Learned | None, earlier: Object | None
) -> Change:
    gvk, key = GVK.of(expected), ObjectKey.of(expected)
    found = comparison.compare(expected, live, earlier)
    keys = learned_keys(found.differences, expected, live)
    left = together(found.differences, [_left_alone(key, learned) for key in keys])
    told = [f"{why} at {d.to_json()['path']}" for d, (why, _) in zip(found.differences, left, strict=True) if why]
    reason = "; ".join([*told, *map(str, found.interventions)])
    wanted = left_over(found.differences, left)
    retry_after = min((pause for _, pause in left if pause is not None), default=None)
    if not wanted:
        is_skipped = bool(found.interventions) or retry_after is not None
        return Change(
            "none", gvk, key, expected=expected, live=live, reason=reason, skipped=is_skipped, retry_after=retry_after
        )
    patch, count = to_patch(wanted, live), len(wanted)
    if is_too_large(patch):
        count, patch = first_part(wanted, live)
    is_part = count < len(wanted)
    if is_part:
        part = f"{count:,} of {len(wanted):,} differences, as many as one patch holds"
        reason = "; ".join(filter(None, (reason, part)))
    elif len(wanted) == len(keys):
        _check(patch, found, comparison, (expected, live, earlier), key)
    patched = tuple(name for name, (why, _) in zip(keys, left, strict=True) if not why)[:count]
    return Change(
        "update",
        gvk,
        key,
        patch,
        expected,
        live,
        reason,
        fields=comparison.policy.fields,
        keys=patched,
        is_part=is_part,
        retry_after=retry_after,
    )


def _left_alone(key: Key, learned: Learned | None) -> Held:
    """Why a difference is left alone: a verdict, or a fight whose next repair is not due."""
    if learned is None:
        return _NOT_HELD
    verdict = learned.verdict(key)
    fight = "" if verdict else learned.fight(key)
    return Held(verdict or fight, (learned.pause(key) or 0.0) if fight else None)


def learned_keys(differences: tuple[Difference, ...], expected: Object, live: Object) -> list[Key]:
    """The keys of the differences in ``Learned``: a key changes when either side does."""
    content = digest(expected)
    return [(uid_of(live), d.op, d.path, content, digest([_data(d.expected), _data(d.live)])) for d in differences]


def _data(value: Any) -> list[Any]:
    """A value as a list of one; an empty list for MISSING, which is no JSON data."""
    return [value] if value is None or isinstance(value, str | int | float | bool | dict | list) else []


def _check(
    patch: Patch, found: Diff, comparison: Comparison, sides: tuple[Object, Object, Object | None], key: ObjectKey
) -> None:
    """Raise ReconcileError for a patch that does not lead to expected: it would be sent again and again."""
    expected, live, earlier = sides
    # A copy by way of JSON takes a tenth of the time of deepcopy.
    after = patch.apply(loads(encode(live)), in_place=True)
    if comparison.is_clean(expected, after):
        return
    later = {entry.path for entry in found.covered if entry.for_now}
    again = comparison.compare(expected, after, earlier)
    left = [difference for difference in again.differences if difference.path not in later]
    if left:
        places = ", ".join(difference.to_json()["path"] for difference in left)
        raise ReconcileError(
            f"{key}: not patched: after the patch it would still differ at {places}; "
            "this is a fault of genreconcile, please report it",
            code="GR001",
        )
