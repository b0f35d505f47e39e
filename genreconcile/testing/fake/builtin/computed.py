"""What the server computes of an object's own fields, or adds on admission: the functions that rules call.

Invariant: a function changes only the object that it is given, and needs nothing but that, the whole object and its
rule; run twice it changes nothing more.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genreconcile.testing.fake.builtin import pods
from genreconcile.testing.fake.builtin.images import tag_of

Function = Callable[[dict[str, Any], dict[str, Any], Mapping[str, Any]], None]


def pull_policy(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """``policy`` is Always where ``image`` has the tag latest, or neither tag nor digest."""
    if not value.get(rule["policy"]):
        value[rule["policy"]] = "Always" if tag_of(value.get(rule["image"], "")) == "latest" else "IfNotPresent"


def copied(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """The field ``to`` is ``from``, where it is not set."""
    if value.get(rule["from"]) and value.get(rule["to"], "") in ("", 0):
        value[rule["to"]] = value[rule["from"]]


def data_sources(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """Both fields say the same; the older one only where it may."""
    one, other = value.get("dataSource"), value.get("dataSourceRef")
    if one and not any(all((one.get(key) or "") == kind[key] for key in kind) for kind in rule["kinds"]):
        one = value.pop("dataSource") and None
    if one and not other:
        value["dataSourceRef"] = dict(one)
    elif other and not one and not other.get("namespace"):
        value["dataSource"] = {key: entry for key, entry in other.items() if key != "namespace"}


def narrowed(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """The members of a list keep these ``keys`` alone."""
    if value.get(rule["list"]):
        value[rule["list"]] = [{key: one[key] for key in rule["keys"] if key in one} for one in value[rule["list"]]]


def finalized(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """A finalizer of the server's own comes last."""
    holder = value[rule["of"]]
    if rule["finalizer"] not in (holder.get("finalizers") or ()):
        holder["finalizers"] = [*(holder.get("finalizers") or ()), rule["finalizer"]]


def alias(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """The field ``to`` is always what ``from`` is, which is ``to`` where it is not set."""
    one, other = rule["from"], rule["to"]
    if not value.get(one) and other in value:
        value[one] = value[other]
    if one in value:
        value[other] = value[one]


def dropped(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """These ``fields`` go."""
    for name in rule["fields"]:
        value.pop(name, None)


def whole(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """The field ``to`` is ``value`` unless it has something at ``path``."""
    if _at(value, (rule["to"], *rule["path"])) is None:
        value[rule["to"]] = copy.deepcopy(rule["value"])


def moved_texts(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """The texts in ``from`` go into ``to`` in base64."""
    texts = value.pop(rule["from"], None)
    if texts:
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
        value[rule["to"]] = {**(value.get(rule["to"]) or {}), **encoded}


def own_name(value: dict[str, Any], root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """A label with the object's own name."""
    if root["metadata"].get("name"):
        labels = {**(value["metadata"].get("labels") or {}), rule["label"]: root["metadata"]["name"]}
        value["metadata"] = {**value["metadata"], "labels": labels}


def annotated(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """An annotation, whatever it was before."""
    annotations = {**(value["metadata"].get("annotations") or {}), **rule["annotations"]}
    value["metadata"] = {**value["metadata"], "annotations": annotations}


def labelled_as_template(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """Labels, and the ``selector`` where the rule says so, are those of the template where there are none."""
    labels = ((value["spec"].get("template") or {}).get("metadata") or {}).get("labels")
    if labels and not value["metadata"].get("labels"):
        value["metadata"] = {**value["metadata"], "labels": dict(labels)}
    if labels and rule.get("selector") and not value["spec"].get("selector"):
        value["spec"]["selector"] = dict(labels)


def generated_selector(value: dict[str, Any], root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """A selector of the object's uid, and labels of its name and uid for the template, and with it for the object."""
    spec, metadata = value["spec"], root["metadata"]
    if spec.get("manualSelector"):
        return
    template = spec["template"].setdefault("metadata", {})
    is_copied = bool(template.get("labels")) and not value["metadata"].get("labels")
    own = {
        **dict.fromkeys(rule["names"], metadata.get("name", "")),
        **dict.fromkeys(rule["uids"], metadata.get("uid", "")),
    }
    template["labels"] = {**own, **(template.get("labels") or {})}
    if is_copied:
        value["metadata"]["labels"] = dict(template["labels"])
    selector = spec.setdefault("selector", {})
    last = rule["uids"][-1]
    selector["matchLabels"] = {last: own[last], **(selector.get("matchLabels") or {})}


def completed(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """In each of the given ``fields``, which are objects, what is not set."""
    for name, defaults in rule["fields"].items():
        own = {key: entry for key, entry in (value.get(name) or {}).items() if entry is not None}
        value[name] = {**copy.deepcopy(defaults), **own}


def policy_types(value: dict[str, Any], _root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """The ``types`` for what comes in, always, and for what goes out, where there are rules for it."""
    if not value.get("policyTypes"):
        value["policyTypes"] = rule["types"][: 2 if value.get("egress") else 1]


def limits(value: dict[str, Any], _root: dict[str, Any], _rule: Mapping[str, Any]) -> None:
    """Default limits from the largest, default requests from the default limits and from the smallest."""
    default = {**(value.get("max") or {}), **(value.get("default") or {})}
    request = {**(value.get("min") or {}), **default, **(value.get("defaultRequest") or {})}
    value.update({name: entry for name, entry in (("default", default), ("defaultRequest", request)) if entry})


def definition_names(value: dict[str, Any], _root: dict[str, Any], _rule: Mapping[str, Any]) -> None:
    """The singular and the list's kind follow from the kind."""
    if kind := value.get("kind"):
        value["singular"] = value.get("singular") or kind.lower()
        value["listKind"] = value.get("listKind") or f"{kind}List"


def stored_versions(value: dict[str, Any], _root: dict[str, Any], _rule: Mapping[str, Any]) -> None:
    """A new definition has objects in its storage version alone."""
    stored = [one["name"] for one in value["spec"].get("versions") or () if one.get("storage")]
    value["status"] |= {"storedVersions": stored} if stored else {}


def condition(value: dict[str, Any], root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """A condition of the status, where something is at ``at_path`` or nothing at ``unless_path``."""
    if _at(value, rule.get("at_path", ("spec",))) and not _at(value, rule.get("unless_path", ("",))):
        now = root["metadata"].get("creationTimestamp")
        value["status"]["conditions"] = [{**rule["condition"], "lastTransitionTime": now}]


def moment(value: dict[str, Any], root: dict[str, Any], rule: Mapping[str, Any]) -> None:
    """The time of the creation, at ``path``."""
    *path, last = rule["path"]
    _at(value, path)[last] = root["metadata"].get("creationTimestamp")


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        alias,
        annotated,
        completed,
        condition,
        copied,
        data_sources,
        definition_names,
        dropped,
        finalized,
        generated_selector,
        labelled_as_template,
        limits,
        moment,
        moved_texts,
        narrowed,
        own_name,
        policy_types,
        pull_policy,
        stored_versions,
        whole,
        *pods.FUNCTIONS,
    )
}
"""By the name in ``call``."""
