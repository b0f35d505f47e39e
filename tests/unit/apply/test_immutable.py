import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.apply.refusal import is_immutable
from genreconcile.apply.transition import keeps_value
from genreconcile.cluster import status_error
from support.recorded import SCHEMA


def root(gvk, schema=SCHEMA):
    return gr.Registry.builtin().compile(gvk, schema.root(gvk), {}, has_status=True)


POD = root(gr.GVK("", "v1", "Pod"))


def refused(*causes, message='Thing.example.dev "t" is invalid: …'):
    """As the API's own validation refuses, with causes of field, message, and perhaps reason."""
    made = [{"field": c[0], "message": c[1], "reason": c[2] if c[2:] else "FieldValueInvalid"} for c in causes]
    status = {"code": 422, "reason": "Invalid", "message": message, "details": {"causes": made}}
    return status_error("PATCH", status, hide=lambda text: text)


FORBIDDEN = "FieldValueForbidden"


@pytest.mark.parametrize(
    ("cause", "path"),
    [
        (("spec.nodeName", 'Invalid value: {"b": "canary"}: field is immutable'), "/spec/nodeName"),
        (("spec", "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden", FORBIDDEN),
         "/spec/nodeName"),
        (("spec.nodeSelectors[0]", 'Invalid value: "canary": may not change once set'), "/spec/nodeSelector"),
        (("spec.madeup", 'Invalid value: {"name": "canary"}: cannot change roleRef'), "/spec/hostname"),
        (("spec.containers[0].name", 'Invalid value: "canary": field is immutable'), "/spec/containers/-"),
    ],
)  # fmt: skip
def test_the_answer_says_so(cause, path):
    error = refused(cause)
    assert is_immutable(error, [path], POD)
    assert "canary" not in str(error) + repr(error.details)


@pytest.mark.parametrize(
    ("causes", "path"),
    [
        ([("spec.a", "Invalid value: -1: too small")], "/spec/a"),
        ([("spec.nodeName", "Required value: field is immutable", "FieldValueRequired")], "/spec/nodeName"),
        ([("spec.nodeName", "Unsupported value: field is immutable", "FieldValueNotSupported")], "/spec/nodeName"),
        ([("spec.nodeName", 'Invalid value: "field is immutable": too long')], "/spec/nodeName"),
        # Another cause would meet the new object as well, or tells of a state that a new object would evade.
        ([("spec.nodeName", "Invalid value: 1: field is immutable"), ("spec.b", "Forbidden: busy", FORBIDDEN)],
         "/spec/nodeName"),
        # It is not what the patch changes: a webhook did.
        ([("spec.nodeName", 'Invalid value: "x": field is immutable')], "/metadata/labels/a"),
        ([("spec.nodeName", 'Invalid value: "x": field is immutable')], "/spec/hostname"),
        ([("metadata.uid", 'Invalid value: "x": field is immutable')], "/spec/hostname"),
        ([("spec", "Forbidden: may not change fields other than `spec.containers[*].image`,`spec.x`", FORBIDDEN)],
         "/spec/containers/0/image"),
        ([], "/spec/nodeName"),
    ],
)  # fmt: skip
def test_an_ordinary_refusal_is_none(causes, path):
    assert not is_immutable(refused(*causes), [path], POD)


WORDS = ("field is immutable", "data cannot be changed while it is busy", "may not change once set")
SAID = [
    'admission webhook "a.b.c" denied the request: {}',
    'admission webhook "a.b.c" denied the request: Pod "x" is invalid: spec.nodeName: Invalid value: "x": {}',
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: {}",
    'pods "x" is forbidden: ValidatingAdmissionPolicy \'p\' denied request: Pod "x" is invalid: {}',
    'pods "x" is forbidden: {}',
    "pods is forbidden: {}",
    "{}",
]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("said", SAID)
def test_r2_1_admission_never_says_so(said, words):
    """Whatever the code, the reason and the causes: those of a webhook are its own."""
    cause = {"field": "spec.nodeName", "message": f'Invalid value: "x": {words}', "reason": "FieldValueInvalid"}
    for code, causes in ((422, [{**cause, "immutable": True}]), (422, []), (400, [cause]), (403, [cause])):
        details = {"causes": causes, "refusedBy": "validation"}
        status = {"code": code, "reason": "Invalid", "message": said.format(words), "details": details}
        assert not is_immutable(status_error("PATCH", status), ["/spec/nodeName"], POD), status


KEEPING = [
    "self == oldSelf",
    "oldSelf==self",
    "( self == oldSelf )",
    "self.name == oldSelf.name",
    "self.name == oldSelf.name && self.size > 0",
    "(self.a == oldSelf.a) && (self.b == oldSelf.b)",
    "!has(oldSelf.name) || has(self.name)",
    "has(self.name) == has(oldSelf.name)",
    "!has(oldSelf.name) || (has(self.name) && self.name == oldSelf.name)",
    "oldSelf == '' || self == oldSelf",
    'oldSelf.name == "" ? true : self.name == oldSelf.name',
    "size(self) == size(oldSelf)",
    "(self.a == oldSelf.a && (self.size > 0 || self.force)) && self.b == oldSelf.b",
    "self.a != '&& ||' && self == oldSelf",
    " && ".join(["self == oldSelf"] * 2000),
]
RESTRICTING = [
    "!self.busy || self.name == oldSelf.name",
    "self.busy == false || self.name == oldSelf.name",
    "oldSelf.state != 'Running' || self.name == oldSelf.name",
    "self.name == oldSelf.name && (!self.busy || self.size == oldSelf.size)",
    "self.busy ? self.name == oldSelf.name && true : true",
    "self.name == oldSelf.name && self.size > 0 || self.force",
    "self.force || self.name == oldSelf.name && self.size > 0",
    "(self.name == oldSelf.name || self.force) && self.size > 0",
    "oldSelf != 'Locked' || self == 'Locked'",
    "self >= oldSelf",
    "self in ['a'] || oldSelf in ['b']",
    "self.name == oldSelf.other",
    "self.size() <= 5",
    "self == 'oldSelf'",
    "self == oldSelf || request.isAdmin",
    "",
    "oldSelf",
    "&&",
]


