"""The canary: a secret planted in every place comes out of no public function, no command, no log and no error."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.cli import main
from genreconcile.report import FORMATS
from kind.canary_world import (
    CANARY,
    DEFINITION,
    GROUP,
    LAST_APPLIED,
    OTHER,
    RESPELLED,
    RULES,
    UNREADABLE,
    Outputs,
    denied,
    edits,
    good,
    kubeconfig_with_token,
    malformed,
    refused,
    secret,
    vault,
    write,
)
from support.eventually import eventually
from support.webhook import Webhook

MERGE = "application/merge-patch+json"
DELETION = {"delete_selector": {"app": "canary"}, "allow_empty": True, "kinds": [f"{GROUP}/v1/Vault", "v1/Secret"]}
COMMANDS = {"diff": (), "plan": ("--verify",), "apply": ("--yes",)}


class World:
    """One namespace of a server whose webhook echoes, a connection with a token, and what came out so far."""

    def __init__(self, kubeconfig, namespace, folder):
        self.kubeconfig, self.namespace, self.folder = kubeconfig, namespace, folder
        self.outputs = Outputs()
        self.cluster = gr.connect(kubeconfig=kubeconfig)
        self.rules = gr.Registry.builtin().extend(RULES)

    def reconciler(self, **settings):
        return gr.Reconciler(self.cluster, rules=self.rules, namespaces=[self.namespace], **settings)

    def take(self, where, call, *arguments, **settings):
        return self.outputs.take(where, lambda: call(*arguments, **settings))

    def send(self, method, path, body, content_type="application/json"):
        data = json.dumps(body).encode()
        return json.loads(self.cluster.request(method, path, body=data, content_type=content_type))

    def place(self, prefix, plural, name=""):
        return f"/{prefix}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def edit(self):
        """The newest resourceVersion."""
        answers = [self.send("PATCH", self.place(*place), patch, MERGE) for *place, patch in edits()]
        return answers[-1]["metadata"]["resourceVersion"]

    def run(self, where, *arguments):
        """A command, in this process: its loggers are put back afterwards."""
        loggers = [logging.getLogger(name) for name in ("genreconcile", "urllib3.connectionpool")]
        before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
        code = self.take(where, main, [*map(str, arguments)])
        for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
        return code

    def every_command(self, where, file, *more, kubeconfig=None, forms=FORMATS):
        options = ["-n", self.namespace, "--kubeconfig", kubeconfig or self.kubeconfig, "--v=9"]
        options += ["--rules", write(self.folder, "rules", [RULES]), "-f", file, *more]
        codes = set()
        for form in forms:
            for command, own in COMMANDS.items():
                codes.add(self.run(f"{where}: {command} -o {form}", command, "-o", form, *own, *options))
        return codes


@pytest.fixture(scope="module")
def vaults(control_plane):
    """The kind Vault, as long as this module runs."""
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([DEFINITION]).raise_for_failures()
    yield
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{DEFINITION['metadata']['name']}"
    cluster.request("DELETE", path)


@pytest.fixture
def world(control_plane, vaults, namespace, tmp_path):
    made = World(kubeconfig_with_token(tmp_path, control_plane.kubeconfig), namespace, tmp_path)
    yield made
    made.cluster.close()
    print(f"canary: {len(made.outputs.texts)} outputs searched, {len(made.outputs.hits)} hits")
    if report := os.environ.get("GENRECONCILE_CANARY_REPORT"):
        with Path(report).open("a", encoding="utf-8") as file:
            name = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" ")[0]
            file.write(f"{name}: {len(made.outputs.texts)} outputs searched, {len(made.outputs.hits)} hits\n")


@pytest.fixture
def webhook(world, tmp_path):
    """Refuses Secrets that are marked, echoing them, and insists on another password in marked Vaults."""

    def echo(obj):
        labels = obj["metadata"].get("labels", {})
        if labels.get("refuse") != "yes":
            return ""
        return f"no: {json.dumps(obj)}, {obj}, {CANARY.text}, {CANARY.base64}, {CANARY.text.encode().hex()}"

    def insist(obj):
        if obj["metadata"].get("labels", {}).get("insist") != "yes":
            return []
        return [{"op": "add", "path": "/spec/password", "value": OTHER.text}]

    rule = {"apiGroups": ["", GROUP], "apiVersions": ["*"], "resources": ["secrets", "vaults"]}
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    with Webhook(tmp_path, insist) as hook:
        hook.refuses = echo
        world.send("POST", path, hook.configuration(world.namespace, world.namespace, rule))

        def is_called():
            world.cluster.request(
                "POST", world.place("api/v1", "secrets"), query={"dryRun": "All"}, body=json.dumps(probe).encode()
            )
            return hook.calls

        probe = {"metadata": {"name": "probe"}}
        assert eventually(is_called)
        yield hook
        world.cluster.request("DELETE", f"{path}/{world.namespace}")


@pytest.fixture
def policy(world):
    """Refuses Secrets and Vaults without a label, and every deletion, quoting what they hold."""
    place = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    rule = {"apiGroups": ["", GROUP], "apiVersions": ["*"], "resources": ["secrets", "vaults"]}
    operations = ["CREATE", "UPDATE", "DELETE"]
    held = "(request.operation == 'DELETE' ? oldObject : object)"
    quoted = f"{held}.kind == 'Vault' ? {held}.spec.password : string({held}.data.k)"
    validation = {
        "expression": "request.operation != 'DELETE' && 'say' in object.metadata.labels",
        "messageExpression": f"'say please: ' + ({quoted})",
    }
    match = {"resourceRules": [{**rule, "operations": operations}]}
    spec = {"failurePolicy": "Ignore", "matchConstraints": match, "validations": [validation]}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}
    binding = {"policyName": world.namespace, "validationActions": ["Deny"], "matchResources": here}
    metadata = {"name": world.namespace}
    world.send("POST", f"{place}ies", {"metadata": metadata, "spec": spec})
    world.send("POST", f"{place}ybindings", {"metadata": metadata, "spec": binding})
    probe = secret("probe", data={"k": "eA=="})

    def is_refused():
        try:
            body = json.dumps(probe).encode()
            world.cluster.request("POST", world.place("api/v1", "secrets"), query={"dryRun": "All"}, body=body)
        except gr.Invalid:
            return True
        return False

    eventually(is_refused, pause=0.1)
    yield
    world.cluster.request("DELETE", f"{place}ybindings/{world.namespace}")
    world.cluster.request("DELETE", f"{place}ies/{world.namespace}")


def test_what_goes_well_and_what_drifts(world):
    file = write(world.folder, "good", good())
    assert world.every_command("create", file) == {0, 1}
    assert world.every_command("in sync", file) == {0}
    with world.reconciler() as reconciler:
        for round_ in range(2):
            seen = {"namespace": world.namespace, "not_older_than": world.edit()}
            for fields in ("exact", "subset"):
                plan = world.take("plan", reconciler.plan, good(), fields=fields, **seen)
                assert plan.counts["update"] >= 5, plan
            world.take("verify", reconciler.plan, good(), namespace=world.namespace, verify=True)
            if round_:
                assert world.take("apply", reconciler.apply, plan)
        world.take("reconcile", reconciler.reconcile, good(), namespace=world.namespace)
    world.edit()
    for form in FORMATS:
        options = ["-n", world.namespace, "--kubeconfig", world.kubeconfig, "-v", "9", "-f", file]
        options += ["--rules", write(world.folder, "rules", [RULES])]
        assert world.run(f"drift: diff -o {form}", "diff", "-o", form, *options) == 1
        assert world.run(f"drift: plan -o {form}", "plan", "-o", form, *options) == 1
    assert world.every_command("drift", file) <= {0, 1}
    assert world.outputs.hits == []
    assert any("***" in text for _, text in world.outputs.texts)
    assert any("shown" in text for _, text in world.outputs.texts), "what is no secret is shown"


def test_what_the_server_refuses(world, webhook):
    file = write(world.folder, "refused", refused())
    assert world.every_command("refused", file) == {1}
    with world.reconciler() as reconciler:
        for obj in refused():
            result = world.take(obj["metadata"]["name"], reconciler.reconcile, [obj], namespace=world.namespace)
            assert [outcome.status for outcome in result] == ["failed"]
            plural = "vaults" if obj["kind"] == "Vault" else "secrets"
            prefix = f"apis/{GROUP}/v1" if obj["kind"] == "Vault" else "api/v1"
            if plural == "secrets":  # Rules of the user are not known to the connection.
                world.take("request", world.send, "POST", world.place(prefix, plural), obj)
    assert world.outputs.hits == []
    echoed = [text for _, text in world.outputs.texts if "denied the request: no: " in text]
    assert echoed, "the webhook was asked"


def test_what_a_policy_refuses(world, policy):
    """It quotes passwords: of what is created and patched, and of what is deleted."""
    file = write(world.folder, "denied", denied())
    assert world.every_command("denied", file) == {1}
    allowed = denied(labels={"say": "please"})
    deletion = {"delete_from_namespace": world.namespace, **DELETION}
    with world.reconciler() as reconciler:
        reconciler.reconcile(allowed, namespace=world.namespace).raise_for_failures()
        result = world.take("patch", reconciler.reconcile, denied(), namespace=world.namespace)
        assert result.counts["failed"] == 2
    with world.reconciler() as reconciler:  # One that knows of the others no more than their metadata.
        result = world.take("delete", reconciler.reconcile, [], **deletion)
        assert [outcome.status for outcome in result] == ["failed"] * 2
    for obj in allowed:
        prefix, plural = (f"apis/{GROUP}/v1", "vaults") if obj["kind"] == "Vault" else ("api/v1", "secrets")
        if plural == "secrets":  # Rules of the user are not known to the connection.
            name = obj["metadata"]["name"]
            world.take("request", world.send, "DELETE", world.place(prefix, plural, name), {})
            merge = {"metadata": {"labels": {"say": None}}}
            world.take("merge", world.send, "PATCH", world.place(prefix, plural, name), merge, MERGE)
    assert world.outputs.hits == []
    texts = [text for _, text in world.outputs.texts if "denied request" in text]
    assert any("say please: ***" in text for text in texts), "the words are shown, without what they quote"
    assert any("words that are not shown" in text for text in texts)


def test_what_is_malformed(world):
    for obj in malformed():
        name = obj["metadata"]["name"]
        file = write(world.folder, "malformed", [obj])
        codes = {world.run(f"{name}: {command}", command, "-f", file, *options(world)) for command in COMMANDS}
        assert codes <= {0, 1, 2}
        with world.reconciler() as reconciler:
            plan = world.take(name, reconciler.plan, [obj], namespace=world.namespace)
            if plan is not None:
                world.take(name, reconciler.apply, plan)
            world.take(name, reconciler.reconcile, [obj], namespace=world.namespace)
        live = {**obj, "metadata": {**obj["metadata"], "namespace": world.namespace}}
        for first, second in ((obj, live), (secret(name), obj), (obj, secret(name))):
            world.take(f"diff {name}", gr.diff, first, second, rules=world.rules)
            world.take(f"explain {name}", gr.explain, first, second, rules=world.rules)
    world.every_command("malformed", write(world.folder, "malformed", malformed()))
    assert world.outputs.hits == []


def options(world):
    rules = write(world.folder, "rules", [RULES])
    return ["-n", world.namespace, "--kubeconfig", world.kubeconfig, "--v=9", "-o", "diff", "--rules", rules]


def test_what_cannot_be_loaded(world):
    for number, (name, content) in enumerate(UNREADABLE.items()):
        file = world.folder / name
        file.write_text(content.format(CANARY.text.replace("\\", "")), "utf-8")
        world.take(f"load {name}", gr.load, [file])
        world.take(f"rules {name}", gr.Registry.builtin().extend, file)
        world.take(f"schema {name}", gr.Schema.load, file)
        assert world.every_command(name, file, forms=[FORMATS[number % len(FORMATS)]]) == {2}
        assert world.run(name, "rules", "explain", "-f", file, "--live", file, "--rules", file) == 2
        assert world.run(name, "rules", "suggest", "-f", file, "--live", file) == 2
        world.take(f"kubeconfig {name}", gr.connect, kubeconfig=str(file))
        assert (
            world.run(f"kubeconfig {name}", "diff", "-f", write(world.folder, "good", good()), "--kubeconfig", file)
            == 3
        )
    assert world.outputs.hits == []


def test_what_is_read_as_something_else(world):
    for name, content in RESPELLED.items():
        file = world.folder / name
        file.write_text(content.format(CANARY.text.replace("\\", "")), "utf-8")
        world.take(f"load {name}", gr.load, [file])
        assert world.every_command(name, file) <= {0, 1, 2}
    assert world.outputs.hits == []


def test_what_is_forbidden_or_not_there(world, control_plane):
    file = write(world.folder, "good", good())
    nobody = kubeconfig_with_token(world.folder, control_plane.user_kubeconfig("nobody"))
    assert world.every_command("forbidden", file, kubeconfig=nobody) <= {1, 2, 3}
    for server in ("https://127.0.0.1:1", f"https://user:{CANARY.text[:6]}@127.0.0.1:1"):
        config = yaml.safe_load(Path(nobody).read_text())
        config["clusters"][0]["cluster"]["server"] = server
        away = world.folder / "away"
        away.write_text(yaml.safe_dump(config))
        assert world.run("away", "diff", "-f", file, "--kubeconfig", away, "--v=9") == 3
    world.take("connect", gr.connect, kubeconfig=str(away))
    forbidden = gr.connect(kubeconfig=nobody)
    with gr.Reconciler(forbidden, rules=world.rules) as reconciler:
        world.take("forbidden", reconciler.plan, good(), namespace=world.namespace)
        world.take("forbidden", reconciler.reconcile, good(), namespace=world.namespace)
    assert world.outputs.hits == []


def test_conflicts(world):
    mine = good()
    with world.reconciler() as reconciler:
        plan = reconciler.plan(mine, namespace=world.namespace)
        theirs = secret("data", data={"k": OTHER.base64})
        world.send("POST", world.place("api/v1", "secrets"), theirs)
        result = world.take("already exists", reconciler.apply, plan)
        assert any(isinstance(outcome.error, gr.Conflict) for outcome in result)
        reconciler.reconcile(mine, namespace=world.namespace).raise_for_failures()
        plan = reconciler.plan(mine, namespace=world.namespace, not_older_than=world.edit())
        world.cluster.request("DELETE", world.place("api/v1", "secrets", "data"))
        world.send("POST", world.place("api/v1", "secrets"), theirs)
        world.send("PATCH", world.place("api/v1", "secrets", "applied"), {"data": {"more": OTHER.base64}}, MERGE)
        result = world.take("changed", reconciler.apply, plan)
        assert any(isinstance(outcome.error, gr.Conflict) for outcome in result)
    assert world.outputs.hits == []


def test_immutable_secrets(world):
    first = secret("fixed", data={"k": CANARY.base64}, immutable=True)
    second = secret("fixed", data={"k": OTHER.base64}, immutable=True)
    with world.reconciler() as reconciler:
        reconciler.reconcile([first], namespace=world.namespace).raise_for_failures()
        result = world.take("fail", reconciler.reconcile, [second], namespace=world.namespace)
        assert [outcome.status for outcome in result] == ["failed"]
        world.take("verify", reconciler.plan, [second], namespace=world.namespace, verify=True)
    file = write(world.folder, "fixed", [second])
    assert world.every_command("immutable", file) == {1}
    assert world.outputs.hits == []


def test_fights_and_what_the_server_insists_on(world, webhook):
    expected = [vault("fought", password=CANARY.text, users=[{"name": "a", "password": CANARY.text}])]
    insisted = vault("insisted", password=CANARY.text)
    insisted["metadata"]["labels"]["insist"] = "yes"
    statuses = []
    with world.reconciler() as reconciler:
        reconciler.reconcile(expected, namespace=world.namespace).raise_for_failures()
        for round_ in range(8):
            rival = {"spec": {"password": OTHER.text, "users": [{"name": "a", "password": f"{OTHER.text}{round_}"}]}}
            seen = world.send("PATCH", world.place(f"apis/{GROUP}/v1", "vaults", "fought"), rival, MERGE)
            settings = {"namespace": world.namespace, "not_older_than": seen}
            result = world.take("fight", reconciler.reconcile, expected, **settings)
            world.take("fight", reconciler.plan, expected, namespace=world.namespace)
            statuses += [outcome.reason for outcome in result]
        for _ in range(5):
            result = world.take("insist", reconciler.reconcile, [insisted], namespace=world.namespace)
            statuses += [outcome.reason for outcome in result]
    assert any("a fight with" in reason for reason in statuses), statuses
    assert any("the server insists" in reason or "rule gap" in reason for reason in statuses), statuses
    assert world.outputs.hits == []


def test_deletions(world):
    file = write(world.folder, "good", good())
    with world.reconciler() as reconciler:
        reconciler.reconcile(good(), namespace=world.namespace).raise_for_failures()
        plan = world.take("plan", reconciler.plan, [], delete_from_namespace=world.namespace, **DELETION)
        assert plan.counts["delete"] >= 6
        refuse = {**DELETION, "max_deletions": 1}
        world.take("refuse", reconciler.reconcile, [], delete_from_namespace=world.namespace, **refuse)
    more = ["--delete-from-namespace", world.namespace, "--delete-selector", "app=canary"]
    more += ["--kinds", f"{GROUP}/v1/Vault", "--kinds", "v1/Secret", "--max-deletions", "100"]
    one = write(world.folder, "one", good()[:1])
    assert world.every_command("refuse", one, *more[:-1], "1") == {4}
    assert world.every_command("delete", one, *more) == {0, 1}
    assert world.every_command("create", file) == {0, 1}
    assert world.outputs.hits == []


def test_offline(world):
    live = json.loads(json.dumps(good(OTHER)[:1] + good(OTHER)[5:]))
    expected = good()[:1] + good()[5:]
    rules = write(world.folder, "rules", [RULES])
    for number, (mine, theirs) in enumerate(zip(expected, live, strict=True)):
        for schema in (None, gr.Schema.from_cluster(world.cluster)):
            found = world.take("diff", gr.diff, mine, theirs, rules=world.rules, schema=schema)
            assert found, "there are differences"
            explained = world.take("explain", gr.explain, mine, theirs, rules=world.rules, schema=schema)
            assert any(explanation.masked for explanation in explained)
            world.take("suggest", gr.suggest, mine, explained)
        files = write(world.folder, f"mine-{number}", [mine]), write(world.folder, f"theirs-{number}", [theirs])
        for command in ("explain", "suggest"):
            code = world.run(command, "rules", command, "-f", files[0], "--live", files[1], "--rules", rules)
            assert code in {0, 1}
    world.take("load", gr.load, [write(world.folder, "good", good())])
    assert world.outputs.hits == []


def test_the_cache(world):
    with world.reconciler() as reconciler:
        reconciler.reconcile(good(), namespace=world.namespace).raise_for_failures()
    events = []
    kinds = ["v1/Secret", f"{GROUP}/v1/Vault", "v1/ConfigMap"]
    with gr.Cache(world.cluster, kinds, namespaces=[world.namespace]) as cache:
        cache.subscribe(events.append)
        world.take("sync", cache.wait_for_sync)
        world.edit()
        eventually(lambda: len(events) >= 6, lambda: events, pause=0.05)
        for kind in kinds:
            records = world.take("records", cache.records, kind)
            assert records
            world.take("record", cache.record, kind, records[0].name, namespace=world.namespace)
            world.take("store", cache.store, kind)
        world.take("cache", lambda: [cache, *cache.kinds(), cache.error("v1/Secret"), *events])
    assert any(LAST_APPLIED not in json.dumps(record.decode()) for record in records)
    assert len(events) >= 6
    assert world.outputs.hits == []


def test_the_program_itself(world):
    """As above, in processes of their own, whose last words would be Python's."""
    program = [sys.executable, "-c", "import sys; from genreconcile.cli import main; sys.exit(main())"]
    files = {
        "good": write(world.folder, "good", good()),
        "refused": write(world.folder, "refused", refused()),
        "malformed": write(world.folder, "malformed", malformed()),
    }
    for name, file in files.items():
        for command in COMMANDS:
            done = subprocess.run(
                [*program, command, "-f", file, *options(world)],
                capture_output=True, text=True, check=False, timeout=60, cwd=Path(gr.__file__).parents[1],
            )  # fmt: skip
            assert done.returncode in {0, 1, 2}, done.stderr
            assert "urllib3.connectionpool" in done.stderr, "the requests are logged"
            world.outputs.add(f"{name}: {command}", done.stdout, done.stderr)
    assert world.outputs.hits == []


@pytest.mark.parametrize(
    ("place", "replacement"),
    [
        ("genreconcile.report.text.mask_value", lambda _fields, _path, value: value),
        ("genreconcile.report.diff.mask_object", lambda obj, _fields: obj),
        ("genreconcile.plan.change.mask_patch", lambda _fields, operations: list(operations)),
        ("genreconcile.plan.change.Hiding", lambda *_: str),
        ("genreconcile.catalog.sensitive_fields", lambda *_, **__: ()),
    ],
    ids=["text", "diff", "patch", "messages", "rules"],
)
def test_the_search_finds_what_is_not_masked(world, webhook, monkeypatch, place, replacement):
    with world.reconciler() as reconciler:
        reconciler.reconcile(good(), namespace=world.namespace).raise_for_failures()
        seen = {"namespace": world.namespace, "not_older_than": world.edit()}
        monkeypatch.setattr(place, replacement)
        monkeypatch.setattr("genreconcile.cluster.hiding_answer", lambda *_: str)
        world.take("plan", reconciler.plan, [*good(), *refused()], **seen)
        world.take("refused", reconciler.reconcile, refused(), namespace=world.namespace)
    found = world.outputs.hits
    world.outputs.texts.clear()
    assert found
