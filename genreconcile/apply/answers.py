"""The server's answers to patches: the values that it did not take, and who undoes a patch, are remembered.

Invariant: a patch that changes nothing on the server never becomes a loop.
"""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from genreconcile.apply.result import Author, Outcome
from genreconcile.compare import Comparison
from genreconcile.compare.operation import Difference, Path
from genreconcile.compare.patch import names_version, under_version
from genreconcile.engine import Engine
from genreconcile.gojson import loads
from genreconcile.kinds.discovery import Resource
from genreconcile.managers import Owners
from genreconcile.memory.learned import INSISTS, RULE_GAP, written
from genreconcile.memory.remembered import Key
from genreconcile.objects import Object, members_of_lists, resource_version_of, uid_of
from genreconcile.plan import Change, change_for
from genreconcile.plan.drift import learned_keys
from genreconcile.pointer import join_pointer

_PATH = 2  # The index of the path in a key of Learned.


class Answers:
    """Judges the server's answers to patches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cluster = engine.cluster
        self._learned = engine.learned
        self._field_manager = engine.options.field_manager

    def checked(self, change: Change, resource: Resource, answer: Object) -> Outcome:
        """The outcome of a patch, by its answer. Values that the server did not take are remembered, against a loop."""
        expected, live = change.expected or {}, change.live or {}
        comparison = self._comparison(change, resource)
        diff = None if comparison.is_clean(expected, answer) else comparison.compare(expected, answer)
        left = diff.differences if diff is not None else ()
        patched = {operation["path"] for operation in change.writes}
        stubborn = tuple(d for d in left if d.to_json()["path"] in patched)
        unchanged = resource_version_of(answer) == resource_version_of(live)
        keys = learned_keys(stubborn, expected, answer)
        verdicts = [self._verdict(d, key, unchanged=unchanged) for d, key in zip(stubborn, keys, strict=True)]
        for key, verdict in zip(keys, verdicts, strict=True):
            self._learned.note(key, verdict)
        if unchanged:
            what = INSISTS if verdicts and set(verdicts) == {INSISTS} else RULE_GAP
            return Outcome(change, "unchanged", reason=f"{what}: it took the patch and kept the object")
        for key in set(change.keys).difference(keys):
            self._learned.note_repair(key)
        left_clean = "" if diff else resource_version_of(answer)
        return Outcome(change, "configured", reason=INSISTS if stubborn else change.reason, left_clean=left_clean)

    def foreseen(self, change: Change, resource: Resource, answer: Object) -> Change:
        """The change without the values that the server, by its answer to a dry run, would not take."""
        expected, live, comparison = change.expected or {}, change.live or {}, self._comparison(change, resource)
        left = learned_keys(comparison.compare(expected, answer).differences, expected, answer)
        kept = set(left).intersection(change.keys)
        if not kept:
            return change
        for key in kept:
            self._learned.insist(key)
        now = change_for(expected, live, comparison, self._learned)
        patch = under_version(now.patch, live) if names_version(change.patch) else now.patch
        return replace(
            change,
            operation=now.operation,
            patch=patch,
            keys=now.keys,
            reason=now.reason,
            error=now.error,
            skipped=now.skipped,
            retry_after=now.retry_after,
            is_part=now.is_part,
        )

    def _comparison(self, change: Change, resource: Resource) -> Comparison:
        return self._engine.comparer(change.fields).of(resource, change.expected or {})

    def note_creation(self, change: Change, answer: bytes) -> None:
        """Remember which finalizers and owner references a creation has added: they are ours to remove again."""
        if members_of_lists(change.expected or {}):
            self._note_members(change, loads(answer))

    def note_patch(self, change: Change, answer: Object) -> None:
        """Remember the finalizers and owner references that a patch has added, and the values that it has written."""
        self._note_members(change, answer)
        for operation in change.writes:
            if "value" in operation:
                self._learned.note_added(uid_of(answer), written(operation["path"], operation["value"]))

    def _note_members(self, change: Change, live: Object) -> None:
        added = members_of_lists(change.expected or {}) - members_of_lists(change.live or {})
        for member in added & members_of_lists(live):
            self._learned.note_added(uid_of(live), member)

    def _verdict(self, difference: Difference, key: Key, *, unchanged: bool) -> str:
        """INSISTS where the server insists on a value, RULE_GAP where a rule is missing for it.

        A member of a list or an entry of metadata is never a default: it comes from a webhook or a controller.
        """
        written = difference.structural or difference.path[:1] == ("metadata",)
        insists = written or not unchanged or self._learned.count(key, INSISTS) > 0
        return INSISTS if insists else RULE_GAP

    def seen(self, change: Change) -> Object | None:
        """What a change was computed from, with its managedFields, as a watch has shown it last; None of an object that
        came by a list. To be asked before the patch is sent: what a watch shows then drives it out.
        """
        live = change.live or {}
        version = resource_version_of(live)
        return self._engine.cache.lately.find(uid_of(live), int(version)) if version.isdecimal() else None

    def authors(self, change: Change, seen: Object | None) -> tuple[Author, ...]:
        """Who owned the fields of a change in what was ``seen``: after the patch they are ours.

        Nothing is asked for, and nothing guessed: where nothing was seen nobody is known.
        """
        paths = list(dict.fromkeys(cast("Path", key[_PATH]) for key in change.keys))
        owners = Owners(seen) if seen is not None else None
        return tuple(Author(join_pointer(path), self._others(owners, path)) for path in paths)

    def _others(self, owners: Owners | None, path: Path) -> tuple[str, ...]:
        found = owners.of(path) if owners is not None else ()
        return tuple(sorted({owner.manager for owner in found} - {self._field_manager}))

    def name_opponents(self, change: Change, path: str) -> None:
        """Note which field managers undo repairs of the change's fields; before the patch they still own these."""
        fought = [key for key in change.keys if self._learned.is_next_round_a_fight(key)]
        if not fought:
            return
        owners = Owners(loads(self._cluster.request("GET", path)))
        for key in fought:
            others = [name for name in owners.managers_of(cast("Path", key[_PATH])) if name != self._field_manager]
            self._learned.name_opponent(key, " and ".join(others) or "another writer")
