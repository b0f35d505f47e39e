"""The Reconciler and the Cache for asyncio: a thin face over threads (docs/asyncio.md).

::

    from genreconcile import aio

    async with aio.Reconciler(await aio.connect()) as reconciler:
        result = await reconciler.reconcile(expected)

Invariant: nothing here blocks the event loop, and nothing of a call goes on after whoever awaited it goes on.
"""

from genreconcile.aio.cache import Cache
from genreconcile.aio.events import Events, EventsLost
from genreconcile.aio.reconciler import Reconciler
from genreconcile.aio.threads import aside
from genreconcile.cluster import connect as _connect

__all__ = ["Cache", "Events", "EventsLost", "Reconciler", "connect"]

connect = aside(_connect)
