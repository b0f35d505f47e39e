"""Some hundred kubeconfigs, each with the way in which it is used.

Invariant: nothing here knows what comes of it: kubectl says that.
"""

from __future__ import annotations

import base64
import json
import os
import random
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

V1, BETA = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"


@dataclass
class World:
    """What a kubeconfig may refer to: a server, two users' certificates (PEM), a token, other certificates."""

    server: str
    authority: bytes
    certificate: bytes
    key: bytes
    other_certificate: bytes
    other_key: bytes
    token: str
    stranger: bytes
    serving: bytes
    proxy: str
    folder: Path = Path()

    @property
    def port(self) -> str:
        return self.server.rpartition(":")[2]

    def file(self, name: str, content: bytes | str, mode: int = 0o600) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return str(path)

    def script(self, name: str, text: str) -> str:
        return self.file(name, f"#!/bin/sh\n{text}\n", stat.S_IRWXU)

    def says(self, name: str, text: str) -> str:
        return self.script(name, f"cat {self.file(f'{name}.txt', text)}")

    def grants(self, name: str = "plugin", version: str = V1, before: str = "", **status: Any) -> str:
        """A program that grants it."""
        answer = {"kind": "ExecCredential", "apiVersion": version, "status": status}
        self.file(f"{name}.json", json.dumps(answer))
        return self.script(name, f"{before}\ncat {self.folder / name}.json")


@dataclass
class Use:
    """A kubeconfig and how it is used. ``stricter``: we refuse what kubectl takes, and why."""

    config: Any
    flags: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    stricter: str = ""


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def config(world: World, user: Any, cluster: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    base = {"server": world.server, "certificate-authority-data": b64(world.authority)}
    merged = {key: value for key, value in {**base, **(cluster or {})}.items() if value is not ...}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": merged}],
        "users": [{"name": "u", "user": user}],
        **top,
    }


def plugin(command: str, version: str = V1, **more: Any) -> dict[str, Any]:
    mode = {"interactiveMode": "Never"} if version == V1 else {}
    entry = {"command": command, "apiVersion": version, **mode, **more}
    return {"exec": {key: value for key, value in entry.items() if value is not ...}}


def certificates(w: World) -> dict[str, Any]:
    data = {"client-certificate-data": b64(w.certificate), "client-key-data": b64(w.key)}
    crt, key = w.file("pki/u.crt", w.certificate), w.file("pki/u.key", w.key)
    other = {"client-certificate-data": b64(w.other_certificate), "client-key-data": b64(w.other_key)}
    lined = "\n".join(b64(w.certificate)[at : at + 64] for at in range(0, len(b64(w.certificate)), 64))
    users = {
        "data": data,
        "other": other,
        "files": {"client-certificate": crt, "client-key": key},
        "relative files": {"client-certificate": "pki/u.crt", "client-key": "./pki/../pki/u.key"},
        "data and a file": {**data, "client-key-data": ..., "client-key": key},
        "lined base64": {**data, "client-certificate-data": lined},
        "no key": {**data, "client-key-data": ...},
        "no certificate": {**data, "client-certificate-data": ...},
        "a key of another": {**data, "client-key-data": b64(w.other_key)},
        "both": {**data, "client-certificate": crt},
        "both keys": {**data, "client-key": key},
        "no such file": {"client-certificate": "none.crt", "client-key": key},
        "no PEM": {**data, "client-certificate-data": b64(b"hello")},
        "no base64": {**data, "client-certificate-data": "%%%"},
        "of a stranger": {**data, "client-certificate-data": b64(w.stranger)},
        "and a token": {**data, "token": w.token},
        "and a bad token": {**data, "token": "bad"},
        "and a user of an application": {**data, "username": "a", "password": "b"},
        "a chain": {**data, "client-certificate-data": b64(w.certificate + w.authority)},
        "a remark in front": {**data, "client-certificate-data": b64("grüße\n".encode() + w.certificate)},
    }
    return {name: Use(config(w, {k: v for k, v in user.items() if v is not ...})) for name, user in users.items()}


