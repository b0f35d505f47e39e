"""JSON that is nested as deep as a server takes it ends no process, however small the stacks of its threads are."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genreconcile import depth, gojson
from support.nested import nested

TESTS = Path(__file__).parents[1]
CACHE = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from genreconcile.cache import Cache
from genreconcile.errors import CacheError, LoadError
from genreconcile.manifests import load_objects
from genreconcile.manifests.parse import documents
from genreconcile.objects import ObjectKey
from genreconcile.testing.fake.views import event
from support.api.scripted import WIDGETS, ScriptedCluster, obj
from support.nested import nested

ALL = "/apis/example.com/v1/widgets"
threading.stack_size(int(sys.argv[1]))

def read(depth, where):
    bad = obj("bad", 4)
    (bad if where == "spec" else bad["metadata"])[where] = ["DEEP"]
    text = json.dumps(bad).encode().replace(b'"DEEP"', nested(depth))
    watched = text.replace(b'"bad"', b'"watched"')
    server = ScriptedCluster()
    good = json.dumps(obj("good", 3)).encode()
    server.answer(ALL, b'{"metadata":{"resourceVersion":"5"},"items":[%b]}' % b",".join([text, good]))
    watch = server.live(ALL)
    with Cache(server, [WIDGETS]) as cache:
        cache.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
        watch.send(b'{"type":"ADDED","object":%b}\\n' % watched, event("MODIFIED", obj("good", 6)))
        assert cache.wait_for(WIDGETS, ObjectKey("example.com", "Widget", "shop", "good"), "6", 45)
        for name in ("bad", "watched"):
            assert cache.record("example.com/v1/Widget", name, namespace="shop") is not None, "it is not absent"
            try:
                found = cache.get("example.com/v1/Widget", name, namespace="shop")
                load_objects([found])
                print("read")
            except CacheError as error:
                assert error.code == "GR705"
                print("not readable")
            except LoadError as error:
                assert error.code == "GR205"
                print("not comparable")
        assert cache.get("example.com/v1/Widget", "good", namespace="shop")
    try:
        print(len(list(documents(text.decode(), "a"))))
    except LoadError as error:
        assert "nested too deeply" in str(error)

for depth in (900, 3000, 9900):
    for where in ("spec", "managedFields"):
        print(depth, where, flush=True)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(read, depth, where).result()
"""


def environment():
    """In which a process finds what this one finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, sys.path)])}


@pytest.mark.parametrize("kib", [0, 1024, 256])
def test_an_object_harms_no_process(kib):
    """Of 8 MiB, of a mebibyte, as Python has on Alpine, and of less."""
    command = [sys.executable, "-c", CACHE, str(kib * 1024)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def printed(program):
    command = [sys.executable, "-c", f"import threading; from genreconcile import depth; {program}"]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout.split()


def test_the_stack_is_that_of_the_thread():
    """From small to large: the C library may give a thread the larger stack of one that has ended."""
    sizes = (128, 256, 1024, 3000, 8192)
    asked = "[t := threading.Thread(target=lambda: print(depth._size())), t.start(), t.join()]"
    found = printed(f"[(threading.stack_size(kib * 1024), {asked}) for kib in {sizes}]")
    assert [abs(int(size) // 1024 - kib) <= 16 for size, kib in zip(found, sizes, strict=True)] == [True] * len(sizes)


def test_of_a_main_thread_it_is_the_limit_of_the_process():
    limit = 3 * (1 << 20)
    program = f"import resource; resource.setrlimit(resource.RLIMIT_STACK, ({limit}, -1)); print(depth._size())"
    assert printed(program) == [str(limit)]


@pytest.mark.parametrize(("platform", "expected"), [("freebsd14", 1 << 20), ("win32", 1 << 20), ("darwin", 8 << 20)])
def test_where_nobody_tells_it_is_what_python_gives_there(platform, expected):
    assert depth._size(platform) == expected


@pytest.fixture
def with_stack(monkeypatch):
    """Runs something in a thread that takes its stack for one of so many KiB."""

    def run(kib, work):
        monkeypatch.setattr(depth, "_size", lambda: kib * 1024)
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result()

    return run


@pytest.mark.parametrize("form", [bytes, bytearray, bytes.decode])
def test_what_fits_is_read_and_what_is_deeper_is_not(with_stack, form):
    fits, is_deeper = form(nested(390, b'"' + b"[" * 999 + b'"')), form(nested(420))

    def read():
        assert gojson.loads(fits)
        with pytest.raises(RecursionError, match="nested too deeply"):
            gojson.loads(is_deeper)
        depth.require_flat(is_deeper, is_decoded=False)

    with_stack(256, read)
    with_stack(8192, lambda: gojson.loads(is_deeper))


@pytest.mark.parametrize(
    "text", [b'["' + b'\\"[{' * 200_000, b'"[]' * 200_000, b"[]" * 200_000, b'{"a":"\\\\"}' * 9000]
)
def test_what_is_no_json_takes_linear_time(with_stack, text):
    with_stack(256, lambda: depth.require_flat(text))
