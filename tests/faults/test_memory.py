"""A list of much, again, takes no second copy (29); what is remembered of objects goes with them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import genreconcile as gr
from faults.oracles import config_map, path_of
from support.api.server import ScriptedServer

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("memory_worker.py")
PAGES = 24 * 1024 * 1024
"""What two pages on their way and the interpreter's own arenas may take beside the objects, in bytes."""


@pytest.mark.quick("scripted")
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads the peak of memory from Linux")
@pytest.mark.parametrize("objects", [4_000, 30_000])
def test_s29_a_second_list_takes_no_second_copy(ground, tmp_path, objects):
    """All objects come anew; at the peak there are they, and two pages of them."""
    count = objects if isinstance(ground, ScriptedServer) else objects // 10
    path = path_of(ground.namespace)
    for number in range(count):
        ground.admin.create(path, config_map(f"n{number}", ground.namespace, k=f"{number:08}" * 500))
    command = [sys.executable, WORKER, ground.kubeconfig(tmp_path), ground.namespace]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    store = found["after"] - found["before"]
    extra = found["peak"] - found["after"]
    print(f"{count} objects: {store >> 20} MiB, and {extra >> 20} MiB more at the peak of the second list")
    assert found["objects"] >= count
    assert extra < max(store / 4, PAGES)
    assert found["peak"] - found["before"] < 2 * max(store, PAGES)


def test_what_is_remembered_of_objects_goes_with_them():
    """Others write another value each time, and delete; what is remembered follows the number of objects."""
    expected = [config_map(f"n{number}", "shop", k="ours") for number in range(10)]
    paths = [path_of("shop", obj["metadata"]["name"]) for obj in expected]
    sizes = []
    with ScriptedServer() as server, gr.Reconciler(server.connect()) as reconciler:
        server.add_namespace("shop")
        for round_ in range(6):
            assert _done(reconciler, expected, "created") == 10
            for number, path in enumerate(paths):
                server.admin.patch(path, {"op": "replace", "path": "/data/k", "value": f"theirs {round_} {number}"})
            assert _done(reconciler, expected, "configured") == 10
            sizes.append(len(reconciler._engine.learned))
            for path in paths:
                server.admin.delete(path)
    assert sizes == [30] * 6, "of each difference its values, its place, and the value that we wrote (R1.10)"


def _done(reconciler, expected, status):
    """Reconcile until the cache has seen what others did; how many objects had this status."""
    done, deadline = 0, time.monotonic() + 20
    while done < len(expected) and time.monotonic() < deadline:
        done += reconciler.reconcile(expected).counts[status]
    return done
