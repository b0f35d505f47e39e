"""What a Lease says, read from its object and written into it; pure.

Invariant: what is written keeps all fields that are not ours. Whatever stands in an object that others wrote, it is
read as something.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from genreconcile.data import Own, shipped
from genreconcile.objects import Object


class State(NamedTuple):
    """The fields that say who holds a Lease; ``holder`` "" is nobody. ``duration`` is in seconds, 0 where none is said.
    ``acquired`` and ``renewed`` are texts, as written by the clock of the holder.
    """

    holder: str = ""
    duration: int = 0
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0

    @classmethod
    def of(cls, lease: Object) -> State:
        """That of an object."""
        spec = lease.get("spec") or {}
        return cls(
            _text(spec.get("holderIdentity")),
            _whole(spec.get("leaseDurationSeconds")),
            _text(spec.get("acquireTime")),
            _text(spec.get("renewTime")),
            _whole(spec.get("leaseTransitions")),
        )

    def into(self, lease: Object) -> Object:
        """A copy of an object with this state."""
        spec = {
            **(lease.get("spec") or {}),
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.duration,
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }
        return {**lease, "spec": spec}


def new_lease(namespace: str, name: str) -> Object:
    """An object that nobody holds."""
    return shipped(Own).lease.object.to_object(metadata={"name": name, "namespace": namespace})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
