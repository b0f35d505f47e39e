"""The renderers: what they print, that it fits the schema, and that no secret is in it."""

from __future__ import annotations

import base64
import copy
import importlib.util
import json

import jsonpatch
import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.apply.result import Outcome, Result
from genreconcile.errors import Forbidden, InputError, Invalid
from genreconcile.manifests.parse import documents
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan
from genreconcile.report import FORMATS, document, render, schema, yamltext
from genreconcile.report.row import printable
from genreconcile.report.yamltext import dump
from support import objects

CANARY = "c4n4ry-v4lu3"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def obj(name="web", namespace="shop", api_version="apps/v1", kind="Deployment", **extra):
    return objects.obj(api_version, kind, name, namespace, **extra)


def change(operation, *, expected=None, live=None, patch=(), **extra):
    named = expected or live
    return Change(
        operation,
        GVK.of(named),
        ObjectKey.of(named),
        patch=jsonpatch.JsonPatch(list(patch)),
        expected=expected,
        live=live,
        **extra,
    )


def secret(**fields):
    return obj("token", api_version="v1", kind="Secret", **fields)


UPDATE = change(
    "update",
    expected=obj(spec={"replicas": 3}),
    live=obj(spec={"replicas": 2, "paused": True, "args": ["a", "b"]}),
    patch=[
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "remove", "path": "/spec/paused"},
        {"op": "remove", "path": "/spec/args/0"},
        {"op": "remove", "path": "/spec/args/0"},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "ü"}},
    ],
)
CREATE = change("create", expected=obj("a", "", "example.dev/v1", "Widget", spec={"size": 1}))
DELETE = change("delete", live=obj("old", api_version="v1", kind="ConfigMap", data={"k": "v"}))
SKIPPED = change("none", live=obj("kept"), reason="not deleted: protected", skipped=True)
FAILED = change("none", expected=obj("bad"), error=InputError("bad: not usable: no; fix it", "/spec/x"))
UNCHANGED = change("none", expected=obj("same"), live=obj("same"))

PLAN = Plan((UPDATE, CREATE, FAILED, SKIPPED, DELETE), (UNCHANGED,))
RESULT = Result(
    (
        Outcome(UPDATE, "configured"),
        Outcome(UNCHANGED, "unchanged"),
        Outcome(CREATE, "created"),
        Outcome(FAILED, "failed", error=Forbidden("bad: not written: 403; ask")),
        Outcome(SKIPPED, "skipped", reason="not deleted: protected"),
        Outcome(DELETE, "deleted"),
    )
)


def test_text_of_a_plan():
    assert render(PLAN, "text") == (
        "deployment.apps/web to update (shop)\n"
        "  replace /spec/replicas: 2 → 3\n"
        "  remove /spec/paused: true\n"
        '  remove /spec/args/0: "a"\n'
        '  remove /spec/args/0: "b"\n'
        '  add /metadata/labels: {"a/b": "ü"}\n'
        "widget.example.dev/a to create\n"
        "deployment.apps/bad failed (shop): bad: not usable: no; fix it\n"
        "deployment.apps/kept skipped (shop): not deleted: protected\n"
        "configmap/old to delete (shop)\n"
        "1 to create, 1 to update, 1 to delete, 1 unchanged, 1 skipped, 1 failed\n"
    )


def test_text_of_a_result():
    assert render(RESULT, "text") == (
        "deployment.apps/web configured (shop)\n"
        "widget.example.dev/a created\n"
        "deployment.apps/bad failed (shop): bad: not written: 403; ask [GR403]\n"
        "deployment.apps/kept skipped (shop): not deleted: protected\n"
        "configmap/old deleted (shop)\n"
        "1 created, 1 configured, 1 unchanged, 1 deleted, 1 skipped, 1 failed\n"
    )


def test_a_long_value_takes_one_line():
    long = change("update", live=obj(), patch=[{"op": "add", "path": "/data", "value": "x\n" * 500}])

    lines = render(Plan((long,)), "text").split("\n")

    assert len(lines) == 4
    assert lines[1].endswith("… (1502 characters)")
    assert len(lines[1]) < 180


