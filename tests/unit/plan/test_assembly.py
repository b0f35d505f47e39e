"""What a plan says of deletions while an object fails, and of objects that no selector finds."""

import pytest

from genreconcile import selector
from genreconcile.errors import InputError
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, OwnerRef, Prune
from genreconcile.plan.assembly import assemble, unmatched, unseen
from genreconcile.plan.deletions import Deletions

WIDGET = GVK("example.dev", "v1", "Widget")
WANTED = Prune("shop", selector.parse({"app": "x"}))


def change(operation, name, **more):
    return Change(operation, WIDGET, ObjectKey("example.dev", "Widget", "shop", name), **more)


GOING = Deletions(
    [change("delete", "old")], [change("none", "pod", reason="controlled")], [Notice("a warning", "GR503")], [], 3
)


def test_a_plan_has_what_goes_and_what_is_spared():
    plan = assemble([change("create", "a")], GOING, WANTED, [Notice("another", "GR212")])
    assert [(found.operation, found.key.name) for found in plan] == [("create", "a"), ("delete", "old")]
    assert [found.key.name for found in plan.spared] == ["pod"]
    assert (plan.warnings, plan.matches, plan.refusals) == (("a warning", "another"), 3, ())
    assert [warning.code for warning in plan.warnings] == ["GR503", "GR212"]
    assert plan.counts["unchanged"] == 0, "what is spared is no business of this set"


def test_refusals_have_their_codes():
    plan = assemble([], GOING, Prune("shop", WANTED.selector, max_deletions=0), [])
    assert plan.refusal_codes == ("GR802", "GR801")
    assert [told.rpartition(" ")[2] for told in plan.told_refusals] == ["[GR802]", "[GR801]"]


def test_nothing_goes_while_an_expected_object_fails():
    failed = change("none", "bad", error=InputError("bad"))
    plan = assemble([failed], GOING, Prune("shop", WANTED.selector, max_deletions=0), [])
    assert plan.counts["delete"] == 0
    (kept,) = [found for found in plan if found.key.name == "old"]
    assert kept.skipped
    assert kept.reason.startswith("not deleted: 1 expected object(s) failed")
    assert plan.refusals == (), "one reason is enough"


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (WANTED, 1),
        (Prune("shop", WANTED.selector, owner=OwnerRef("configmaps/x")), 0),
        (Prune("b", WANTED.selector), 0),
    ],
)
def test_what_the_selector_does_not_reach_is_named(wanted, count):
    objects = [(change("none", "a").key, {"app": "y"}), (change("none", "b").key, {"app": "x"})]
    warnings = unmatched(objects, wanted)
    assert len(warnings) == count
    assert [found.code for found in warnings] == ["GR815"] * count
    assert all("Widget.example.dev shop/a: does not match the delete selector app=x" in found for found in warnings)


NOWHERE = Deletions([], [], [], [], 0)


@pytest.mark.parametrize(
    ("going", "wanted", "count"),
    [
        (NOWHERE, WANTED, 1),
        (NOWHERE._replace(looked_at=(WIDGET,)), WANTED, 0),
        (NOWHERE._replace(unknown=[("example.dev", "Widget")]), WANTED, 0),
        (NOWHERE, Prune("shop", WANTED.selector, is_whole=False), 0),
        (NOWHERE, Prune(owner=OwnerRef("configmaps/x")), 0),
        (NOWHERE, Prune("", WANTED.selector), 0),
    ],
)
def test_deletion_that_knows_no_kind_to_look_at_says_so(going, wanted, count):
    warnings = unseen(going, wanted)
    assert [found.code for found in warnings] == ["GR818"] * count
    assert all(found.startswith("namespace shop: nothing deleted: no kind") for found in warnings)
