"""``gr.status``: how a live object is, offline.

Invariant: pure; the same object at the same time under the same rules has the same status.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from genreconcile.arguments import refused, require_choice
from genreconcile.data.steps import Profile
from genreconcile.kinds.order import kind_name
from genreconcile.kinds.types import TypeGraph
from genreconcile.manifests.check import plain
from genreconcile.objects import GVK
from genreconcile.readiness.profile import judged
from genreconcile.readiness.rules import UserRule
from genreconcile.readiness.scene import Clock, Scene
from genreconcile.readiness.state import Status
from genreconcile.readiness.telling import has_told, schema_tells

NOT_FOUND = Status("NotFound", "NotFound", "there is no such object", "any-object")


@runtime_checkable
class HasReadiness(Protocol):
    """What holds users' rules about readiness: a Registry."""

    @property
    def readiness(self) -> tuple[UserRule, ...]:
        """The rules, in the order in which they are asked."""


def status(
    live: Mapping[str, Any] | None,
    *,
    now: dt.datetime | None = None,
    profile: Profile = "wait",
    rules: HasReadiness | None = None,
    schema: TypeGraph | None = None,
) -> Status:
    """How a live object is, as its status says at the time ``now`` (by default the present); no request is sent.

    None stands for an object that is not there. ``profile`` is ``wait``, or ``kstatus`` for exactly the states of
    ``sigs.k8s.io/cli-utils/pkg/kstatus``. ``rules`` is a Registry whose readiness rules come first. With a ``schema``
    it is known which controllers of custom kinds are about to tell how a new object is. LoadError where ``live`` is no
    JSON data, InputError for another argument that cannot be used.
    """
    require_choice("profile", profile, Profile)
    if now is not None and (not isinstance(now, dt.datetime) or now.tzinfo is None):
        raise refused("now", now, "is no time with a time zone; give datetime.now(UTC)")
    if rules is not None and not isinstance(rules, HasReadiness):
        raise refused("rules", rules, "is no Registry; give gr.Registry.builtin().extend(path)")
    if schema is not None and not isinstance(schema, TypeGraph):
        raise refused("schema", schema, "is no Schema; give gr.Schema.from_cluster(cluster)")
    if live is None:
        return NOT_FOUND
    obj = plain(live, "live")
    return status_of(
        obj,
        now if now is not None else dt.datetime.now(dt.UTC),
        profile=profile,
        rules=() if rules is None else rules.readiness,
        tells=lambda: schema is not None and schema_tells(schema, GVK.of(obj)),
    )


def status_of(
    live: Mapping[str, Any],
    now: dt.datetime,
    *,
    profile: Profile = "wait",
    rules: tuple[UserRule, ...] = (),
    tells: Callable[[], bool] = lambda: False,
) -> Status:
    """As ``status``, of what is JSON data for sure. ``tells`` is asked, where that matters, whether the object's kind
    is a custom one whose schema says that its controller tells how an object is.
    """
    gvk = GVK.of(live)
    scene = Scene(live, Clock(now), lambda: not has_told(live) and tells(), here=live)
    return judged(scene, kind_name(gvk.group, gvk.kind), profile, rules)
