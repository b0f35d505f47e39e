"""The least rights of controllers, found by a dry run: what cannot be found is told."""

import genreconcile as gr
from genreconcile.controllers.rights import rights_of
from unit.controllers import things
from unit.controllers.things import config, controller, thing

PAUSED = {"genreconcile.dev/reconcile": "disabled"}


def found(*objects):
    sources = [controller(lambda *_: [config("a")])]
    with things.cluster(*objects) as fake:
        rights, unknown = rights_of(sources, fake)
    return "create" in {right.verb for right in rights if right.plural == "configmaps"}, [one.of for one in unknown]


def test_the_rights_to_children_come_from_the_parents_that_are_there():
    assert found(thing()) == (True, [])


def test_of_a_controller_without_a_parent_it_is_told_that_they_are_missing():
    assert found() == (False, ["things"])


def test_a_paused_parent_tells_nothing():
    paused = thing()
    paused["metadata"]["annotations"] = PAUSED
    assert found(paused) == (False, ["things"])


def test_a_set_needs_no_parent():
    with things.cluster() as fake:
        _, unknown = rights_of([gr.callable(lambda: [config("a", "shop")], name="set")], fake)
    assert unknown == []