def tokens(w: World) -> dict[str, Any]:
    good, lined, empty = w.file("good", w.token), w.file("lined", f"{w.token}\n\n"), w.file("empty", "")
    users = {
        "token": {"token": w.token},
        "bad token": {"token": "bad"},
        "file": {"tokenFile": good},
        "relative file": {"tokenFile": "good"},
        "file with a line break": {"tokenFile": lined},
        "file and bad token": {"token": "bad", "tokenFile": good},
        "bad file and token": {"token": w.token, "tokenFile": w.file("bad", "bad")},
        "no such file and token": {"token": w.token, "tokenFile": "none"},
        "empty file and token": {"token": w.token, "tokenFile": empty},
        "no such file": {"tokenFile": "none"},
        "empty file": {"tokenFile": empty},
        "a number": {"token": 123},
        "a line in it": {"token": f"{w.token}\nx"},
        "username": {"username": "a", "password": "b"},
        "username alone": {"username": "a"},
        "username and token": {"username": "a", "password": "b", "token": w.token},
        "username and file": {"username": "a", "password": "b", "tokenFile": good},
        "gcp": {"auth-provider": {"name": "gcp", "config": {"access-token": w.token}}},
        "azure": {"auth-provider": {"name": "azure", "config": {"access-token": w.token}}},
        "unknown": {"auth-provider": {"name": "mine", "config": {}}},
        "gcp and token": {"auth-provider": {"name": "gcp"}, "token": w.token},
        "oidc without anything": {"auth-provider": {"name": "oidc"}},
        "oidc and a token that is none": {
            "auth-provider": {
                "name": "oidc",
                "config": {"id-token": "x", "idp-issuer-url": "https://x", "client-id": "c"},
            }
        },
    }
    uses = {name: Use(config(w, user)) for name, user in users.items()}
    uses["password alone"] = Use(config(w, {"password": "b"}), stricter="kubectl goes on as nobody")
    return uses


def nobodies(w: World) -> dict[str, Any]:
    users = {"empty": {}, "null": None, "token null": {"token": None}, "token empty": {"token": ""}}
    users |= {"a list": [], "a text": "x", "unknown fields": {"tokne": w.token}}
    uses = {name: Use(config(w, user)) for name, user in users.items()}
    for name, context in {"no user": {}, "an empty name": {"user": ""}, "no such": {"user": "v"}}.items():
        uses[name] = Use(config(w, {}, contexts=[{"name": "c", "context": {"cluster": "c", **context}}]))
    return uses


def impersonation(w: World) -> dict[str, Any]:
    admin = {"client-certificate-data": b64(w.other_certificate), "client-key-data": b64(w.other_key)}
    extra = {"Scopes": ["a", "b c"], "example.com/x%y z": ["1"], "grüße": ["ä"], "empty": []}
    every = {"as": "bob", "as-groups": ["dev", "ops"], "as-uid": "u-1", "as-user-extra": extra}
    users = {
        "as": {"as": "bob"},
        "all": every,
        "groups": {"as": "bob", "as-groups": ["system:masters"]},
        "uid": {"as": "bob", "as-uid": "7"},
        "nobody": {"as": "system:anonymous"},
        "a service account": {"as": "system:serviceaccount:default:default"},
        "a name in Unicode": {"as": "jürgen 试"},
        "spaces": {"as": " bob "},
        "an empty group": {"as": "bob", "as-groups": [""]},
        "groups alone": {"as-groups": ["dev"]},
        "uid alone": {"as-uid": "7"},
        "extra alone": {"as-user-extra": {"a": ["b"]}},
        "empty": {"as": "", "as-groups": []},
        "null": {"as": None},
        "a number": {"as": 7},
        "groups as a text": {"as": "bob", "as-groups": "dev"},
        "a line break": {"as": "bob\nx"},
        "a control character": {"as": "bob\x01"},
    }
    uses = {name: Use(config(w, {**admin, **user})) for name, user in users.items()}
    uses["spaces"].stricter = "HTTP/1.1 would lose the spaces, and so make it another user"
    uses["by one who may not"] = Use(config(w, {"token": w.token, "as": "bob"}))
    uses["by nobody"] = Use(config(w, {"as": "bob"}))
    flags = {
        "--as": ({}, {"as_": "eve"}),
        "--as over as": (every, {"as_": "eve"}),
        "--as and --as-group": ({}, {"as_": "eve", "as_groups": ["x", "y"]}),
        "--as-group over as-groups": (every, {"as_groups": ["x"]}),
        "--as-uid over as-uid": (every, {"as_uid": "9"}),
        "--as-group alone": ({}, {"as_groups": ["x"]}),
        "--as-uid alone": ({}, {"as_uid": "x"}),
        "--as empty": (every, {"as_": ""}),
    }
    return uses | {name: Use(config(w, {**admin, **user}), given) for name, (user, given) in flags.items()}


