"""The Reconciler for asyncio on a real API server: alone, and in a handler of kopf."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile import aio
from support.api.passing import Counted
from support.eventually import LONG, eventually

EXAMPLE = Path(__file__).parents[2] / "examples/kopf_aio.py"
MAP = "v1/ConfigMap"


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


def config(namespace, name, **data):
    metadata = {"name": name, "namespace": namespace, "labels": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"k": "v"}}


def path(namespace, name=""):
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def edit(cluster, namespace, name, value):
    body = json.dumps([{"op": "replace", "path": "/data/k", "value": value}]).encode()
    answer = cluster.request("PATCH", path(namespace, name), body=body, content_type="application/json-patch+json")
    return json.loads(answer)


def data(cluster, namespace):
    found = json.loads(cluster.request("GET", path(namespace), query={"labelSelector": "app=web"}))["items"]
    return {obj["metadata"]["name"]: obj["data"] for obj in found}


def test_what_another_client_changes_is_seen_and_repaired(cluster, control_plane, namespace):
    async def main():
        connected = await aio.connect(kubeconfig=str(control_plane.kubeconfig))
        async with aio.Reconciler(connected, namespaces=[namespace]) as reconciler:
            expected = [config(namespace, "a"), config(namespace, "b")]
            assert (await reconciler.reconcile(expected)).summary() == "2 created"
            assert all(waited.status.is_current for waited in await reconciler.wait(expected))
            events = reconciler.cache.events()
            theirs = await asyncio.to_thread(edit, cluster, namespace, "a", "theirs")
            async with asyncio.timeout(LONG):
                async for event in events:
                    if event.key.name == "a" and event.record.decode()["data"] == {"k": "theirs"}:
                        break
            result = await reconciler.reconcile(expected, not_older_than=theirs)
            assert result.summary() == "1 configured, 1 unchanged"
            assert (await reconciler.plan(expected)).changes == ()

    asyncio.run(main())
    assert data(cluster, namespace) == {"a": {"k": "v"}, "b": {"k": "v"}}


def test_thirty_reconciles_at_once_in_one_loop(cluster, namespace):
    async def main():
        async with aio.Reconciler(cluster, namespaces=[namespace]) as reconciler:
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.01)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            sets = [[config(namespace, f"m{number}-{part}") for part in "abc"] for number in range(30)]
            results = await asyncio.gather(*map(reconciler.reconcile, sets))
            assert [result.summary() for result in results] == ["3 created"] * 30
            results = await asyncio.gather(*map(reconciler.reconcile, sets))
            assert [result.summary() for result in results] == ["3 unchanged"] * 30
            ticking.cancel()
            assert ticks

    asyncio.run(main())
    assert len(data(cluster, namespace)) == 90


class Cancelling(Counted):
    """Cancels a task before the ``at``-th write goes out."""

    asks_permit = True

    def __init__(self, cluster, at):
        super().__init__(cluster)
        self.at = at
        self.task = self.loop = None
        self.known = threading.Event()

    def request(self, method, path, **settings):
        if method != "GET" and len(self.writes) + 1 == self.at:
            self.loop.call_soon_threadsafe(self.cancel)
            assert self.known.wait(LONG)
        return super().request(method, path, **settings)

    def cancel(self):
        self.task.cancel()
        self.loop.call_later(0.01, self.known.set)


@pytest.mark.parametrize("at", [1, 2, 7, 12, 13, 20])
def test_cancelled_in_the_middle(cluster, namespace, at):
    """The real cluster asks just before the bytes: the write at which the task was cancelled is not sent."""
    for name in (*(f"m{number}" for number in range(7)), *(f"z{number}" for number in range(6))):
        cluster.request("POST", path(namespace), body=json.dumps(config(namespace, name, k="old")).encode())
    expected = [config(namespace, f"m{number}") for number in range(14)]
    delete = {"delete_from_namespace": namespace, "delete_selector": {"app": "web"}}

    async def main():
        counted = Cancelling(cluster, at)
        async with aio.Reconciler(counted, namespaces=[namespace], concurrency=1) as reconciler:
            counted.loop = asyncio.get_running_loop()
            counted.task = asyncio.create_task(reconciler.reconcile(expected, **delete))
            with pytest.raises(asyncio.CancelledError):
                await counted.task
            left = await asyncio.to_thread(data, cluster, namespace)
            await asyncio.sleep(0.3)
            assert await asyncio.to_thread(data, cluster, namespace) == left
            assert len(counted.writes) == at
            counts = (await reconciler.reconcile(expected, **delete)).counts
            assert counts["created"] + counts["configured"] + counts["deleted"] == 20 - (at - 1)
            assert (await reconciler.reconcile(expected, **delete)).summary() == "14 unchanged"

    asyncio.run(main())
    assert data(cluster, namespace) == {f"m{number}": {"k": "v"} for number in range(14)}


def test_a_time_limit_cuts_a_wait(cluster, namespace):
    async def main():
        async with aio.Reconciler(cluster, namespaces=[namespace]) as reconciler:
            await reconciler.reconcile([config(namespace, "a")])
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reconciler.wait([config(namespace, "none")], timeout=600)

    asyncio.run(main())


def test_a_handler_of_kopf(cluster, control_plane, namespace):
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", namespace, EXAMPLE]
    env = {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)}
    parent = config(namespace, "one")
    parent["metadata"]["labels"]["copy"] = "yes"
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:
        try:
            cluster.request("POST", path(namespace), body=json.dumps(parent).encode())

            def copied():
                return json.loads(cluster.request("GET", path(namespace, "one-copy")))["data"] == {"k": "v"}

            eventually(copied, despite=(gr.NotFound,))
            edit(cluster, namespace, "one-copy", "theirs")
            assert not copied()
            eventually(copied)
        finally:
            program.terminate()
            _, said = program.communicate(timeout=LONG)
    assert program.returncode in {0, -15}, said
    assert "Traceback" not in said, said
