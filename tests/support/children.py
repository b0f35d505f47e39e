"""What tests of children share: parents, children and what is read of them, on a real server."""

from genreconcile.ownership import Inventory, ParentRef
from support import objects

ID = "applyset.kubernetes.io/id"
PART_OF = "applyset.kubernetes.io/part-of"
TOOLING = "applyset.kubernetes.io/tooling"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
MEMBER = "genreconcile.dev/member"
MANAGER = "genreconcile-shops"
CONFIG, SERVICE, ROLE = ("", "ConfigMap"), ("", "Service"), ("rbac.authorization.k8s.io", "ClusterRole")
KNOWN = Inventory(frozenset({CONFIG, SERVICE}))


def plain(ground, name, **metadata):
    """A ConfigMap without labels."""
    return ground.config(name, labels={}, metadata=metadata)


def service(ground, name="web"):
    return objects.service(name, ground.namespace)


def claim(ground):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return objects.obj("v1", "PersistentVolumeClaim", "claim", ground.namespace, spec=spec)


def cluster_role(ground, **metadata):
    return objects.obj("rbac.authorization.k8s.io/v1", "ClusterRole", ground.namespace, metadata=metadata, rules=[])


def ref(parent, controller="shops", **more):
    return ParentRef.of(parent, controller, **more)


def reference(parent, **more):
    """The ownerReference of a controller."""
    own = {"apiVersion": parent["apiVersion"], "kind": parent["kind"], "controller": True, **more}
    return own | {"name": parent["metadata"]["name"], "uid": more.get("uid", parent["metadata"]["uid"])}


def live(ground, name="shop", plural="configmaps", **more):
    return ground.get(ground.path(plural, name, **more))


def recorded(ground, **more):
    annotations = live(ground, **more)["metadata"].get("annotations", {})
    return annotations.get(KINDS), annotations.get(NAMESPACES)


def error_of(result, name):
    return next(outcome.error for outcome in result if outcome.key.name == name)
