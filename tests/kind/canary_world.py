"""The canary planted in every place that may hold a secret, and all that comes out of genreconcile, collected."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from pathlib import Path

import yaml

import genreconcile as gr
from genreconcile.report import FORMATS, render
from support.canary import Canary, Records, texts_of
from support.objects import definition, rule_set, struct, version

CANARY = Canary("c4n4ry/v4lu3+0123456789&<abc def>")
"""With characters that each spelling writes in its own way."""
OTHER = Canary("0ther-c4n4ry/<&+>/9876543210-zyx")
GROUP = "canary.genreconcile.dev"
RULES = rule_set(
    {"id": "users", "object": {"group": GROUP}, "path": "spec/users/*/password", "sensitive": True},
    {"id": "one", "object": {"group": GROUP}, "path": "spec/password", "sensitive": True},
    {"id": "token", "object": {}, "path": "metadata/annotations/example.com~1token", "sensitive": True},
)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_TEXT = {"type": "string"}
_USER = {"type": "object", "properties": {"name": _TEXT, "password": _TEXT}}
_SPEC = {
    "type": "object",
    "properties": {
        "users": {"type": "array", "items": _USER},
        "password": {"type": "string", "pattern": "^[^~]*$", "maxLength": 100},
        "note": _TEXT,
        "size": {"type": "integer"},
    },
    "x-kubernetes-validations": [
        {
            "rule": "!has(self.note) || self.note != 'refuse'",
            "message": "refused",
            "messageExpression": "'the password ' + self.password + ' is refused'",
        }
    ],
}
DEFINITION = definition(GROUP, version("v1", struct(spec=_SPEC)), kind="Vault")


def obj(api_version, kind, name, *, labels=None, annotations=None, **content):
    metadata = {"name": name, "labels": {"app": "canary", **(labels or {})}}
    if annotations is not None:
        metadata["annotations"] = annotations
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def secret(name, *, labels=None, annotations=None, **content):
    return obj("v1", "Secret", name, labels=labels, annotations=annotations, **content)


def vault(name, **spec):
    return obj(f"{GROUP}/v1", "Vault", name, spec=spec)


def good(canary=CANARY):
    """One object for each place, all of which the server takes."""
    copies = {LAST_APPLIED: json.dumps({"data": {"k": canary.base64}, "stringData": {"s": canary.text}})}
    token = {"example.com/token": canary.text, "note": "shown"}
    marked = {"genreconcile.dev/sensitive": "/data/dsn"}
    listed = {"metadata": {"name": "listed"}, "stringData": {"s": canary.text}}
    users = [{"name": "a"}, {"name": "b", "password": canary.text}]
    return [
        secret("data", data={"k": canary.base64}),
        secret("string-data", stringData={"s": canary.text}),
        secret("applied", annotations=copies, data={"k": "eA=="}),
        {"apiVersion": "v1", "kind": "List", "items": [secret("in-a-list", data={"k": canary.base64})]},
        {"apiVersion": "v1", "kind": "SecretList", "items": [listed]},
        vault("vault", users=users, password=canary.text, note="shown"),
        obj("v1", "ConfigMap", "annotated", annotations=token, data={"k": "shown"}),
        obj("v1", "ConfigMap", "marked", annotations=marked, data={"dsn": canary.text, "k": "shown"}),
    ]


def refused():
    """Objects that the server refuses, quoting what it was sent."""
    docker = {".dockerconfigjson": CANARY.base64}
    return [
        secret("docker", type="kubernetes.io/dockerconfigjson", data=docker),
        secret("tls", type="kubernetes.io/tls", data={"k": CANARY.base64}),
        secret("key", data={"bad key/": CANARY.base64}),
        secret("Bad_Name", stringData={"k": CANARY.text}),
        secret("webhook", labels={"refuse": "yes"}, data={"k": CANARY.base64}, stringData={"s": CANARY.text}),
        vault("pattern", password=f"~{CANARY.text}"),
        vault("too-long", password=CANARY.text * 4),
        vault("expression", password=CANARY.text, note="refuse"),
    ]


def denied(labels=None):
    """Objects that a policy refuses where they have no such labels, quoting what they hold."""
    made = vault("denied", password=CANARY.text)
    made["metadata"]["labels"].update(labels or {})
    return [secret("denied", labels=labels, data={"k": CANARY.base64}), made]


def malformed():
    """Objects of wrong types: no server would take them, and nobody knows where they hold what."""
    bad_mark = {"genreconcile.dev/sensitive": "data/dsn"}
    return [
        secret("int", data={"k": 7, "c": CANARY.base64}),
        secret("base64", data={"k": f"%%%{CANARY.text}"}),
        secret("null", data=None, stringData=None, annotations={"example.com/token": CANARY.text}),
        secret("text", data=CANARY.text),
        secret("list", data=[CANARY.text, {"k": CANARY.base64}]),
        secret("string-list", stringData=[CANARY.text]),
        secret("deep", stringData={"k": {"a": [CANARY.text]}}),
        secret("annotations", annotations=CANARY.text),
        secret("unknown-field", data={"k": CANARY.base64}, stringdata=CANARY.text, binaryData={"k": CANARY.text}),
        {**secret("misspelled", data={"k": CANARY.base64}), "kind": "secret"},
        vault("users-text", users=CANARY.text),
        vault("users-map", users={"password": CANARY.text}),
        vault("password-map", password={"a": CANARY.text}),
        {**vault("spec-text"), "spec": CANARY.text},
        obj("v1", "ConfigMap", "bad-mark", annotations=bad_mark, data={"dsn": CANARY.text}),
    ]


UNREADABLE = {
    "tag.yaml": "kind: Secret\nstringData:\n  k: !{}\n",
    "alias.yaml": "kind: Secret\nstringData:\n  k: *{}\n",
    "quote.yaml": 'kind: Secret\nstringData:\n  k: "{}\n',
    "indent.yaml": "kind: Secret\nstringData:\n  k: {}\n : x\n",
    "twice.yaml": "kind: Secret\nstringData: {{k: {0}, k: {0}}}\n",
    "json.json": '{{"stringData": {{"k": "{}"',
    "no-name.yaml": "apiVersion: v1\nkind: Secret\nstringData:\n  k: '{}'\n",
    "no-kind.yaml": "stringData:\n  k: '{}'\n",
    "scalar.yaml": "'{}'\n",
    "slash.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {{name: a/b}}\nstringData: {{k: '{}'}}\n",
    "key.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{~: '{}'}}\n",
}
# What kubectl reads as something else than it looks like.
RESPELLED = {
    "surrogate.json": '{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "a"}}, "x": "{}\\ud800"}}',
    "key.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{8080: '{}'}}\n",
}


class Outputs:
    """Whatever came out: texts under the name of where they came out."""

    def __init__(self):
        self.texts = {}  # Each text once: what repeats itself is one output.

    def add(self, where, *texts):
        self.texts |= dict.fromkeys((where, text) for text in texts)

    def take(self, where, call):
        """Call, and collect the result or the error, what was printed, and what all loggers got at DEBUG."""
        result = None
        with collected() as (printed, records):
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it comes out
                self.add(f"{where}: {type(error).__name__}", *texts_of(error))
            else:
                self.add(f"{where}: result", *shown(result))
        self.add(f"{where}: printed", *(stream.getvalue() for stream in printed))
        self.add(f"{where}: log", *records)
        return result

    @property
    def hits(self):
        return [(where, text[:300]) for where, text in self.texts if CANARY.hits(text) or OTHER.hits(text)]


@contextlib.contextmanager
def collected():
    out, err, records, root = io.StringIO(), io.StringIO(), Records(), logging.getLogger()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield (out, err), records.lines
    finally:
        root.removeHandler(records)
        root.setLevel(level)


def shown(value):
    """What is printed of a result: never ``expected``, ``live`` and ``patch.patch``, which are data."""
    yield from (str(value), repr(value), f"{value:>1}" if isinstance(value, str) else format(value))
    if isinstance(value, gr.Plan | gr.Result):
        yield from (value.summary(), *value.warnings)
        yield from (render(value, form) for form in FORMATS)
        members = (*value, *getattr(value, "unchanged", ()), *getattr(value, "refusals", ()))
    elif isinstance(value, gr.Outcome):
        members = (value.change, value.patch, value.reason, value.key)
    elif isinstance(value, gr.Change):
        members = (value.patch, value.operations, value.reason)
    elif isinstance(value, gr.Diff):
        members = (value.patch, *value.differences, *value.covered)
    else:
        members = value if type(value) in {list, tuple} else ()  # Of a named tuple its repr.
    for member in members:
        yield from shown(member)
    if isinstance(error := getattr(value, "error", None), BaseException):
        yield from texts_of(error)
    if isinstance(value, gr.Result) and value.failures:
        yield from texts_of(gr.ApplyFailed(value.failures))


def write(folder, name, objects):
    file = Path(folder) / f"{name}.yaml"
    file.write_text(yaml.safe_dump_all(objects), "utf-8")
    return str(file)


def kubeconfig_with_token(folder, kubeconfig):
    """The same user, by client certificate, with a bearer token beside it that is sent along."""
    config = yaml.safe_load(Path(kubeconfig).read_text("utf-8"))
    for user in config["users"]:
        user["user"]["token"] = CANARY.text
    file = Path(folder) / "kubeconfig"
    file.write_text(yaml.safe_dump(config), "utf-8")
    return str(file)


def edits():
    """Merge patches by which somebody else changes the good objects: (path, plural, name, patch)."""
    data = {"data": {"k": OTHER.base64, "added": OTHER.base64}}
    users = {"users": [{"name": "a", "password": OTHER.text}], "password": OTHER.text}
    yield "api/v1", "secrets", "data", data
    yield "api/v1", "secrets", "string-data", {"data": {"s": OTHER.base64}}
    yield "api/v1", "secrets", "applied", data
    yield "api/v1", "secrets", "in-a-list", {"data": None}
    yield f"apis/{GROUP}/v1", "vaults", "vault", {"spec": users}
    yield "api/v1", "configmaps", "annotated", {"metadata": {"annotations": {"example.com/token": OTHER.text}}}
    yield "api/v1", "configmaps", "marked", {"data": {"dsn": OTHER.text, "k": None}}
