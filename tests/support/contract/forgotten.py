"""A list whose history is forgotten, or will be.

Invariant: nothing is written to its namespace afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Forgotten:
    """A list of three Secrets as it once was: its version, and the token of its second page."""

    path: str
    version: str
    token: str

    @classmethod
    def of(cls, place):
        """Make the list in the namespace of the place; its history is still known."""
        path = place.at("v1/secrets")
        for name in "abc":
            place.post(path, {"metadata": {"name": name}})
        page = place.get(path, limit="1")["metadata"]
        place.merge(f"{path}/c", {"metadata": {"labels": {"new": "x"}}})
        return cls(path, page["resourceVersion"], page["continue"])
