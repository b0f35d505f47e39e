"""What all planning and writing of one Reconciler shares, handed down whole.

Invariant: data only; whoever closes the parts is the Reconciler.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from genreconcile.cache import Cache
from genreconcile.cache.related import Related, View
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.compare import Ours, Policy
from genreconcile.compare.comparer import Comparer
from genreconcile.memory.learned import Learned
from genreconcile.settings import Options


@dataclass(frozen=True, slots=True)
class Engine:
    """``related`` shows rules the other live objects that they consult."""

    cluster: Cluster
    catalog: Catalog
    cache: Cache
    learned: Learned
    related: Related
    options: Options

    def comparer(self, fields: str, view: View | None = None, ours: Ours | None = None) -> Comparer:
        """One for the next plan, or for one answer: ``fields`` is exact or subset, ``view`` what rules see of other
        objects, ``ours`` who compares: whoever writes under our name, unless given.
        """
        others = view if view is not None else View(self.related)
        return Comparer(self.catalog, Policy(fields, others, ours or Ours(self.options.field_manager)))

    def rehearsing(self) -> Engine:
        """The same, but for writes that the server only tries."""
        return replace(self, options=replace(self.options, dry_run=True))