@pytest.mark.parametrize("rule", KEEPING, ids=range(len(KEEPING)))
def test_r2_1_a_rule_that_keeps_a_value(rule):
    assert keeps_value(rule)


@pytest.mark.parametrize("rule", RESTRICTING)
def test_r2_1_a_rule_that_restricts_a_change_for_now(rule):
    assert not keeps_value(rule)


@given(st.text() | st.text(alphabet="selfoldSelf.=&|!()?: 'x\\"))
def test_r2_1_any_rule_at_all_is_judged(rule):
    keeps_value(rule)


@given(st.text())
def test_r2_1_admission_may_say_anything(words):
    for said in SAID[:5]:
        error = status_error("PATCH", {"code": 422, "reason": "Invalid", "message": said.format("") + words})
        assert error.details["refusedBy"] != "validation"


def thing(*rules, at=(), **more):
    """The root of a custom resource with rules at its spec, or at the name in it."""
    name = {"type": "string", "x-kubernetes-validations": list(at)}
    properties = {"name": name, "free": {"type": "string"}, **more}
    spec = {"type": "object", "properties": properties, "x-kubernetes-validations": list(rules)}
    gvk = {"group": "example.dev", "version": "v1", "kind": "Thing"}
    schema = {"type": "object", "properties": {"spec": spec}, "x-kubernetes-group-version-kind": [gvk]}
    documents = {"apis/example.dev/v1": {"components": {"schemas": {"dev.example.v1.Thing": schema}}}}
    return root(gr.GVK("example.dev", "v1", "Thing"), gr.Schema(documents))


def test_the_schema_of_a_custom_resource_says_so():
    node = thing(at=[{"rule": "self == oldSelf", "message": "no"}])
    error = refused(("spec.name", 'Invalid value: "x": no'))
    assert is_immutable(error, ["/spec/name"], node)
    assert is_immutable(error, ["/spec"], node)
    assert not is_immutable(error, ["/spec/free"], node)
    assert not is_immutable(refused(("spec.free", 'Invalid value: "x": no')), ["/spec/free"], node)


BUSY = {"rule": "!self.busy || self.name == oldSelf.name", "message": "the name cannot be changed while it is busy"}
STAYS = {"rule": "self.name == oldSelf.name", "message": " the name stays ", "fieldPath": ".name"}


def test_r2_1_which_rule_of_a_definition_refused_is_told_by_its_words():
    node = thing(BUSY, STAYS)
    stays = ("spec.name", "Invalid value: the name stays")
    assert is_immutable(refused(stays), ["/spec/name"], node)
    assert is_immutable(refused(("spec.name", "Forbidden: the name stays", FORBIDDEN)), ["/spec/name"], node)
    # The words are masked where they repeat the value.
    assert is_immutable(refused(("spec.name", 'Invalid value: "name": the name stays')), ["/spec/name"], node)
    busy = ("spec", f"Invalid value: {BUSY['message']}")
    assert not is_immutable(refused(busy), ["/spec/name"], node)
    assert not is_immutable(refused(stays, busy), ["/spec/name"], node)
    assert not is_immutable(refused(("spec.name", "Invalid value: field is immutable")), ["/spec/name"], node)


def test_r2_1_a_rule_without_words_is_told_by_its_text_and_computed_words_by_there_being_no_other():
    silent = thing({"rule": "self.name == oldSelf.name"})
    assert is_immutable(
        refused(("spec", "Invalid value: failed rule: self.name == oldSelf.name")), ["/spec/name"], silent
    )
    computing = {"rule": "self.name == oldSelf.name", "messageExpression": "'the name ' + self.name + ' is for ever'"}
    said = refused(("spec", "Invalid value: the name x is for ever"))
    assert is_immutable(said, ["/spec/name"], thing(computing))
    also = {"rule": BUSY["rule"], "messageExpression": "'busy'"}
    assert not is_immutable(said, ["/spec/name"], thing(computing, also))


def test_what_no_schema_describes_is_never_taken_for_immutable():
    error = refused(("spec.name", 'Invalid value: "x": field is immutable'))
    nothing = gr.Registry.builtin().compile(gr.GVK("x.dev", "v1", "Thing"), None, {}, has_status=True)
    assert not is_immutable(error, ["/spec/name"], nothing)


RECORDED = json.loads((Path(__file__).parent / "immutables.json").read_text("utf-8"))


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"{row['gvk']} {row['causes'][0]['field']}")
def test_r2_1_what_an_api_server_refuses_to_change_and_would_create(row):
    """Recorded on 1.37.2: edits of the conformance suite that it refused as an update alone."""
    group, _, rest = row["gvk"].rpartition("/")
    group, _, version = group.rpartition("/")
    details = {"causes": row["causes"]}
    status = {"code": 422, "reason": "Invalid", "message": row["message"], "details": details}
    node = root(gr.GVK(group, version, rest))
    assert is_immutable(status_error("PATCH", status, hide=lambda text: text), row["paths"], node)
    assert not is_immutable(status_error("PATCH", status, hide=lambda text: text), ["/metadata/labels/a"], node)
    said = {**status, "message": f'admission webhook "a.b.c" denied the request: {row["message"]}'}
    assert not is_immutable(status_error("PATCH", said, hide=lambda text: text), row["paths"], node)
