"""A 404 for a deletion: the object is gone, or its version is not served any more, which says nothing of the object."""

import pytest

from genreconcile.apply.remover import Remover
from genreconcile.cache import Cache
from genreconcile.engine import Engine
from genreconcile.errors import NotFound
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change
from genreconcile.settings import Options
from support.api.scripted import WIDGETS, ScriptedCluster, obj, status

KEY = ObjectKey("example.com", "Widget", "shop", "a")
PATH = "/apis/example.com/v1/namespaces/shop/widgets/a"


@pytest.fixture
def scripted():
    return ScriptedCluster()


def remove(scripted):
    remover = Remover(Engine(scripted, None, Cache(scripted), None, None, Options()))
    return remover.remove(Change("delete", WIDGETS.gvk, KEY, live=obj("a", 3)), WIDGETS)


def test_r3_8_an_object_that_is_gone(scripted):
    scripted.answer(PATH, status(404, details={"name": "a", "kind": "widgets", "group": "example.com"}))
    assert remove(scripted) == "it was gone already"


@pytest.mark.parametrize("details", [{}, {"name": "shop", "kind": "namespaces"}], ids=["no such path", "another"])
def test_r3_8_a_version_that_is_not_served_any_more(scripted, details):
    scripted.answer(PATH, status(404, details=details))
    with pytest.raises(NotFound):
        remove(scripted)