@pytest.mark.parametrize("live", [None, obj(), {"metadata": None}])
def test_a_patch_that_does_not_fit_the_live_object_is_still_shown(live):
    patch = [
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "remove", "path": "/spec/args/7"},
        {"op": "move", "path": "/spec/b", "from": "/spec/a"},
    ]
    odd = Plan((Change("update", UPDATE.gvk, UPDATE.key, jsonpatch.JsonPatch(patch), live=live),))

    assert "  replace /spec/replicas: ? → 3\n  remove /spec/args/7: ?\n" in render(odd, "text")
    assert "  move /spec/b from /spec/a: ?\n" in render(odd, "text")
    assert "# deployment.apps/web to update (shop): the patch does not fit the live object at hand\n" in render(
        odd, "diff"
    )
    assert '# {"op": "replace", "path": "/spec/replicas", "value": 3}\n' in render(odd, "diff")


def test_a_terminal_is_not_commanded():
    evil = change("none", live=obj("a"), reason="\x1b[2J\x07 ü\nx", skipped=True)

    assert render(Plan((evil,)), "text").startswith("deployment.apps/a skipped (shop): \\x1b[2J\\x07 ü\nx\n")
    assert printable("\u202e\u2028") == "\\u202e\\u2028"


def test_diff_of_a_plan():
    assert render(PLAN, "diff") == (
        "--- live/apps/v1/Deployment/shop/web\n"
        "+++ expected/apps/v1/Deployment/shop/web\n"
        "@@ -1,11 +1,10 @@\n"
        " apiVersion: apps/v1\n"
        " kind: Deployment\n"
        " metadata:\n"
        "+  labels:\n"
        "+    a/b: ü\n"
        "   name: web\n"
        "   namespace: shop\n"
        " spec:\n"
        "-  args:\n"
        "-  - a\n"
        "-  - b\n"
        "-  paused: true\n"
        "-  replicas: 2\n"
        "+  args: []\n"
        "+  replicas: 3\n"
        "--- /dev/null\n"
        "+++ expected/example.dev/v1/Widget/a\n"
        "@@ -0,0 +1,6 @@\n"
        "+apiVersion: example.dev/v1\n"
        "+kind: Widget\n"
        "+metadata:\n"
        "+  name: a\n"
        "+spec:\n"
        "+  size: 1\n"
        "# deployment.apps/bad failed (shop): bad: not usable: no; fix it\n"
        "# deployment.apps/kept skipped (shop): not deleted: protected\n"
        "--- live/v1/ConfigMap/shop/old\n"
        "+++ /dev/null\n"
        "@@ -1,7 +0,0 @@\n"
        "-apiVersion: v1\n"
        "-data:\n"
        "-  k: v\n"
        "-kind: ConfigMap\n"
        "-metadata:\n"
        "-  name: old\n"
        "-  namespace: shop\n"
    )


def test_diff_of_a_result_is_that_of_its_plan():
    plan = render(PLAN, "diff").replace("bad: not usable: no; fix it", "bad: not written: 403; ask [GR403]")

    assert render(RESULT, "diff") == plan


def test_patches_of_a_plan():
    assert render(PLAN, "patch") == (
        "# deployment.apps/web to update (shop)\n"
        '[{"op": "replace", "path": "/spec/replicas", "value": 3}, {"op": "remove", "path": "/spec/paused"}, '
        '{"op": "remove", "path": "/spec/args/0"}, {"op": "remove", "path": "/spec/args/0"}, '
        '{"op": "add", "path": "/metadata/labels", "value": {"a/b": "\\u00fc"}}]\n'
        "# widget.example.dev/a to create\n"
        "# deployment.apps/bad failed (shop): bad: not usable: no; fix it\n"
        "# deployment.apps/kept skipped (shop): not deleted: protected\n"
        "# configmap/old to delete (shop)\n"
    )


