"""What one list and watch covers.

Invariant: scopes are values; those of one kind may overlap, and then hold the same objects.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple


class Scope(NamedTuple):
    """A namespace, "" for all objects of the kind; with ``name`` one object alone, "" for a kind without namespaces."""

    namespace: str = ""
    name: str = ""

    def holds(self, namespace: str, name: str = "") -> bool:
        """Whether an object is in the scope; without ``name`` whether all objects of a namespace are."""
        return self.namespace in {"", namespace} and self.name in {"", name}

    def touches(self, namespace: str, name: str = "") -> bool:
        """Whether an object is in the scope; without ``name`` whether one of the namespace's, "" for all, may be."""
        return (not namespace or self.namespace in {"", namespace}) and (not name or self.name in {"", name})

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of a list or watch of this scope, beside the namespace, which is in its path."""
        return {"fieldSelector": f"metadata.name={_escaped(self.name)}"} if self.name else {}

    def __str__(self) -> str:
        return "/".join(filter(None, self))


EVERYTHING: Final = Scope()


@functools.lru_cache(1024)  # Each read of an object asks.
def holding(namespace: str, name: str = "") -> Sequence[Scope]:
    """All scopes that hold an object, or without ``name`` a namespace, the widest first."""
    return tuple(dict.fromkeys((EVERYTHING, Scope(namespace), Scope(namespace, name))))


def _escaped(value: str) -> str:
    r"""A value as k8s.io/apimachinery/pkg/fields reads it: ``\``, ``,`` and ``=`` stand behind a ``\``."""
    return value.translate({ord(sign): rf"\{sign}" for sign in "\\,="})
