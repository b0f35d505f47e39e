"""A: spelling of values."""

import pytest

import genreconcile as gr

GO_DURATIONS = {"2160h": "2160h0m0s", "1h": "1h0m0s", "90m": "1h30m0s"}


@pytest.mark.parametrize("written", GO_DURATIONS, ids=lambda written: f"A4-{written}")
def test_duration_that_a_controller_writes_anew(world, written):
    expected = world.sample(duration=written)
    canonical = {"object": {"kind": "Sample"}, "path": "spec/duration", "canonical": "duration"}
    with world.with_rules(canonical) as ruled:
        ruled.create(expected)
        ruled.edit(expected, {"op": "replace", "path": "/spec/duration", "value": GO_DURATIONS[written]})
        assert ruled.plan(expected) == []
        ruled.edit(expected, {"op": "replace", "path": "/spec/duration", "value": "7m0s"})
        assert ruled.plan(expected) == [{"op": "replace", "path": "/spec/duration", "value": written}]
    # Without the rule the text is only a text.
    world.edit_unseen(expected, {"op": "replace", "path": "/spec/duration", "value": GO_DURATIONS[written]})
    assert world.plan(expected) == [{"op": "replace", "path": "/spec/duration", "value": written}]


@pytest.mark.parametrize(("written", "live"), [("3600s", "1h"), ("1h", "60m")], ids=["A5-proto", "A5-gep2257"])
def test_duration_of_another_grammar_is_a_text(world, written, live):
    expected = world.sample(duration=written)
    world.create(expected)
    world.edit(expected, {"op": "replace", "path": "/spec/duration", "value": live})
    world.repair(expected)
    assert world.get(expected)["spec"]["duration"] == written


@pytest.mark.parametrize("text", ["aGVs\nbG8=\n", "aGVsbG8=\r\n"], ids=["A7-wrapped", "A7-trailing-newline"])
def test_base64_with_line_breaks(world, text):
    expected = world.obj("v1", "Secret", "s", data={"k": text})
    assert world.create(expected)["data"] == {"k": "aGVsbG8="}


def test_a7_invalid_base64_is_not_made_valid(world):
    (outcome,) = world.reconcile(world.obj("v1", "Secret", "s", data={"k": "no base64!"}))
    assert outcome.status == "failed"
    assert "no base64!" not in str(outcome.error), "a Secret's text stays out of messages"


@pytest.mark.parametrize("mode", ["0644", "0o644", "420"], ids=lambda mode: f"A10-{mode}")
def test_mode_in_yaml(world, tmp_path, mode):
    file = tmp_path / "pod.yaml"
    file.write_text(f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers: [{{name: web, image: "nginx:1.27"}}]
      volumes: [{{name: s, secret: {{secretName: s, defaultMode: {mode}}}}}]
""")
    (loaded,) = gr.load([file])
    (outcome,) = world.reconcile(loaded.obj, namespace=world.namespace)
    assert outcome.status == "created"
    live = world.get(world.deployment())
    assert live["spec"]["template"]["spec"]["volumes"][0]["secret"]["defaultMode"] == 0o644
    assert world.plan(loaded.obj, namespace=world.namespace) == []


def test_a11_integral_float(world):
    expected = world.deployment(replicas=2.0)
    world.create(world.deployment(replicas=2))
    assert world.plan(expected) == [], "2.0 and 2 are one number"
    world.edit(expected, {"op": "replace", "path": "/spec/replicas", "value": 3})
    world.repair(expected)
    assert world.get(expected)["spec"]["replicas"] == 2


def test_a14_time_of_a_custom_resource_in_another_zone(world):
    expected = world.sample(expires="2026-01-02T03:04:05.000Z")
    world.create(expected)
    world.edit(expected, {"op": "replace", "path": "/spec/expires", "value": "2026-01-02T04:04:05+01:00"})
    assert world.plan(expected) == []
    world.edit(expected, {"op": "replace", "path": "/spec/expires", "value": "2026-01-02T04:04:06+01:00"})
    world.repair(expected)


def not_a_string(world):
    env = {"containers": [{"name": "web", "image": "nginx:1.27", "env": [{"name": "PORT", "value": 80}]}]}
    deployment = world.deployment()
    deployment["spec"]["template"]["spec"] |= env
    return {
        "A16-label-number": (world.config(metadata={"labels": {"v": 5}}), "/metadata/labels/v"),
        "A16-label-boolean": (world.config(metadata={"labels": {"v": True}}), "/metadata/labels/v"),
        "A16-annotation-number": (world.config(metadata={"annotations": {"v": 5}}), "/metadata/annotations/v"),
        "A16-env-number": (deployment, "/spec/template/spec/containers/0/env/0/value"),
        "A16-data-number": (world.config(data={"v": 5}), "/data/v"),
        "A16-custom-label": (world.sample() | {"metadata": {"name": "s", "labels": {"v": 5}}}, "/metadata/labels/v"),
    }


@pytest.mark.parametrize(
    "case",
    [
        "A16-label-number",
        "A16-label-boolean",
        "A16-annotation-number",
        "A16-env-number",
        "A16-data-number",
        "A16-custom-label",
    ],
)
def test_a_number_where_a_string_must_be(world, case):
    bad, path = not_a_string(world)[case]
    (outcome,) = world.reconcile(bad, namespace=world.namespace)
    assert outcome.status == "failed"
    assert isinstance(outcome.error, gr.InputError)
    assert outcome.error.path == path
