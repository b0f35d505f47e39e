"""The refusal by a quota that is exceeded, and whether there is room once an object is gone.

Invariant: pure; in doubt there is no room.

Source: k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from genreconcile.apply.exclusive import sums
from genreconcile.cluster.refusal import PLUGIN, REFUSED_BY
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Resource
from genreconcile.normalize.scalars import Canonical, quantity
from genreconcile.objects import Object

_EXCEEDED: Final = re.compile(
    r"exceeded quota: (?P<quota>[^,\s]+), requested: (?P<requested>\S+), used: (?P<used>\S+), "
    r"limited: (?P<limited>[^;\s]+)"
)

Amounts = Mapping[str, Decimal]


class Excess(NamedTuple):
    """A quota that is exceeded: amounts by resource, such as ``pods`` or ``requests.cpu``, of exceeded ones only."""

    quota: str
    requested: Amounts
    used: Amounts
    limited: Amounts

    @staticmethod
    def of(error: ClusterError) -> Excess | None:
        """The excess that an error reports, None where the error has another cause."""
        found = _EXCEEDED.search(str(error)) if error.details.get(REFUSED_BY) == PLUGIN else None
        if found is None:
            return None
        amounts = [_amounts(found[part]) for part in ("requested", "used", "limited")]
        return Excess(found["quota"], *amounts)

    def has_room_without(self, resource: Resource, live: Object, alone: Excess | None) -> bool:
        """Whether the requested amounts fit once the live object is gone.

        ``alone`` is the excess of a second object like the live one: what it requests is what the live one takes.
        """
        return all(
            name in self.used
            and name in self.limited
            and self.used[name] - self._freed(name, resource, live, alone) + amount <= self.limited[name]
            for name, amount in self.requested.items()
        )

    def _freed(self, name: str, resource: Resource, live: Object, alone: Excess | None) -> Decimal:
        if (
            name not in _counts(resource)
            and alone is not None
            and alone.quota == self.quota
            and name in alone.requested
        ):
            return alone.requested[name]
        return freed(name, resource, live)


def freed(name: str, resource: Resource, live: Object) -> Decimal:
    """The least amount of the quota's resource ``name`` that is free once a live object is gone."""
    if name in _counts(resource):
        return Decimal(1)
    found = [_amount(value) for value in sums(resource.gvk, live, name)]
    return sum((amount for amount in found if amount is not None), Decimal(0))


def _counts(resource: Resource) -> set[str]:
    """The names under which a quota counts objects of a kind."""
    group = resource.gvk.group
    return {f"count/{resource.plural}.{group}" if group else f"count/{resource.plural}", resource.plural}


def _amounts(text: str) -> dict[str, Decimal]:
    pairs = (part.rpartition("=") for part in text.split(","))
    found = ((name, _amount(value)) for name, _, value in pairs)
    return {name: amount for name, amount in found if amount is not None}


def _amount(value: object) -> Decimal | None:
    found = quantity(value)
    return Decimal(found.value) if isinstance(found, Canonical) and found.form == "quantity" else None
