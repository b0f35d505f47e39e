"""What is kept of the objects that watches bring: of the version that is asked for, and within bounds."""

import json

import msgspec
import pytest

from genreconcile.cache.lately import Lately
from genreconcile.cache.transform import read
from genreconcile.objects import GVK

MAP = GVK("", "v1", "ConfigMap")


def note(lately, uid="u", version=1, size=0, managers=({"manager": "a"},)):
    metadata = {"name": "a", "uid": uid, "resourceVersion": str(version)}
    if managers is not None:
        metadata["managedFields"] = list(managers)
    raw = msgspec.Raw(json.dumps({"metadata": metadata, "data": {"k": "x" * size}}).encode())
    lately.note(MAP, read(raw, MAP), raw)


@pytest.fixture
def lately():
    made = Lately()
    made.follow([MAP])
    return made


def test_a_version_is_found_and_no_other(lately):
    note(lately, version=1)
    note(lately, version=2, managers=[{"manager": "b"}])
    assert [lately.find("u", version)["metadata"]["managedFields"] for version in (1, 2)] == [
        [{"manager": "a"}],
        [{"manager": "b"}],
    ]
    assert lately.find("u", 3) is None
    assert lately.find("other", 1) is None


def test_only_kinds_that_are_followed_are_kept():
    lately = Lately()
    note(lately)
    assert lately.find("u", 1) is None
    lately.follow([GVK("apps", "v1", "Deployment")])
    note(lately)
    assert lately.find("u", 1) is None
    lately.follow([MAP])
    note(lately)
    assert lately.find("u", 1)


def test_what_has_no_managers_or_no_uid_is_not_kept(lately):
    note(lately, managers=None)
    note(lately, uid="", version=2)
    assert lately.find("u", 1) is None
    assert lately.find("", 2) is None


def test_the_oldest_go_where_the_bytes_are_too_many():
    lately = Lately(size=10_000)
    lately.follow([MAP])
    for version in range(1, 8):
        note(lately, version=version, size=2000)
    assert [version for version in range(1, 8) if lately.find("u", version)] == [4, 5, 6, 7]
    note(lately, version=8, size=300 << 10)
    assert lately.find("u", 8) is None
    assert lately.find("u", 7)
