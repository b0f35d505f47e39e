"""Which shard a parent is in."""

import subprocess
import sys
from collections import Counter

import pytest

from genreconcile.election.partition import shard_of
from genreconcile.objects import ObjectKey

KEYS = [ObjectKey("example.com", "App", f"team-{n % 7}", f"app-{n}") for n in range(3000)]
KNOWN = {
    ObjectKey("example.com", "App", "shop", "web"): [0, 1, 2, 3, 4],
    ObjectKey("", "Namespace", "", "shop"): [0, 0, 2, 2, 0],
}
"""The first 16 digits of ``printf 'example.com\\0App\\0shop\\0web' | sha256sum``, modulo the number of shards."""


@pytest.mark.parametrize("key", KNOWN)
def test_a_shard_is_the_same_in_each_process_and_version(key):
    assert [shard_of(key, number) for number in range(1, 6)] == KNOWN[key], "old and new replicas must agree"


def test_a_shard_does_not_depend_on_the_seed_of_hashes():
    code = (
        "from genreconcile.election.partition import shard_of; from genreconcile.objects import ObjectKey; "
        "print([shard_of(ObjectKey('example.com', 'App', 'shop', f'app-{n}'), 3) for n in range(50)])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}, check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


@pytest.mark.parametrize("shards", [2, 3, 5, 16])
def test_shards_are_evenly_spread(shards):
    counts = Counter(shard_of(key, shards) for key in KEYS)
    assert sorted(counts) == list(range(shards))
    mean = len(KEYS) / shards
    spread = mean**0.5
    assert all(abs(count - mean) < 4 * spread for count in counts.values()), counts


@pytest.mark.parametrize("part", range(4))
def test_each_part_of_a_key_counts(part):
    variants = {KEYS[0]._replace(**{ObjectKey._fields[part]: f"x{n}"}) for n in range(50)}
    assert len({shard_of(key, 4) for key in variants}) == 4


def test_parts_that_run_together_are_told_apart():
    assert len({shard_of(ObjectKey("g", "K", "ab"[:n], "ab"[n:]), 1 << 60) for n in range(3)}) == 3
