"""What the server itself asks of owner references."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

UID = "00000000-0000-0000-0000-000000000000"
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": UID}

_WRONG = {
    "no uid": ({"uid": ""}, "metadata.ownerReferences[0].uid"),
    "no name": ({"name": ""}, "metadata.ownerReferences[0].name"),
    "no kind": ({"kind": ""}, "metadata.ownerReferences[0].kind"),
    "no version": ({"apiVersion": ""}, "metadata.ownerReferences[0].apiVersion"),
    "an Event": ({"kind": "Event"}, "metadata.ownerReferences[0]"),
}


@case(rows=_WRONG)
def a_reference_that_names_no_owner_is_invalid(place, changed, field):
    path, _ = place.config_map("a")
    change = {"op": "add", "path": "/metadata/ownerReferences", "value": [OWNER | changed]}
    error = place.refused(place.patch, path, change)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert field in {name for _, name in causes(error)}


@case
def there_is_one_controller_at_most(place):
    path, _ = place.config_map("a")
    owners = [OWNER | {"controller": True, "name": name, "uid": uid} for name, uid in (("x", "1"), ("y", "2"))]
    error = place.refused(place.patch, path, {"op": "add", "path": "/metadata/ownerReferences", "value": owners})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueInvalid", "metadata.ownerReferences")]


@case
def references_are_stored_as_they_are_given(place):
    _, owner = place.config_map("owner")
    own = {**OWNER, "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}
    _, made = place.config_map("a", ownerReferences=[own])
    assert made["metadata"]["ownerReferences"] == [own]
    assert "generation" not in made["metadata"]
