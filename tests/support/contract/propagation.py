"""What becomes of dependents: the garbage collector's work, which comes later than the deletion.

Invariant: that something stays is only asserted after the collector has done what it was asked for at the same time.
"""

from __future__ import annotations

from support.contract.cases import CONTROLLERS, case
from support.contract.kinds import custom

MAPS = "v1/configmaps"
SECRETS = "v1/secrets"
ROLES = "rbac.authorization.k8s.io/v1/clusterroles"
HOLD = "example.dev/hold"


def reference(owner, *, blocks=False, **changed):
    """An owner reference; ``changed`` members are not as the owner has them."""
    names = ("apiVersion", "kind")
    found = {name: owner[name] for name in names} | {name: owner["metadata"][name] for name in ("name", "uid")}
    return found | {"blockOwnerDeletion": blocks} | changed


def child(place, name, *references, namespace=None, **metadata):
    """Create a Secret with owners; returns its path."""
    meta = {"name": name, "ownerReferences": list(references), **metadata}
    place.post(place.at(SECRETS, namespace=namespace), {"metadata": meta})
    return place.at(SECRETS, name, namespace=namespace)


def _meta(place, path):
    return place.get(path)["metadata"]


def _collected_orphan(place):
    """Return when the collector has found a child whose owner never was."""
    absent = {"apiVersion": "v1", "kind": "ConfigMap", "name": "never", "uid": "00000000-0000-0000-0000-000000000000"}
    place.gone(child(place, "orphan", absent))


@case(needs=CONTROLLERS)
def the_dependents_of_a_deleted_owner_are_deleted(place):
    path, owner = place.config_map("owner")
    children = [child(place, name, reference(owner)) for name in "ab"]
    other = child(place, "other")
    place.delete(path)
    for each in children:
        place.gone(each)
    assert place.is_there(other)


@case(needs=CONTROLLERS)
def the_dependents_of_dependents_are_deleted(place):
    path, owner = place.config_map("owner")
    middle = place.config_map("middle", ownerReferences=[reference(owner)])[1]
    last = child(place, "last", reference(middle))
    place.delete(path, {"propagationPolicy": "Background"})
    place.gone(last)
    place.gone(place.at(MAPS, "middle"))


@case(needs=CONTROLLERS)
def a_deletion_in_the_background_does_not_wait_for_dependents(place):
    path, owner = place.config_map("owner")
    held = child(place, "held", reference(owner, blocks=True), finalizers=[HOLD])
    place.delete(path, {"propagationPolicy": "Background"})
    assert not place.is_there(path)
    place.settle(lambda: "deletionTimestamp" in _meta(place, held))
    place.merge(held, {"metadata": {"finalizers": None}})
    assert not place.is_there(held)


@case(needs=CONTROLLERS)
def a_deletion_in_the_foreground_waits_for_dependents_that_block(place):
    path, owner = place.config_map("owner")
    held = child(place, "held", reference(owner, blocks=True), finalizers=[HOLD])
    free = child(place, "free", reference(owner, blocks=True))
    place.delete(path, {"propagationPolicy": "Foreground"})
    place.gone(free)
    place.settle(lambda: "deletionTimestamp" in _meta(place, held))
    meta = _meta(place, path)
    assert (meta["finalizers"], "deletionTimestamp" in meta) == (["foregroundDeletion"], True)
    place.merge(held, {"metadata": {"finalizers": None}})
    place.gone(path)


@case(needs=CONTROLLERS)
def a_deletion_in_the_foreground_does_not_wait_for_dependents_that_do_not_block(place):
    path, owner = place.config_map("owner")
    held = child(place, "held", reference(owner), finalizers=[HOLD])
    place.delete(path, {"propagationPolicy": "Foreground"})
    place.gone(path)
    place.settle(lambda: "deletionTimestamp" in _meta(place, held))


@case(needs=CONTROLLERS)
def a_deletion_in_the_foreground_without_dependents_ends(place):
    path, _ = place.config_map("owner")
    place.delete(path, {"propagationPolicy": "Foreground"})
    place.gone(path)


@case(needs=CONTROLLERS)
def orphans_lose_the_reference_and_stay(place):
    path, owner = place.config_map("owner")
    kept, other = place.config_map("other")[1], reference(owner)
    lonely = child(place, "lonely", other)
    shared = child(place, "shared", other, reference(kept))
    place.delete(path, {"propagationPolicy": "Orphan"})
    place.gone(path)
    assert "ownerReferences" not in _meta(place, lonely)
    assert [each["uid"] for each in _meta(place, shared)["ownerReferences"]] == [kept["metadata"]["uid"]]
    _collected_orphan(place)
    assert place.is_there(lonely)


