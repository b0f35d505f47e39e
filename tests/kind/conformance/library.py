"""The objects to try, per kind: data/<group>/<Kind>.yaml, completed from the schema.

A file holds ``minimal`` and ``maximal`` (laid over minimal), any number of ``variants`` (likewise), ``versions`` (what
is different in a version, or in ``version@minor``, laid over all of them), or ``untestable`` with the reason.
``given`` are cluster-wide objects that are there meanwhile, ``until`` is where the server then makes use of them.
``$include: file`` in a mapping stands for the content of data/shared/file.yaml, ``$namespace`` for the namespace of
the trial; a list member with ``$since: minor`` is for that minor and later. Fields that a version does not have are
left out.
"""

from pathlib import Path

import yaml

from kind.conformance.values import candidates

DATA = Path(__file__).parent / "data"
METADATA = {
    "labels": {"example.com/label": "a"},
    "annotations": {"example.com/annotation": "a"},
    "finalizers": ["example.com/mine"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "0a"}],
}


def merged(base, over, *, drop=True):
    """One mapping laid over another; a null in it takes the key away."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    both = {key: merged(base[key], over[key], drop=drop) if key in base else over[key] for key in over}
    return {key: value for key, value in {**base, **both}.items() if value is not None or not drop}


def known(value, node):
    """Without the fields that this version does not have."""
    if isinstance(value, list):
        return [known(member, node.member().node) for member in value]
    if not isinstance(value, dict):
        return value
    return {
        key: entry if key == "$since" else known(entry, node.child(key).node)
        for key, entry in value.items()
        if key == "$since" or node.knows(key)
    }


def included(value):
    if isinstance(value, list):
        return [included(member) for member in value]
    if not isinstance(value, dict):
        return value
    own = {key: included(entry) for key, entry in value.items() if key != "$include"}
    if "$include" not in value:
        return own
    return merged(included(yaml.safe_load((DATA / "shared" / f"{value['$include']}.yaml").read_text())), own)


def data(gvk):
    file = DATA / (gvk.group.partition(".")[0] or "core") / f"{gvk.kind}.yaml"
    return included(yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def expected(resource, root, namespace, minor):
    """By variant, the objects of a kind, the smallest first."""
    content = data(resource.gvk)
    versions, version = content.get("versions", {}), resource.gvk.version
    special = merged(versions.get(version, {}), versions.get(f"{version}@{minor}", {}), drop=False)
    wanted = {"minimal": {}, "maximal": {"metadata": METADATA}, **{name: {} for name in content.get("variants", {})}}
    found = {}
    for variant, beginning in wanted.items():
        over = content.get(variant) or content.get("variants", {}).get(variant) or {}
        obj = merged(merged(generated(resource, root, namespace, variant), content.get("minimal", {})), beginning)
        obj = merged(obj, over)
        found[variant] = known(merged(merged(obj, special.get("minimal", {})), special.get(variant, {})), root)
    return completed(found, namespace, minor)


def completed(value, namespace, minor):
    """With the namespace of the trial, and without members that are younger than the server."""
    if isinstance(value, dict):
        return {key: completed(entry, namespace, minor) for key, entry in value.items() if key != "$since"}
    if isinstance(value, list):
        return [completed(member, namespace, minor) for member in value if not is_younger(member, minor)]
    return namespace if value == "$namespace" else value


def is_younger(member, minor):
    """Whether a list member says that it is only for later minors: before, the server drops what is in it."""
    since = member.get("$since", minor) if isinstance(member, dict) else minor
    return [int(part) for part in since.split(".")] > [int(part) for part in minor.split(".")]


def generated(resource, root, namespace, variant):
    """What the schema alone tells: the required fields."""
    metadata = {"name": f"{resource.plural}-{variant}".lower()}
    if resource.namespaced:
        metadata["namespace"] = namespace
    obj = {"apiVersion": resource.gvk.api_version, "kind": resource.gvk.kind, "metadata": metadata}
    for key in root.type._schema.get("required") or ():
        if key not in {"metadata", "status"}:
            obj[key] = next(iter(candidates(root.type.fields[key], key, root.type.name)), {})
    return obj
