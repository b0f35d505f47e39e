"""What the state machine is about: three kinds of objects of two teams, in one namespace."""

import functools

from hypothesis import strategies as st

from faults.worlds.small import config, deployment
from genreconcile.testing.fake.builtin.decode import decoded
from genreconcile.testing.fake.builtin.defaults import defaulted
from genreconcile.testing.fake.kinds import built_in

PLACE = "shop"
GROUP = "esr.example.com"
KINDS = ("v1/ConfigMap", "apps/v1/Deployment", f"{GROUP}/v1/Gadget")
DEFINITIONS = "CustomResourceDefinition"
PATHS = {
    "ConfigMap": f"/api/v1/namespaces/{PLACE}/configmaps",
    "Deployment": f"/apis/apps/v1/namespaces/{PLACE}/deployments",
    "Gadget": f"/apis/{GROUP}/v1/namespaces/{PLACE}/gadgets",
    DEFINITIONS: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
}
TEAMS = ("red", "blue")
names = st.sampled_from(["a", "b", "c"])
kinds = st.sampled_from(["ConfigMap", "Deployment", "Gadget"])
teams = st.sampled_from(TEAMS)
verbs = st.sampled_from(["list", "watch", "get", "write"])
numbers = st.integers(0, 2)


def make(kind, name, team, number):
    """An object of the kind; ``number`` decides its content."""
    if kind == "ConfigMap":
        obj = config(name, PLACE, k=str(number), **{f"k{number}": "v"})
    elif kind == "Deployment":
        obj = deployment(name, PLACE, number)
    else:
        head = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name, "namespace": PLACE}}
        obj = {**head, "spec": {"size": number}}
    return {**obj, "metadata": {**obj["metadata"], "labels": {"team": team}}}


@functools.cache
def _kinds():
    return {(kind.api_version, kind.kind): kind for kind in built_in()}


def stored(expected):
    """An expected object as the scripted server stores it: with the defaults of a built-in kind."""
    kind = _kinds().get((expected["apiVersion"], expected["kind"]))
    return defaulted(decoded(expected, kind).obj, kind) if kind is not None else expected


def same(expected, live):
    """Whether the live object is exactly the expected one, as the server stores it."""
    expected = stored(expected)
    own = {name: value for name, value in live.items() if name not in {"metadata", "status"}}
    metadata = live["metadata"]
    labels, annotations = metadata.get("labels"), metadata.get("annotations") or {}
    rest = {name: value for name, value in expected.items() if name not in {"metadata", "status"}}
    return own == rest and labels == expected["metadata"].get("labels") and not annotations
