"""The options of a request: of writes, from query and headers; of deletions, from the body too; of lists and watches.

Invariant: an option that is not known is refused, not passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from genreconcile.testing.fake.patching import is_apply
from genreconcile.testing.fake.refusals import invalid_options
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal, Request

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"
_POLICIES: Final = {"Foreground": FOREGROUND, "Background": None, "Orphan": ORPHAN}
_VALIDATIONS: Final = ("", "Ignore", "Strict", "Warn")
_LONGEST_MANAGER: Final = 128
_KINDS: Final = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
_OF_DELETION: Final = "DeleteOptions"
_MATCHES: Final = ("Exact", "NotOlderThan")


class Options(NamedTuple):
    """``validation`` is Ignore, Warn or Strict; ``manager`` owns what is written, ``force`` takes it from others."""

    dry_run: bool = False
    validation: str = "Warn"
    manager: str = "unknown"
    force: bool = False

    @classmethod
    def of(cls, request: Request) -> Options:
        """Raises Refusal (422)."""
        query = request.query
        agent = str(request.headers.get("user-agent") or "unknown").partition("/")[0]
        manager = query.get("fieldManager") or agent[:_LONGEST_MANAGER]
        force = query.get("force") in {"true", "1"}
        found = cls("dryRun" in query, query.get("fieldValidation") or "Warn", manager, force)
        if causes := list(_of_write(query, found, request)):
            raise invalid_options(_KINDS[request.verb], *causes)
        return found


def _of_write(query: Mapping[str, str], options: Options, request: Request) -> Iterator[Cause]:
    applies = is_apply(request.headers.get("content-type", ""))
    if request.verb == "patch" and "force" in query and not applies:
        yield _forbidden("force", "may not be specified for non-apply patch")
    if request.verb == "patch" and applies and not query.get("fieldManager"):
        yield Cause("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")
    if len(options.manager) > _LONGEST_MANAGER:
        text = f"Too long: may not be more than {_LONGEST_MANAGER} bytes"
        yield Cause("FieldValueTooLong", text, "fieldManager")
    yield from _of_dry_run([query["dryRun"]] if "dryRun" in query else [])
    if options.validation not in _VALIDATIONS:
        yield _unknown("fieldValidation", options.validation, _VALIDATIONS)


class Deletion(NamedTuple):
    """DeleteOptions. ``finalizer`` is what the policy puts on an object, None for nothing; ``policy`` "" if unsaid."""

    dry_run: bool
    policy: str
    preconditions: Mapping[str, Any]
    grace_seconds: int | None = None

    @classmethod
    def of(cls, body: bytes, query: Mapping[str, str]) -> Deletion:
        """Raises Refusal (400, 422). What stands in the body counts, and not the query, where there is a body."""
        given = _read(body) if body else _from(query)
        orphans, policy = given.get("orphanDependents"), given.get("propagationPolicy")
        causes = list(_of_dry_run(given.get("dryRun") or []))
        if orphans is not None and policy is not None:
            text = "orphanDependents and deletionPropagation cannot be both set"
            causes.append(Cause("FieldValueInvalid", f'Invalid value: "{policy}": {text}', "propagationPolicy"))
        if policy is not None and policy not in _POLICIES:
            causes.append(_unknown("propagationPolicy", policy, (*_POLICIES, "nil")))
        if causes:
            raise invalid_options(_OF_DELETION, *causes)
        if policy is None and orphans is not None:
            policy = "Orphan" if orphans else "Background"
        seconds = given.get("gracePeriodSeconds")
        if seconds is not None and not isinstance(seconds, int):
            raise Refusal(400, "json: cannot unmarshal gracePeriodSeconds into Go struct field of type int64")
        return cls(bool(given.get("dryRun")), policy or "", given.get("preconditions") or {}, seconds)

    def finalizers(self, before: list[str]) -> list[str]:
        """The finalizers that an object has once its deletion has begun."""
        if not self.policy:
            return before
        kept = [name for name in before if name not in {FOREGROUND, ORPHAN}]
        mark = _POLICIES[self.policy]
        return kept if mark is None else [*kept, mark]


def _read(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError as error:
        raise Refusal(400, f"couldn't get version/kind; json parse error: {error}") from None
    if not isinstance(given, dict):
        raise Refusal(400, "decoded object cannot be converted to DeleteOptions")
    if given.get("kind", _OF_DELETION) != _OF_DELETION:
        raise Refusal(400, f"decoded object cannot be converted to DeleteOptions: it is of kind {given['kind']!r}")
    return given


def _from(query: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {name: query[name] for name in ("propagationPolicy",) if name in query}
    if "orphanDependents" in query:
        given["orphanDependents"] = query["orphanDependents"] in {"true", "1"}
    seconds = query.get("gracePeriodSeconds", "")
    given |= {"gracePeriodSeconds": int(seconds)} if seconds.isdigit() else {}
    return given | ({"dryRun": [query["dryRun"]]} if "dryRun" in query else {})


def require_list_options(query: Mapping[str, str]) -> None:
    """Raise Refusal (422) for options of a list or watch that do not go together."""
    is_watch = query.get("watch") in {"true", "1"}
    if causes := list(_of_watch(query) if is_watch else _of_list(query)):
        raise invalid_options("ListOptions", *causes)


def _of_list(query: Mapping[str, str]) -> Iterator[Cause]:
    match, version = query.get("resourceVersionMatch"), query.get("resourceVersion")
    if match and not version:
        yield _forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
    if match:
        yield from _of_match(query, (*_MATCHES, ""))
    if match == "Exact" and version == "0":
        text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        yield _forbidden("resourceVersionMatch", text)
    if "sendInitialEvents" in query:
        yield _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _of_watch(query: Mapping[str, str]) -> Iterator[Cause]:
    match = query.get("resourceVersionMatch")
    if "sendInitialEvents" in query and match != _MATCHES[1]:
        yield _forbidden(
            "resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        )
    if match and "sendInitialEvents" not in query:
        text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        yield _forbidden("resourceVersionMatch", text)
    if match:
        yield from _of_match(query, _MATCHES[1:])


def _of_match(query: Mapping[str, str], known: tuple[str, ...]) -> Iterator[Cause]:
    if query.get("continue"):
        yield _forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
    if query["resourceVersionMatch"] not in known:
        yield _unknown("resourceVersionMatch", query["resourceVersionMatch"], known)


def _of_dry_run(values: list[str]) -> Iterator[Cause]:
    if any(value != "All" for value in values):
        yield _unknown("dryRun", values[0], ("All",))


def _forbidden(field: str, text: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {text}", field)


def _unknown(field: str, value: str, known: tuple[str, ...]) -> Cause:
    texts = ", ".join(f'"{one}"' for one in known)
    return Cause("FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {texts}', field)
