"""What users hand over: whatever it is, the package's own errors come out, or plain JSON data."""

import io
import json

import pytest
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile import selector
from genreconcile.errors import InputError, LoadError, ReconcileError, RuleError
from genreconcile.manifests import load, load_objects
from genreconcile.mask import EVERYTHING, mask, mask_object, mask_patch, mask_text
from genreconcile.normalize import Registry
from genreconcile.normalize.annotations import annotated
from genreconcile.normalize.path import parse_path
from genreconcile.normalize.rule import ACTIONS, API_VERSION, parse_rules
from genreconcile.normalize.scalars import CANONICAL
from genreconcile.normalize.sensitive import sensitive_fields
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan.insync import digest_of, encoded
from genreconcile.pointer import join_pointer, split_pointer, token_matches
from properties.fuzz.hostile import ANYTHING, HOSTILE, JSON, MANIFESTS, TEXTS, YAML, fuzz, objects

LONGEST_MESSAGE = 2000


def told(error, longest=LONGEST_MESSAGE):
    """The message of an error, which somebody has to read."""
    assert 0 < len(str(error)) <= (longest or len(str(error)))


@fuzz(MANIFESTS)
def test_manifests(data):
    try:
        loaded = load(["-"], stdin=io.BytesIO(data))
    except LoadError as error:
        told(error)
    else:
        assert json.loads(json.dumps([found.obj for found in loaded])) == [found.obj for found in loaded]


@fuzz(st.lists(HOSTILE, max_size=3))
def test_dicts(values):
    try:
        loaded = load_objects(values)
    except LoadError as error:
        told(error)
    else:
        assert all(type(found.obj) is dict and repr(found) for found in loaded)
        assert json.loads(json.dumps([found.obj for found in loaded])) == [found.obj for found in loaded]


@fuzz(HOSTILE)
def test_digests(value):
    data = encoded(value)
    assert digest_of(data) == digest_of(encoded(value))


@fuzz(TEXTS | ANYTHING | st.dictionaries(TEXTS, ANYTHING) | st.fixed_dictionaries({"matchExpressions": ANYTHING}))
def test_selectors(spec):
    try:
        found = selector.parse(spec)
    except LoadError as error:
        told(error)
    else:
        assert selector.parse(str(found)) == found
        assert found.matches({"a": "b", "c": 1, "d": ["x"]}) in {True, False}


@fuzz(st.lists(TEXTS), TEXTS)
def test_pointers(tokens, text):
    assert split_pointer(join_pointer(tokens)) == tuple(tokens)
    try:
        assert join_pointer(split_pointer("/" + text)) is not None
        split_pointer(text)
    except ValueError as error:
        told(error)


@fuzz(TEXTS, TEXTS)
def test_paths(text, key):
    try:
        tokens = parse_path(text)
    except ValueError as error:
        told(error)
    else:
        assert all(token_matches(token, key) in {True, False} for token in tokens)


SELECTS = st.sampled_from(["group", "kind", "namespace", "name", "labels"])
CONDITIONS = st.sampled_from(["at", "live", "in", "notIn", "present", "only", "targetedBy"])
RULE = st.fixed_dictionaries(
    {"id": TEXTS | ANYTHING, "path": TEXTS | ANYTHING},
    optional={
        "type": TEXTS | ANYTHING,
        "root": ANYTHING | st.just(value=True),
        "object": st.dictionaries(SELECTS, ANYTHING) | ANYTHING,
        "when": st.dictionaries(CONDITIONS, ANYTHING),
        "managers": ANYTHING,
        **{action: ANYTHING | st.just(value=True) | TEXTS for action in ACTIONS},
    },
)  # fmt: skip
ONE_ACTION = st.builds(
    lambda rule, action, argument: {**{k: v for k, v in rule.items() if k not in ACTIONS}, action: argument},
    RULE,
    st.sampled_from(ACTIONS),
    st.just(value=True) | TEXTS | ANYTHING | st.sampled_from(["ordered", "all", "duration", "image-pull-policy"]),
)
WIDGET = {
    "apiVersion": "example.dev/v1",
    "kind": "Widget",
    "metadata": {"name": "a", "labels": {"x": "y"}},
    "spec": {"a": [{"b": 1}], "c": {"d": None}},
}


@fuzz(ANYTHING | st.fixed_dictionaries({"kind": st.just("RuleSet"), "rules": st.lists(RULE | ONE_ACTION | ANYTHING)}))
def test_rules(document):
    document = {"apiVersion": API_VERSION, **document} if isinstance(document, dict) else document
    try:
        assert parse_rules(document, "rules") is not None
    except RuleError as error:
        told(error)


@fuzz(st.lists(ONE_ACTION, min_size=1, max_size=3), objects(JSON), objects(JSON))
def test_rules_at_work(rules, expected, live):
    document = {"apiVersion": API_VERSION, "kind": "RuleSet", "rules": rules}
    try:
        registry = Registry.builtin().extend(document)
    except RuleError as error:
        told(error)
        return
    for mine, theirs in ((WIDGET, {**WIDGET, "spec": {"a": [], "e": 1}}), (expected, live)):
        try:
            found = gr.diff(mine, theirs, rules=registry)
        except ReconcileError as error:
            told(error, None)
        else:
            assert repr(found)
            assert registry.version


@fuzz(YAML)
def test_files_of_rules(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "rules.yaml"
    file.write_text(text, "utf-8", errors="surrogatepass")
    try:
        assert Registry.empty().extend(file) is not None
    except RuleError as error:
        told(error)


@fuzz(st.tuples(*(TEXTS for _ in range(4))))
def test_annotations(texts):
    try:
        assert all(rule.tokens for rule in annotated(texts))
    except InputError as error:
        told(error)


@pytest.mark.parametrize("form", sorted(CANONICAL))
@fuzz(ANYTHING | TEXTS)
def test_scalars(form, value):
    found = CANONICAL[form](value)
    assert found is value or hash(found) == hash(CANONICAL[form](value))


@fuzz(objects(JSON) | objects(ANYTHING), objects(JSON))
def test_comparison(expected, live):
    for call in (gr.diff, gr.explain):
        try:
            assert repr(call(expected, live))
        except ReconcileError as error:
            told(error, None)


PATTERNS = st.lists(st.lists(TEXTS | st.just("*"), max_size=3).map(tuple), max_size=3).map(tuple) | st.just(EVERYTHING)


@fuzz(ANYTHING, PATTERNS, TEXTS)
def test_masks(value, fields, text):
    obj = value if isinstance(value, dict) else {"spec": value}
    assert isinstance(mask(value), str)
    assert isinstance(mask_object(obj, fields), dict)
    assert mask_patch(fields, [{"op": "add", "path": text, "value": value}, {"value": value}, {"op": value}])
    assert isinstance(mask_text(fields, text, obj), str)


@fuzz(objects(ANYTHING))
def test_names(obj):
    for found in (GVK.of(obj), ObjectKey.of(obj)):
        assert isinstance(str(found), str)
    assert isinstance(sensitive_fields(Registry.builtin(), GVK.of(obj), None, obj), tuple)