@case(needs=CONTROLLERS)
def finalizers_of_others_outlast_the_propagation(place):
    path, owner = place.config_map("owner", finalizers=[HOLD])
    dependent = child(place, "dependent", reference(owner, blocks=True))
    place.delete(path, {"propagationPolicy": "Foreground"})
    place.gone(dependent)
    place.settle(lambda: _meta(place, path)["finalizers"] == [HOLD])
    place.merge(path, {"metadata": {"finalizers": None}})
    assert not place.is_there(path)


@case(needs=CONTROLLERS)
def a_dependent_of_two_owners_lives_as_long_as_one_of_them(place):
    (first, one), (second, two) = place.config_map("one"), place.config_map("two")
    dependent = child(place, "dependent", reference(one), reference(two))
    place.delete(first)
    place.settle(lambda: len(_meta(place, dependent)["ownerReferences"]) == 1)
    assert _meta(place, dependent)["ownerReferences"][0]["name"] == "two"
    place.delete(second)
    place.gone(dependent)


@case(needs=CONTROLLERS)
def a_dependent_of_an_owner_that_never_was_is_deleted(place):
    _, owner = place.config_map("owner")
    dependent = child(place, "dependent", reference(owner))
    place.gone(child(place, "absent", reference(owner, name="never", uid="00000000-0000-0000-0000-000000000000")))
    assert place.is_there(dependent)


@case(needs=CONTROLLERS)
def a_dependent_of_an_owner_that_was_made_anew_is_deleted(place):
    path, owner = place.config_map("owner")
    place.delete(path)
    place.config_map("owner")
    place.gone(child(place, "dependent", reference(owner)))
    assert place.is_there(path)


@case(needs=CONTROLLERS)
def an_owner_in_another_namespace_is_none(place):
    """Its dependents are deleted as if it had never been."""
    _, owner = place.config_map("owner")
    other = place.create_namespace()
    place.gone(child(place, "dependent", reference(owner), namespace=other))
    assert place.is_there(place.at(MAPS, "owner"))


@case(needs=CONTROLLERS)
def an_owner_without_a_namespace_owns_in_all(place):
    path = place.at(ROLES, place.name("role"), namespace="")
    owner = place.post(place.at(ROLES, namespace=""), {"metadata": {"name": path.rpartition("/")[2]}})
    children = [child(place, "a", reference(owner), namespace=each) for each in (None, place.create_namespace())]
    _collected_orphan(place)
    assert all(map(place.is_there, children))
    place.delete(path)
    for each in children:
        place.gone(each)


@case(needs=CONTROLLERS)
def an_object_without_a_namespace_is_not_collected_for_an_owner_in_one(place):
    _, owner = place.config_map("owner")
    name = place.name("role")
    meta = {"name": name, "ownerReferences": [reference(owner)]}
    place.post(place.at(ROLES, namespace=""), {"metadata": meta})
    place.delete(place.at(MAPS, "owner"))
    _collected_orphan(place)
    assert place.is_there(place.at(ROLES, name, namespace=""))


@case(needs=CONTROLLERS)
def a_dependent_is_deleted_with_an_event(place):
    path, owner = place.config_map("owner")
    dependent = child(place, "dependent", reference(owner))
    version = _meta(place, dependent)["resourceVersion"]
    place.delete(path)
    place.gone(dependent)
    (event,) = place.watch(place.at(SECRETS), 1, resourceVersion=version)
    assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "dependent")


@case(needs=CONTROLLERS)
def a_reference_that_is_taken_off_in_time_saves_the_dependent(place):
    path, owner = place.config_map("owner")
    saved, lost = child(place, "saved", reference(owner)), child(place, "lost", reference(owner))
    place.patch(saved, {"op": "remove", "path": "/metadata/ownerReferences"})
    place.delete(path)
    place.gone(lost)
    _collected_orphan(place)
    assert place.is_there(saved)


@case(needs=CONTROLLERS, rows={"in a namespace": "Widget", "without one": "Zone"})
def a_custom_object_owns_built_in_ones(place, kind):
    resource = place.kind(kind)
    scope = "" if kind == "Zone" else place.namespace
    name = place.name("owner")
    owner = place.post(place.at(resource, namespace=scope), custom(resource, kind, name, spec={"size": 1}))
    dependent = child(place, "dependent", reference(owner))
    place.delete(place.at(resource, name, namespace=scope))
    place.gone(dependent)
