"""What the state machine is about: three kinds of objects of two teams, in one namespace."""

from hypothesis import strategies as st

from faults.worlds.small import config, deployment

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


def same(expected, live):
    """Whether the live object is exactly the expected one; the scripted server fills nothing in."""
    own = {name: value for name, value in live.items() if name not in {"metadata", "status"}}
    metadata = live["metadata"]
    labels, annotations = metadata.get("labels"), metadata.get("annotations") or {}
    rest = {name: value for name, value in expected.items() if name != "metadata"}
    return own == rest and labels == expected["metadata"].get("labels") and not annotations
