"""Members of sets that mean the same in two spellings: the server takes them for two."""

import pytest

import genreconcile as gr
from support.strategies import model, world

EARLY, SAME, LATE = "2024-01-02T03:04:05Z", "2024-01-02T04:04:05+01:00", "2024-01-02T03:04:06Z"


def operations(expected, live):
    times = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "format": "date-time"}}
    here = world({"type": "object", "properties": {"a": times}})
    objects = (model({"a": members}, None, None) for members in (expected, live))
    patch = gr.diff(*objects, schema=here.graph).patch.patch
    return [operation for operation in patch if operation["op"] != "test"]


@pytest.mark.parametrize("expected", [[EARLY, SAME], [SAME, EARLY]])
@pytest.mark.parametrize("live", [[EARLY, SAME], [SAME, EARLY]])
def test_two_spellings_are_two_members_in_any_order(expected, live):
    assert operations(expected, live) == []


def test_the_member_that_is_spelled_so_stays():
    """To write the other spelling in the place of what changed is what the server takes."""
    assert operations([EARLY, SAME], [LATE, SAME]) == [{"op": "replace", "path": "/spec/a/0", "value": EARLY}]
    assert operations([SAME, EARLY], [LATE, SAME]) == [{"op": "replace", "path": "/spec/a/0", "value": EARLY}]


def test_another_spelling_of_one_member_is_no_drift():
    assert operations([EARLY], [SAME]) == []
