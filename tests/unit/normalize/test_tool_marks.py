"""The marks of other tools (R1.11): kept, each listed in docs/rules.md, and no cost to the quick check."""

from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.compare.quick import is_clean
from genreconcile.normalize.compiled import OTHERS
from genreconcile.normalize.marks import tool_marks
from genreconcile.objects import GVK
from support.recorded import SCHEMA

ROOT = Path(__file__).parents[3]
RULES = yaml.safe_load((Path(gr.__file__).parent / "normalize/rules/tools.yaml").read_text("utf-8"))["rules"]
MARKS = [rule["path"].split("metadata/")[-1].split("/") for rule in RULES if rule.get("root") and "when" not in rule]
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "namespace": "shop"}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}


def marked(where, key, value="x"):
    return {**WIDGET, "metadata": {**WIDGET["metadata"], where: {key: value}}}


def key_of(token):
    return token.replace("~1", "/").replace("*", "some-handler")


@pytest.mark.parametrize(("where", "token"), MARKS, ids=[f"{where}-{token}" for where, token in MARKS])
def test_r1_11_a_mark_is_kept_unless_it_is_expected(where, token):
    live = marked(where, key_of(token))
    assert not gr.diff(WIDGET, live)
    assert gr.diff(marked(where, key_of(token), "y"), live)
    assert gr.diff(marked(where, key_of(token)), WIDGET)
    assert gr.diff(WIDGET, live, rules=gr.Registry.builtin(tool_marks=False))


@pytest.mark.parametrize(("where", "token"), MARKS, ids=[f"{where}-{token}" for where, token in MARKS])
def test_r1_11_the_quick_check_keeps_marks_as_well(where, token):
    gvk = GVK.of(CONFIG)
    node = gr.Registry.builtin().compile(gvk, SCHEMA.root(gvk), CONFIG, has_status=False)
    live = marked(where, key_of(token)) | {"apiVersion": "v1", "kind": "ConfigMap"}
    assert is_clean(CONFIG, live, node)
    assert not is_clean(marked(where, key_of(token), "y"), live, node)
    assert not is_clean(CONFIG, marked(where, "example.com/other"), node)


@pytest.mark.parametrize(("where", "token"), MARKS, ids=[f"{where}-{token}" for where, token in MARKS])
def test_a_mark_says_that_a_tool_has_the_object(where, token):
    assert tool_marks(marked(where, key_of(token))) == [key_of(token)]
    assert tool_marks(marked("labels" if where == "annotations" else "annotations", key_of(token))) == []


def test_what_is_no_mark_of_a_tool():
    own = {"app.kubernetes.io/managed-by": "Helm", "applyset.kubernetes.io/part-of": "x", "kopf.dev": "", "app": "a"}
    assert tool_marks({**WIDGET, "metadata": {"labels": own, "annotations": {"helm.sh/hook": "x"}}}) == []
    assert tool_marks(WIDGET) == []


@pytest.mark.parametrize(
    "key",
    [
        "argocd.argoproj.io/sync-wave",
        "helm.sh/hook",
        "kustomize.toolkit.fluxcd.io/prune",
        "kapp.k14s.io/update-strategy",
        "reconcile.fluxcd.io/requestedAt",
        "kopf.zalando.org",
        "xkopf.zalando.org/a",
    ],
)
def test_r1_11_what_acts_is_drift(key):
    assert gr.diff(WIDGET, marked("annotations", key))


def test_r1_11_the_page_lists_every_mark():
    page = (ROOT / "docs/rules.md").read_text("utf-8")
    keys = [rule["path"].split("/")[-1].replace("~1", "/") for rule in RULES]
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_keys_that_rules_do_not_tell_apart_share_a_place():
    node = gr.Registry.builtin().compile(GVK.of(WIDGET), None, WIDGET, has_status=False)
    annotations = node.child("metadata").node.child("annotations").node
    assert {annotations.place_of(f"example.com/{number}") for number in range(9)} == {OTHERS}
    assert len({annotations.place_of(f"kopf.zalando.org/{number}") for number in range(9)}) == 1
    assert annotations.place_of("kopf.dev/a") != annotations.place_of("kopf.zalando.org/a")
    assert annotations.place_of("kubernetes.io/change-cause") == "kubernetes.io/change-cause"
