"""What the answer to a dry run takes out of a patch, and what it leaves: the version under which it is sent."""

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from genreconcile.apply.answers import Answers
from genreconcile.compare.comparer import Comparison
from genreconcile.compare.patch import names_version, under_version
from genreconcile.kinds.discovery import Resource
from genreconcile.memory.learned import Learned
from genreconcile.normalize import Registry
from genreconcile.objects import GVK
from genreconcile.plan import change_for
from genreconcile.settings import Options
from support.objects import config_map

WIDGETS = Resource(GVK("example.com", "v1", "Widget"), "widgets", namespaced=True)


def widget(**data):
    obj = config_map("a", "shop", metadata={"uid": "u", "resourceVersion": "7"}, **data)
    return {**obj, "apiVersion": "example.com/v1", "kind": "Widget"}


@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_foreseen_patch_is_sent_under_the_version_of_the_first_one(is_guarded):
    comparison = Comparison(Registry.builtin().compile(WIDGETS.gvk, None, widget(), has_status=False), typed=False)
    comparer = SimpleNamespace(of=lambda *_: comparison)
    engine = SimpleNamespace(
        comparer=lambda *_: comparer, cluster=None, learned=Learned(), options=Options(field_manager="us")
    )
    expected, live = widget(a="1", b="1"), widget(a="0", b="0")
    change = change_for(expected, live, comparison, engine.learned)
    patch = under_version(change.patch, live) if is_guarded else change.patch
    answer = widget(a="0", b="1")
    foreseen = Answers(engine).foreseen(replace(change, patch=patch), WIDGETS, answer)
    assert [op["path"] for op in foreseen.writes] == ["/data/b"]
    assert names_version(foreseen.patch) is is_guarded
