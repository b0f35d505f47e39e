"""A list of much, again, takes no second copy (29)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults.ground.scripted import ScriptedServer
from faults.oracles import config_map, path_of

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