def test_json_of_a_plan():
    text = render(PLAN, "json")
    read = json.loads(text)

    assert text == json.dumps(read, indent=2, sort_keys=True) + "\n"
    assert read["apiVersion"] == "genreconcile.dev/v1alpha1"
    assert read["kind"] == "Plan"
    assert read["summary"] == {"create": 1, "update": 1, "delete": 1, "unchanged": 1, "skipped": 1, "failed": 1}
    assert [(item["operation"], item["name"]) for item in read["changes"]] == [
        ("update", "web"),
        ("create", "a"),
        ("none", "bad"),
        ("none", "kept"),
        ("delete", "old"),
    ]
    assert read["changes"][0] == {
        "operation": "update",
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "patch": UPDATE.operations,
        "reason": "",
        "error": None,
    }
    assert read["changes"][1]["namespace"] == ""
    assert read["changes"][2]["error"] == {
        "message": "bad: not usable: no; fix it",
        "path": "/spec/x",
        "type": "InputError",
        "code": "",
    }
    assert read["changes"][3]["reason"] == "not deleted: protected"


def test_json_of_a_result():
    read = document(RESULT)

    assert read["kind"] == "Result"
    assert read["summary"] == RESULT.counts
    assert [item["status"] for item in read["changes"]] == ["configured", "created", "failed", "skipped", "deleted"]
    assert read["changes"][2]["error"] == {
        "message": "bad: not written: 403; ask",
        "path": "",
        "type": "Forbidden",
        "code": "GR403",
    }


MINDED = Notice("v1/Secret: nothing deleted: the kind cannot be read", "GR403")
KEPT = Notice("namespace shop: nothing deleted: 3 are more than 2", "GR801")


@pytest.mark.parametrize("report", [Plan((UPDATE,), warnings=(MINDED,), refusals=(KEPT,)), Result((), (MINDED,))])
def test_json_has_the_warnings_with_their_codes(report):
    found = json.loads(render(report, "json"))
    jsonschema.validate(found, schema())
    assert found["warnings"] == [{"message": str(MINDED), "code": "GR403"}]
    refused = [{"message": str(KEPT), "code": "GR801"}] if isinstance(report, Plan) else None
    assert found.get("refusals") == refused
    del found["warnings"][0]["code"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema())


def test_json_without_a_warning_has_none():
    assert not {"warnings", "refusals"} & {*document(PLAN), *document(RESULT)}


@pytest.mark.parametrize("report", [PLAN, RESULT, Plan(()), Result(())], ids=["plan", "result", "no plan", "no result"])
def test_json_fits_the_schema(report):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(render(report, "json")), schema())


@pytest.mark.parametrize(
    ("report", "path", "value"),
    [
        (PLAN, "/kind", "Result"),
        (PLAN, "/summary/other", 1),
        (PLAN, "/changes/0/status", "configured"),
        (PLAN, "/changes/0/operation", "patch"),
        (PLAN, "/changes/0/error", "text"),
        (RESULT, "/changes/0/status", "unchanged"),
        (RESULT, "/kind", "Plan"),
        (PLAN, "/timestamp", "now"),
        (PLAN, "/changes/0/patch/0/op", "test"),
    ],
)
def test_the_schema_refuses_what_is_never_printed(report, path, value):
    changed = jsonpatch.apply_patch(document(report), [{"op": "add", "path": path, "value": value}])

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, schema())


def test_nothing_to_do_is_little_to_say():
    assert render(Plan((), (UNCHANGED,)), "diff") == render(Plan((), (UNCHANGED,)), "patch") == ""
    assert render(Plan((), (UNCHANGED,)), "text") == "0 to create, 0 to update, 0 to delete, 1 unchanged\n"
    assert render(Result(()), "text") == "nothing to do\n"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