def plugins(w: World) -> dict[str, Any]:
    works, beta = w.grants(token=w.token), w.grants("beta", BETA, token=w.token)
    identity = {"clientCertificateData": w.certificate.decode(), "clientKeyData": w.key.decode()}
    w.grants("bin/onpath", token=w.token)
    w.grants("bin/sub/deep", token=w.token)
    info = w.file("info.log", "")
    tells = w.grants("tells", before=f"printenv KUBERNETES_EXEC_INFO >> {info}", token=w.token)
    tells_beta = w.grants("tells-beta", BETA, before=f"printenv KUBERNETES_EXEC_INFO >> {info}", token=w.token)
    needs = w.grants("needs", before='test "$1,$2,$A" = "x,y z,1=2" || exit 3', token=w.token)
    extension = [
        {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x", "list": [1, None], "none": None}}
    ]
    on_path = {"PATH": f"{w.folder / 'bin'}:/usr/bin:/bin"}
    variables = [{"name": "A", "value": "1=2"}]
    users = {
        "v1": plugin(works),
        "v1beta1": plugin(beta, BETA),
        "v1alpha1": plugin(works, "client.authentication.k8s.io/v1alpha1"),
        "no version": plugin(works, ...),
        "unknown version": plugin(works, "client.authentication.k8s.io/v2"),
        "args and env": plugin(needs, args=["x", "y z"], env=variables),
        "no args": plugin(needs, env=variables),
        "env without a name": plugin(works, env=[{"value": "1"}]),
        "null lists": plugin(works, args=None, env=None),
        "relative": plugin("./plugin"),
        "relative below": plugin("bin/sub/deep"),
        "relative, not found": plugin("./none"),
        "not found": plugin("no-such-program", installHint="get \x1b[1mit"),
        "a folder": plugin("./bin"),
        "not executable": plugin(w.file("plain", "x")),
        "no command": plugin(""),
        "fails": plugin(w.script("fails", "echo sso session expired >&2; exit 1")),
        "fails with an answer": plugin(w.script("late", f"cat {w.folder}/plugin.json; exit 1")),
        "is killed": plugin(w.script("killed", "kill -9 $$")),
        "warns": plugin(w.grants("warns", before="echo careful >&2", token=w.token)),
        "says nothing": plugin(w.script("silent", "")),
        "no JSON": plugin(w.script("text", "echo hello")),
        "YAML": plugin(w.says("yaml", f"kind: ExecCredential\napiVersion: {V1}\nstatus: {{token: {w.token}}}")),
        "another version": plugin(beta),
        "another version, beta": plugin(works, BETA),
        "another kind": plugin(w.script("pod", f"""echo '{{"kind":"Pod","apiVersion":"{V1}"}}'""")),
        "no status": plugin(w.script("bare", f"""echo '{{"kind":"ExecCredential","apiVersion":"{V1}"}}'""")),
        "an empty status": plugin(w.grants("nothing")),
        "token null": plugin(w.grants("null", token=None)),
        "a token of digits": plugin(w.grants("digits", token=7)),
        "a certificate": plugin(w.grants("crt", **identity)),
        "a certificate and a token": plugin(w.grants("two", token=w.token, **identity)),
        "a certificate alone": plugin(w.grants("half", clientCertificateData=w.certificate.decode())),
        "a key alone": plugin(w.grants("key", clientKeyData=w.key.decode())),
        "a key of another": plugin(w.grants("odd", **{**identity, "clientKeyData": w.other_key.decode()})),
        "a bad token": plugin(w.grants("bad", token="bad")),
        "expires": plugin(w.grants("soon", token=w.token, expirationTimestamp="2036-01-01T00:00:00Z")),
        "has expired": plugin(w.grants("late", token=w.token, expirationTimestamp="2006-01-01T00:00:00+01:00")),
        "expires never": plugin(w.grants("never", token=w.token, expirationTimestamp="never")),
        "no mode": plugin(works, interactiveMode=...),
        "no mode, beta": plugin(beta, BETA),
        "if available": plugin(works, interactiveMode="IfAvailable"),
        "always": plugin(works, interactiveMode="Always"),
        "sometimes": plugin(works, interactiveMode="Sometimes"),
        "cluster info": plugin(tells, provideClusterInfo=True),
        "no cluster info": plugin(tells),
        "cluster info, beta": plugin(tells_beta, BETA, provideClusterInfo=True),
        "and a token": {**plugin(w.script("never-run", "exit 1")), "token": w.token},
        "and a certificate": {
            **plugin("./never-run"),
            "client-certificate-data": b64(w.certificate),
            "client-key-data": b64(w.key),
        },
        "and a username": {**plugin("./plugin"), "username": "a"},
        "wrong, and a token": {**plugin("./plugin", "v2"), "token": w.token},
        "and an auth-provider": {**plugin(works), "auth-provider": {"name": "oidc"}},
        "and as": {**plugin(works), "as": "bob"},
    }  # fmt: skip
    uses = {name: Use(config(w, user)) for name, user in users.items()}
    uses["on the path"] = Use(config(w, plugin("onpath")), env=on_path)
    uses["a dot on the path"] = Use(config(w, plugin("plugin")), env={"PATH": ".:/usr/bin:/bin"})
    uses["on the path of its env"] = Use(config(w, plugin("onpath", env=[{"name": "PATH", "value": on_path["PATH"]}])))
    uses["cluster info with an extension"] = Use(
        config(w, plugin(tells, provideClusterInfo=True), {"extensions": extension, "tls-server-name": "localhost"})
    )
    uses["cluster info, insecure"] = Use(
        config(
            w,
            plugin(tells, provideClusterInfo=True),
            {"certificate-authority-data": ..., "insecure-skip-tls-verify": True, "disable-compression": True},
        )
    )
    uses["cluster info with a file and a path"] = Use(
        config(
            w,
            plugin(tells, provideClusterInfo=True),
            {
                "certificate-authority-data": ...,
                "certificate-authority": w.file("ca", w.authority),
                "proxy-url": w.proxy,
            },
        )
    )
    return uses


def servers(w: World) -> dict[str, Any]:
    bare = f"127.0.0.1:{w.port}"
    no_ca: dict[str, Any] = {"certificate-authority-data": ...}
    insecure = {**no_ca, "insecure-skip-tls-verify": True}
    ca = w.file("ca", w.authority)
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    clusters = {
        "upper case": {"server": f"HTTPS://127.0.0.1:{w.port}"},
        "upper case host": {"server": f"https://LOCALHOST:{w.port}"},
        "no scheme": {"server": bare},
        "no scheme, a name": {"server": f"localhost:{w.port}"},
        "no scheme, nothing of TLS": {**no_ca, "server": bare},
        "no scheme, insecure": {**insecure, "server": bare},
        "a slash": {"server": f"{w.server}/"},
        "two slashes": {"server": f"{w.server}//"},
        "a path": {"server": f"{w.server}/k8s/clusters/c-1"},
        "a query": {"server": f"{w.server}/?a=b"},
        "no scheme, a path": {"server": f"{bare}/x"},
        "another scheme": {"server": f"ftp://{bare}"},
        "plain HTTP": {"server": f"http://{bare}"},
        "none": {"server": ...},
        "empty": {"server": ""},
        "a space": {"server": f" {w.server}"},
        "no port of it": {"server": "https://127.0.0.1:99999"},
        "nobody there": {"server": "https://127.0.0.1:1"},
        "no host": {"server": "https://:1"},
        "file": {**no_ca, "certificate-authority": ca},
        "relative file": {**no_ca, "certificate-authority": "ca"},
        "no such file": {**no_ca, "certificate-authority": "none"},
        "file and data": {"certificate-authority": ca},
        "no authority": no_ca,
        "an empty authority": {"certificate-authority-data": ""},
        "another authority": {"certificate-authority-data": b64(w.stranger)},
        "several authorities": {"certificate-authority-data": b64(w.stranger + broken + b"# \xff\n" + w.authority)},
        "no PEM": {"certificate-authority-data": b64(b"hello")},
        "no base64": {"certificate-authority-data": "%%"},
        "the certificate itself": {"certificate-authority-data": b64(w.serving)},
        "insecure": insecure,
        "insecure with an authority": {"insecure-skip-tls-verify": True},
        "insecure as a text": {**no_ca, "insecure-skip-tls-verify": "true"},
        "name": {"tls-server-name": "localhost"},
        "another name": {"tls-server-name": "elsewhere.example.com"},
        "another name, insecure": {**insecure, "tls-server-name": "elsewhere.example.com"},
        "proxy": {"proxy-url": w.proxy},
        "proxy in capitals": {"proxy-url": w.proxy.replace("http", "HTTP")},
        "no proxy there": {"proxy-url": "http://127.0.0.1:1"},
        "proxy without a scheme": {"proxy-url": w.proxy.partition("//")[2]},
        "proxy of another scheme": {"proxy-url": "ftp://127.0.0.1:1"},
    }
    uses = {name: Use(config(w, {"token": w.token}, cluster)) for name, cluster in clusters.items()}
    uses["a user in the URL"] = Use(
        config(w, {"token": w.token}, {"server": f"https://a:b@{bare}"}), stricter="kubectl goes on as nobody"
    )
    uses["a proxy of the environment"] = Use(config(w, {"token": w.token}), env={"HTTPS_PROXY": "http://127.0.0.1:1"})
    return uses


def files(w: World) -> dict[str, Any]:
    good, admin = {"token": w.token}, {"client-certificate-data": b64(w.other_certificate)}
    admin["client-key-data"] = b64(w.other_key)
    first, second = config(w, good), config(w, admin)
    named = {"name": "d", "context": {"cluster": "c", "user": "u", "namespace": "x"}}
    merges = {
        "the first wins": [first, second],
        "in the other order": [second, first],
        "one is missing": [None, first],
        "all are missing": [None],
        "the user is elsewhere": [{**first, "users": []}, second],
        "the cluster is elsewhere": [{**first, "clusters": []}, second],
        "the current context is elsewhere": [{**first, "current-context": ""}, {"current-context": "c"}],
        "a current context without its entry": [{"current-context": "x"}, first],
        "an empty file": ["", first],
        "one is malformed": [first, "a: ["],
        "one is of another kind": [first, {"kind": "Pod", "apiVersion": "v1"}],
        "the same twice": [first, first],
        "no context at all": [{**first, "current-context": ""}],
    }
    uses: dict[str, Any] = {}
    for name, parts in merges.items():
        paths = [
            str(w.folder / f"none-{name}") if part is None else w.file(f"{name}/{at}/config", _text(part))
            for at, part in enumerate(parts)
        ]
        uses[name] = Use(None, env={"KUBECONFIG": ":".join(["", *paths])})
    home = w.file("home/.kube/config", _text(first))
    uses["of the home"] = Use(None, env={"HOME": home.removesuffix("/.kube/config")})
    uses["nothing"] = Use(None, env={"HOME": str(w.folder)})
    texts = {
        "JSON": json.dumps(first),
        "no such context": {**first, "current-context": "x"},
        "no kind": {key: value for key, value in first.items() if key not in {"kind", "apiVersion"}},
        "another kind": {**first, "kind": "Pod"},
        "another version": {**first, "apiVersion": "v2"},
        "empty": "",
        "only a remark": "# nothing\n",
        "a list": "[]",
        "no UTF-8": b"\xff\xfe\xff",
        "tabs": "a:\n\t- b",
        "a name twice": {**first, "users": [*first["users"], {"name": "u", "user": admin}]},
        "a number as a name": {**first, "users": [{"name": 7, "user": good}]},
        "null lists": {**first, "contexts": None},
        "unknown fields": {**first, "mine": [1]},
        "preferences": {**first, "preferences": {}},
        "two documents": f"{_text(first)}---\n{_text(second)}",
        "an alias": f"x: &t {w.token}\n" + _text(first).replace(w.token, "*t"),
        "a byte order mark": "\ufeff" + _text(first),
        "a namespace": {**first, "contexts": [{**named, "name": "c"}]},
    }  # fmt: skip
    uses |= {f"file: {name}": Use(text) for name, text in texts.items()}
    uses["file: missing"] = Use(..., {})
    two = {**first, "contexts": [*first["contexts"], named]}
    flags = {"context": (two, "d"), "no such context": (two, "e"), "empty context": (two, "")}
    uses |= {f"flag: {name}": Use(text, {"context": context}) for name, (text, context) in flags.items()}
    return uses


def combinations(w: World) -> dict[str, Any]:
    """Fields at random, good and bad ones, which nobody would think of putting together."""
    dice = random.Random(int(os.environ.get("GENRECONCILE_SEED", "0")))  # noqa: S311 - no secret
    crt, key = w.file("u.crt", w.certificate), w.file("u.key", w.key)
    user = {
        "token": [w.token, "bad", "", None],
        "tokenFile": [w.file("good", w.token), w.file("bad", "bad"), w.file("empty", ""), "none", ""],
        "username": ["a", ""],
        "password": ["b", ""],
        "client-certificate": [crt, "none", ""],
        "client-key": [key, "none", ""],
        "client-certificate-data": [b64(w.other_certificate), b64(b"x"), ""],
        "client-key-data": [b64(w.other_key), b64(w.key), ""],
        "as": ["bob", "", None],
        "as-groups": [["dev"], []],
        "as-uid": ["7", ""],
        "as-user-extra": [{"a": ["b"]}, {}],
        "exec": [plugin(w.grants(token=w.token))["exec"], plugin("none")["exec"], {}, None],
        "auth-provider": [{"name": "gcp"}, {"name": "oidc"}, None],
        "extensions": [[]],
    }
    cluster = {
        "server": [f"HTTPS://localhost:{w.port}", "", "https://127.0.0.1:1"],
        "certificate-authority": [w.file("ca", w.authority), "none", ""],
        "certificate-authority-data": ["", b64(w.stranger), ...],
        "insecure-skip-tls-verify": [True, False],
        "tls-server-name": ["localhost", "x", ""],
        "proxy-url": [w.proxy, "", "x://y"],
    }
    flags: dict[str, list[Any]] = {"as_": ["eve"], "as_groups": [["x"]], "as_uid": ["9"], "context": ["c", "d", ""]}

    def some(fields: dict[str, list[Any]], chance: float) -> dict[str, Any]:
        return {name: dice.choice(values) for name, values in fields.items() if dice.random() < chance}

    works: list[dict[str, Any]] = [
        {"token": w.token},
        {"tokenFile": "good"},
        {"client-certificate": crt, "client-key": key},
        {"exec": user["exec"][0]},
        {"client-certificate-data": b64(w.other_certificate), "client-key-data": b64(w.other_key)},
    ]
    number = int(os.environ.get("GENRECONCILE_KUBECONFIGS", "60"))
    return {
        f"combination {at}": Use(
            config(w, {**dice.choice(works), **some(user, 0.06)}, some(cluster, 0.06)), some(flags, 0.08)
        )
        for at in range(number)
    }


def _text(content: Any) -> str:
    import yaml

    return content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)


GROUPS = {
    "certificates": certificates,
    "tokens": tokens,
    "nobodies": nobodies,
    "impersonation": impersonation,
    "plugins": plugins,
    "servers": servers,
    "files": files,
    "combinations": combinations,
}
