"""A kopf handler that awaits a Reconciler: kopf run --standalone -n default examples/kopf_aio.py

Each ConfigMap with the label ``copy: "yes"`` gets a copy, which is kept as it is. kopf cancels handlers when it ends:
no copy is left half written.
"""

from __future__ import annotations

import kopf

import genreconcile as gr
from genreconcile import aio


@kopf.on.startup()
async def start(memo: kopf.Memo, **_: object) -> None:
    """One Reconciler, and so one cache, for all handlers."""
    memo.reconciler = await aio.Reconciler(await aio.connect(), field_manager="genreconcile-copies").open()


@kopf.on.cleanup()
async def end(memo: kopf.Memo, **_: object) -> None:
    """Waits for what runs."""
    await memo.reconciler.close()


@kopf.timer("v1", "configmaps", labels={"copy": "yes"}, interval=5)
async def keep(body: kopf.Body, memo: kopf.Memo, **_: object) -> None:
    """Create the copy, or repair it."""
    metadata = {"name": f"{body['metadata']['name']}-copy", "namespace": body["metadata"]["namespace"]}
    copy: gr.Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(body["data"])}
    kopf.append_owner_reference(copy, owner=body)
    result: gr.Result = await memo.reconciler.reconcile([copy])
    if result.retry_after is not None:
        raise kopf.TemporaryError(result.summary(), delay=result.retry_after)
    result.raise_for_failures()
