"""D3, D6, E23, G5: a real mutating webhook, and what its answers do to a reconcile."""

import itertools

import pytest

from support.eventually import eventually
from support.webhook import Webhook

SAMPLES = {"apiGroups": ["cases.genreconcile.dev"], "apiVersions": ["*"], "resources": ["samples"]}


@pytest.fixture
def installed(world, tmp_path):
    """Installs a webhook for the Samples of this world, and waits until the server calls it."""
    opened = []

    def install(mutate):
        webhook = Webhook(tmp_path, mutate)
        webhook.__enter__()
        opened.append(webhook)
        configuration = webhook.configuration(world.namespace, world.namespace, SAMPLES)
        world.reconcile(configuration).raise_for_failures()
        probe = {**world.sample(), "metadata": {"name": "probe", "namespace": world.namespace}}

        def called():
            world.send("POST", world.path(probe).rpartition("/")[0], probe, query={"dryRun": "All"})
            return webhook.calls

        assert eventually(called)
        opened.append(configuration)
        return webhook

    yield install
    for entry in reversed(opened):
        if isinstance(entry, dict):
            world.delete(entry)
        else:
            entry.__exit__()


def writes_of(world, expected, rounds=8):
    """The versions that the object goes through while it is reconciled again and again, and the last outcome."""
    versions = [world.get(expected)["metadata"]["resourceVersion"]]
    for _ in range(rounds):
        (outcome,) = world.reconcile(expected)
        versions.append(world.get(expected)["metadata"]["resourceVersion"])
    return sum(before != after for before, after in itertools.pairwise(versions)), outcome


def test_d3_a_webhook_that_appends_never_becomes_a_loop(world, installed):
    def append(obj):
        missing = not any(rule.get("name") == "autogen" for rule in obj["spec"].get("rules", [{"name": "autogen"}]))
        return [{"op": "add", "path": "/spec/rules/-", "value": {"name": "autogen"}}] if missing else []

    installed(append)
    expected = world.sample(rules=[{"name": "mine"}])
    world.reconcile(expected).raise_for_failures()
    writes, outcome = writes_of(world, expected)
    assert writes == 0, "the server undoes the patch in the same request, so nothing is stored"
    assert outcome.status == "unchanged"
    assert outcome.reason.startswith(("rule gap", "the server insists"))
    with world.with_rules({"object": {"kind": "Sample"}, "path": "spec/rules", "keep": "all"}) as ruled:
        assert ruled.plan(expected) == []


def test_d6_random_values_at_creation(world, installed):
    numbers = itertools.count()

    def stamp(obj):
        return (
            []
            if "firmware" in obj["spec"]
            else [{"op": "add", "path": "/spec/firmware", "value": {"uuid": f"random-{next(numbers)}"}}]
        )

    installed(stamp)
    expected = world.sample(replicas=1)
    world.reconcile(expected).raise_for_failures()
    with world.with_rules({"object": {"kind": "Sample"}, "path": "spec/firmware", "managed": True}) as ruled:
        assert ruled.plan(expected) == []
    writes, outcome = writes_of(world, expected)
    assert 0 < writes <= 5
    assert outcome.status in {"unchanged", "skipped"}


def test_e23_another_random_value_at_each_write(world, installed):
    numbers = itertools.count()
    installed(lambda _: [{"op": "add", "path": "/spec/duration", "value": f"random-{next(numbers)}"}])
    expected = world.sample(duration="1h")
    world.reconcile(expected).raise_for_failures()
    writes, outcome = writes_of(world, expected, rounds=20)
    assert 0 < writes <= 10
    assert outcome.status in {"unchanged", "skipped"}


def test_g5_a_dry_run_that_is_refused_leaves_the_comparison_by_rules(world, installed):
    webhook = installed(lambda _: [])
    expected = world.sample(replicas=1)
    world.create(expected)
    world.edit(expected, {"op": "replace", "path": "/spec/replicas", "value": 2})
    webhook.refuses = True
    (change,) = world.reconciler.plan([expected], verify=True).changes
    assert change.operations == [{"op": "replace", "path": "/spec/replicas", "value": 1}]
    webhook.refuses = False
    world.repair(expected)


def test_g5_the_server_refuses_webhooks_that_know_no_dry_run(world):
    """In admissionregistration.k8s.io/v1 there is none any more that could make a dry run impossible."""
    webhook = {"name": "a.example.com", "sideEffects": "Some", "admissionReviewVersions": ["v1"]}
    webhook |= {"clientConfig": {"url": "https://127.0.0.1:1/"}}
    bad = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": world.namespace},
        "webhooks": [webhook],
    }
    (outcome,) = world.reconcile(bad)
    assert outcome.status == "failed"
    assert "sideEffects" in str(outcome.error)
