"""I6 over generated worlds: what is deleted was asked for in every respect, and what stays says why or is not ours."""

from hypothesis import given
from hypothesis import strategies as st

from genreconcile import selector
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import Membership
from genreconcile.plan import OwnerRef, Prune, deletions_among

PART_OF, MEMBER = "applyset.kubernetes.io/part-of", "genreconcile.dev/member"
KINDS = [
    GVK("", "v1", "ConfigMap"),
    GVK("", "v1", "PersistentVolumeClaim"),
    GVK("example.dev", "v1", "Widget"),
    GVK("", "v1", "ServiceAccount"),
]
PLACES, NAMES = ["shop", "other", ""], ["a", "b", "default", "set"]
SET = Membership("applyset-x-v1", ObjectKey("", "ConfigMap", "shop", "set"), "genreconcile", "p", frozenset({"shop"}))

keys = st.builds(
    lambda gvk, place, name: ObjectKey(gvk.group, gvk.kind, place, name),
    st.sampled_from(KINDS),
    st.sampled_from(PLACES),
    st.sampled_from(NAMES),
)
owners = st.lists(
    st.fixed_dictionaries(
        {"kind": st.just("K"), "name": st.just("n"), "uid": st.sampled_from(["p", "q"])},
        optional={"controller": st.booleans()},
    ),
    max_size=2,
)


@st.composite
def worlds(draw):
    """Live objects by key, and those that are expected."""
    live = {}
    for key in draw(st.lists(keys, unique=True, max_size=8)):
        proof_of = draw(st.one_of(st.just(key), keys))
        labels = draw(
            st.sampled_from([{"app": "x"}, {"app": "y"}, {PART_OF: SET.id}, {"app": "x", PART_OF: SET.id}, {}])
        )
        annotations = draw(
            st.sampled_from([{}, {MEMBER: SET.proof(proof_of)}, {"genreconcile.dev/prune": "disabled", MEMBER: "?"}])
        )
        metadata = {"name": key.name, "labels": labels, "annotations": annotations, "ownerReferences": draw(owners)}
        metadata |= {"namespace": key.namespace} if key.namespace else {}
        metadata |= {"deletionTimestamp": "2026-01-01T00:00:00Z"} if draw(st.booleans()) else {}
        live[key] = {"metadata": metadata}
    return live, draw(st.sets(keys, max_size=3))


def protected(key, metadata, parent_uid=None):
    """What no way of asking may delete, in the words of the issue."""
    controllers = [owner["uid"] for owner in metadata["ownerReferences"] if owner.get("controller")]
    return (
        "deletionTimestamp" in metadata
        or "genreconcile.dev/prune" in metadata["annotations"]
        or (bool(controllers) and controllers[0] != parent_uid)
        or (key.kind, key.name) == ("ServiceAccount", "default")
    )


def pruned(live, expected, wanted, members=None):
    gvks = {(gvk.group, gvk.kind): gvk for gvk in KINDS}
    found = deletions_among([(gvks[key.group, key.kind], obj) for key, obj in live.items()], expected, wanted, members)
    assert all(change.operation == "delete" or change.reason for change in found), "whatever stays says why"
    assert len({change.key for change in found}) == len(found)
    return {change.key for change in found if change.operation == "delete"}


@given(worlds(), st.booleans())
def test_under_a_selector(world, asks_for_claims):
    live, expected = world
    asked = frozenset({"PersistentVolumeClaim"} if asks_for_claims else ())
    gone = pruned(live, expected, Prune("shop", selector.parse({"app": "x"}), kinds=asked))
    wanted = {
        key
        for key, obj in live.items()
        if key.namespace == "shop"
        and obj["metadata"]["labels"] == {"app": "x"}
        and key not in expected
        and not protected(key, obj["metadata"])
        and (asks_for_claims or key.kind != "PersistentVolumeClaim")
    }
    assert gone == wanted


@given(worlds(), st.booleans())
def test_of_an_owner_set(world, asks_for_claims):
    live, expected = world
    asked = frozenset({"PersistentVolumeClaim"} if asks_for_claims else ())
    gone = pruned(live, expected, Prune(owner=OwnerRef("configmaps/set"), kinds=asked), SET)
    wanted = {
        key
        for key, obj in live.items()
        if key.namespace in {"shop", ""}
        and PART_OF in obj["metadata"]["labels"]
        and obj["metadata"]["annotations"].get(MEMBER) == SET.proof(key)
        and key not in expected
        and key != SET.parent
        and not protected(key, obj["metadata"], "p")
        and (asks_for_claims or key.kind != "PersistentVolumeClaim")
    }
    assert gone == wanted