LIVE_SECRET = secret(data={"a": encoded(f"{CANARY}-1"), "b": encoded(f"{CANARY}-2"), "same": encoded(f"{CANARY}-3")})
LIVE_SECRET["metadata"]["annotations"] = {LAST_APPLIED: f'{{"stringData": "{CANARY}-4"}}', "note": "x"}
EXPECTED_SECRET = secret(stringData={"a": f"{CANARY}-5"}, data={"same": encoded(f"{CANARY}-3")})
SECRET_PATCH = [
    {"op": "test", "path": "/data/a", "value": encoded(f"{CANARY}-1")},
    {"op": "replace", "path": "/data/a", "value": encoded(f"{CANARY}-5")},
    {"op": "add", "path": "/data/c", "value": encoded(f"{CANARY}-6")},
    {"op": "remove", "path": "/data/b"},
    {"op": "remove", "path": "/metadata/annotations"},
    {"op": "add", "path": "/metadata/annotations", "value": {LAST_APPLIED: f"{CANARY}-7"}},
    {"op": "add", "path": "/stringData", "value": {"a": f"{CANARY}-8"}},
]
REFUSAL = Invalid(f'Secret "token" is invalid: data[a]: Invalid value: "{CANARY}-5": {encoded(f"{CANARY}-3")}')
SECRETS = (
    change("update", expected=EXPECTED_SECRET, live=LIVE_SECRET, patch=SECRET_PATCH),
    change("update", expected=EXPECTED_SECRET, live=secret(), patch=SECRET_PATCH),
    change("create", expected=EXPECTED_SECRET),
    change("create", expected=secret(data=CANARY, stringData=[CANARY])),
    change("delete", live=LIVE_SECRET),
    change("none", expected=EXPECTED_SECRET, live=LIVE_SECRET, error=REFUSAL),
    change("none", expected=EXPECTED_SECRET, reason=str(REFUSAL), skipped=True),
)
STATUSES = ("configured", "configured", "created", "created", "deleted", "failed", "skipped")


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    "report",
    [
        Plan(SECRETS),
        Result(
            tuple(
                Outcome(item, status, item.reason, item.error) for item, status in zip(SECRETS, STATUSES, strict=True)
            )
        ),
        Result(tuple(Outcome(item, "failed", error=REFUSAL) for item in SECRETS[:3])),
    ],
    ids=["plan", "result", "failures"],
)
def test_no_secret_is_shown(report, output):
    before = copy.deepcopy(SECRETS)

    text = render(report, output)

    assert "***" in text
    for number in range(1, 9):
        assert f"{CANARY}-{number}" not in text
        assert encoded(f"{CANARY}-{number}") not in text
    assert CANARY not in text
    assert [item.live for item in before] == [item.live for item in SECRETS]
    if output == "json":
        jsonschema.validate(json.loads(text), schema())


def test_a_change_of_a_secret_is_visible_although_masked():
    text = render(Plan(SECRETS[:1]), "diff")
    removed = next(line for line in text.split("\n") if line.startswith("-  a: '***"))
    added = next(line for line in text.split("\n") if line.startswith("+  a: '***"))

    assert removed[1:] != added[1:]
    assert any(line.startswith("   same: '***") for line in text.split("\n"))


def test_what_was_compared_is_not_changed():
    live = copy.deepcopy(UPDATE.live)

    for output in FORMATS:
        render(PLAN, output)

    assert UPDATE.live == live


def test_yaml_is_for_people():
    shared = ["x"]

    assert dump({"b": shared, "a": shared, "t": "one\ntwo\n", "long": "w " * 200, "no": "no", "u": "ü"}) == (
        f"a:\n- x\nb:\n- x\nlong: '{'w ' * 200}'\n'no': 'no'\nt: |\n  one\n  two\nu: ü\n"
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a\nb: -#", max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_yaml_is_read_as_the_same_object(value):
    assert yaml.safe_load(dump({"value": value})) == {"value": value}


def test_the_pure_python_dumper_writes_the_same(monkeypatch):
    monkeypatch.delattr(yaml, "CSafeDumper")
    module_spec = importlib.util.spec_from_file_location("pure_yamltext", yamltext.__file__)
    pure = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(pure)
    value = {"b": ["x", {"y": None}], "t": "one\ntwo\n", "long": "w " * 200, "no": "no", "u": "ü"}

    assert issubclass(pure._Dumper, yaml.SafeDumper)
    assert pure.dump(value) == dump(value)


@pytest.mark.parametrize(
    "text", ["y", "N", "on", "~", "", "null", "1e3", "0o17", "0X1F", "08", "1_000", ".5", "1:30", "<<", "=", ".inf",
             "a\nb", "2024-01-01", "- a", "a: b", "# a", "0b-11"]
)  # fmt: skip
def test_r1_8_texts_are_written_so_that_kubectl_and_we_read_them_as_texts(text):
    value = {"x": [text, {text or "k": text}]}
    ((found, _),) = documents(dump(value), "text")
    assert found == value == yaml.safe_load(dump(value))
