"""What the cache keeps of the objects of one kind, and in which form.

Invariant: a kind that is added again loses nothing that it was added for before.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from genreconcile.cache.codec import Codec
from genreconcile.cache.feed import METADATA, WHOLE, Accept, Reader
from genreconcile.cache.interest import NO_INTEREST, Interest
from genreconcile.cache.pager import AHEAD
from genreconcile.cache.transform import read, read_metadata
from genreconcile.objects import GVK


class Retention(NamedTuple):
    """``keep_managers``: managedFields are kept; ``interest``: some of them. ``compress``: objects are kept packed.

    ``metadata_only``: only the metadata are asked for.
    """

    keep_managers: bool = False
    interest: Interest = NO_INTEREST
    compress: bool = False
    metadata_only: bool = False

    @property
    def accept(self) -> Accept:
        """The media types of the requests for the objects."""
        return METADATA if self.metadata_only else WHOLE

    @property
    def ahead(self) -> int:
        """The pages of a list on their way at a time: who packs objects wants memory saved, which each page takes."""
        return 1 if self.compress else AHEAD

    def reader(self, gvk: GVK) -> Reader:
        """A new reader of objects, with a codec of its own where they are packed."""
        codec = Codec() if self.compress else None
        if self.metadata_only:
            return functools.partial(read_metadata, gvk=gvk, codec=codec)
        return functools.partial(read, gvk=gvk, keep_managers=self.keep_managers, codec=codec, interest=self.interest)

    def covers(self, other: Retention) -> bool:
        """Whether objects kept so have all that ``other`` keeps of them, packed or not."""
        if other.metadata_only:
            return True
        has_managers = self.keep_managers or not other.keep_managers
        return not self.metadata_only and has_managers and self.interest.covers(other.interest)

    def widened(self, other: Retention) -> Retention:
        """All that is kept under either of the two, packed as here."""
        return self._replace(
            keep_managers=self.keep_managers or other.keep_managers,
            interest=self.interest | other.interest,
            metadata_only=self.metadata_only and other.metadata_only,
        )
