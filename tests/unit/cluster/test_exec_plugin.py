"""Programs that grant credentials: what they say, what they are not allowed to, and when they are asked again."""

import json
import logging
import ssl
import time

import pytest

import genreconcile as gr
from genreconcile.cluster.choice import Choice
from genreconcile.cluster.identity import Identity
from genreconcile.cluster.impersonation import Impersonation
from genreconcile.errors import Unauthorized, Unreachable
from genreconcile.testing.certificates import Authority
from support.accounts import V1, Granting, Seeing, b64, program, written
from support.canary import Canary

CANARY = Canary("c4n4ry-v4lu3-0123456789-abcdef")
GRANTED = {"kind": "ExecCredential", "apiVersion": V1}


def connecting(folder, user, server="https://127.0.0.1:1"):
    with pytest.raises(Unauthorized) as caught:
        gr.connect(kubeconfig=written(folder, server, user))
    return str(caught.value)


# R4.2: what fails is told, once, and nobody goes on as nobody.


def test_r4_2_a_program_that_fails_is_one_error_with_its_words(server, tmp_path):
    user = program(tmp_path, "echo sso session expired >&2; exit 3")
    said = connecting(tmp_path, user, f"http://127.0.0.1:{server.server_port}")
    assert said.startswith(f"{tmp_path}/kubeconfig: no credentials: the program '{tmp_path}/program' failed")
    assert "with exit code 3: sso session expired; log in again" in said
    assert server.seen == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1", "failed with exit code 1: it said nothing"),
        ("kill -9 $$", "failed with exit code -9"),
        ("echo hello", "wrote no ExecCredential to stdout"),
        ("", "wrote no ExecCredential to stdout"),
        ("echo '{\"kind\": [}'", "wrote no ExecCredential to stdout"),
        (f"echo '{json.dumps({**GRANTED, 'apiVersion': V1 + 'beta1'})}'", f"wrote no ExecCredential of {V1} to stdout"),
        (f"echo '{json.dumps(GRANTED)}'", "granted neither a token nor a certificate"),
        (f"echo '{json.dumps({**GRANTED, 'status': {'token': ''}})}'", "granted neither a token nor a certificate"),
        (f"echo '{json.dumps({**GRANTED, 'status': {'token': 7}})}'", "wrote no ExecCredential to stdout"),
        (f"echo '{json.dumps({**GRANTED, 'status': {'clientKeyData': 'x'}})}'", "only one of certificate and key"),
        (
            f"echo '{json.dumps({**GRANTED, 'status': {'token': 't', 'expirationTimestamp': 'soon'}})}'",
            "whose expirationTimestamp is no time",
        ),
    ],
)
def test_r4_2_whatever_is_not_whole_is_an_error(tmp_path, script, said):
    assert said in connecting(tmp_path, program(tmp_path, script))


def test_r4_2_a_program_that_is_not_there(tmp_path):
    user = program(tmp_path, "", command="no-such-program", installHint="brew install\x1b[1m it")
    assert connecting(tmp_path, user).endswith("'no-such-program' was not found; install it: brew install it")
    assert "did not start: Permission denied" in connecting(tmp_path, program(tmp_path, "", command=str(tmp_path)))


def test_r4_2_a_program_that_wants_a_terminal(tmp_path):
    assert "there is no terminal" in connecting(tmp_path, program(tmp_path, "", interactiveMode="Always"))


def test_r4_2_a_program_that_never_answers(tmp_path, monkeypatch):
    monkeypatch.setattr("genreconcile.cluster.exec_plugin.TIMEOUT", 0.1)
    assert "gave no answer within" in connecting(tmp_path, program(tmp_path, "exec sleep 60"))


@pytest.mark.parametrize(
    "script",
    [
        "echo {} ; echo {} >&2 ; exit 1",
        "echo token={} >&2 ; exit 1",
        "echo Authorization: Bearer {} >&2 ; exit 1",
        """echo '"{}"' >&2 ; echo '{{"status": {{"token": "{}"}}}}' ; exit 1""",
        "echo {}",
        'echo \'{{"kind": "{}"}}\'',
        "echo $MY_SECRET >&2 ; exit 1",
        "echo my password: {} >&2 ; exit 1",
        "echo $2 >&2 ; exit 1",
        "echo ${3#--client-secret=} >&2 ; exit 1",
    ],
)
def test_r4_2_nothing_of_a_credential_is_quoted(tmp_path, script):
    text = script.replace("{{", "<<").replace("}}", ">>").replace("{}", CANARY.text)
    user = program(
        tmp_path, text.replace("<<", "{").replace(">>", "}"), env=[{"name": "MY_SECRET", "value": CANARY.text}]
    )
    user["exec"]["args"] = ["--password", CANARY.text, f"--client-secret={CANARY.text}"]
    assert not CANARY.hits(connecting(tmp_path, user))


def test_r4_2_what_is_no_credential_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", "/var/run/azure/token")
    words = "profile dev-2024: no /var/run/azure/token (request 7f3c): see https://oidc.eu-west-1.example.com/id/A1"
    assert f": {words}; log in" in connecting(tmp_path, program(tmp_path, f"echo '{words}' >&2; exit 1"))


def test_r4_2_the_words_are_one_short_line(tmp_path):
    said = connecting(
        tmp_path, program(tmp_path, "seq 1000 >&2; printf '\\033[1mno\\033[0m\\n\\n\\tway\\r\\n' >&2; exit 1")
    )
    assert said.endswith("1000; no; way; log in again, or run it by hand")
    assert len(said) < 900
    assert said.isprintable()


# R4.7 and R4.8: renewal.


class Clock:
    def __init__(self):
        self.passed = 0.0

    def monotonic(self):
        return self.passed

    def now(self):
        return 1_800_000_000 + self.passed


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_800_000_000 + seconds))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def granting(tmp_path):
    return Granting(tmp_path)


def identity(path, clock):
    load = Choice(path, None, None, Impersonation()).load
    return Identity(load, clock=clock.monotonic, now=clock.now)


def bearer(who):
    return who.headers()[0][1].removeprefix("Bearer ")


def test_r4_7_a_renewal_that_fails_leaves_what_there_was_and_is_asked_again(tmp_path, granting, clock, caplog):
    granting.grant(token="one")
    who = identity(written(tmp_path, "https://127.0.0.1:1", granting.user), clock)
    granting.fail("the network is down")
    for _ in range(2):
        with pytest.raises(Unauthorized, match="the network is down"):
            who.renew(who.current)
    assert (bearer(who), granting.runs) == ("one", 2)
    assert caplog.text.count("the credentials stay as they were") == 1
    granting.grant(token="two")
    clock.passed += 9.9
    with pytest.raises(Unauthorized, match="the network is down"):
        who.renew(who.current)
    clock.passed += 0.1
    assert who.renew(who.current)
    assert (bearer(who), granting.runs) == ("two", 3)


def test_r4_7_what_has_expired_is_renewed_before_it_is_refused(tmp_path, granting, clock):
    granting.grant(token="one", expirationTimestamp=stamp(60))
    who = identity(written(tmp_path, "https://127.0.0.1:1", granting.user), clock)
    clock.passed = 59
    who.refresh()
    assert (bearer(who), granting.runs) == ("one", 1)
    clock.passed = 61
    granting.fail("not now")
    who.refresh()
    assert (bearer(who), granting.runs) == ("one", 2)
    granting.grant(token="two", expirationTimestamp=stamp(64))
    clock.passed = 65
    who.refresh()
    assert (bearer(who), granting.runs) == ("one", 2)
    clock.passed = 71
    who.refresh()
    assert (bearer(who), granting.runs) == ("two", 3)


def test_r4_7_credentials_of_a_few_seconds_are_renewed_as_often(tmp_path, granting, clock):
    granting.grant(token="0", expirationTimestamp=stamp(2))
    who = identity(written(tmp_path, "https://127.0.0.1:1", granting.user), clock)
    for number in range(1, 4):
        granting.grant(token=str(number), expirationTimestamp=stamp(number * 3 + 2))
        clock.passed = number * 3.0
        who.refresh()
        assert bearer(who) == str(number)


def test_r4_7_credentials_that_are_old_when_they_come_are_not_asked_for_all_the_time(tmp_path, granting, clock):
    granting.grant(token="one", expirationTimestamp=stamp(-60))
    who = identity(written(tmp_path, "https://127.0.0.1:1", granting.user), clock)
    for _ in range(100):
        clock.passed += 0.5
        who.refresh()
    assert granting.runs <= 6


def test_r4_7_on_a_connection(server, tmp_path, granting, monkeypatch):
    granting.grant(token="one")
    opened = gr.connect(kubeconfig=written(tmp_path, f"http://127.0.0.1:{server.server_port}", granting.user))
    assert opened.request("GET", "/x") == b"{}"
    accepted = {"Bearer two"}
    server.behave = lambda handler: handler.answer(200 if handler.headers["Authorization"] in accepted else 401)
    granting.fail("try later")
    with pytest.raises(Unauthorized, match=r"GET http.*/x: no credentials: .*try later"):
        opened.request("GET", "/x")
    accepted.add("Bearer one")
    assert opened.request("GET", "/x") == b"{}"
    accepted.remove("Bearer one")
    granting.grant(token="two")
    monkeypatch.setattr("genreconcile.cluster.credentials._NOT_AGAIN_WITHIN", 0.0)
    assert opened.request("GET", "/x") == b"{}"
    assert all("Authorization" in headers for _, _, headers, _ in server.seen)


def test_r4_7_a_kubeconfig_that_names_another_server_meanwhile_is_not_followed(tmp_path, clock):
    path = written(tmp_path, "https://127.0.0.1:1", {"token": "one"})
    who = identity(path, clock)
    written(tmp_path, "https://127.0.0.1:2", {"token": "two"})
    with pytest.raises(Unreachable, match="it names another server than https"):
        who.renew(who.current)
    assert bearer(who) == "one"
    config = json.loads((tmp_path / "kubeconfig").read_text())
    config["contexts"].append({"name": "d", "context": {"cluster": "c", "user": "v"}})
    config["users"] = [{"name": "u", "user": {"token": "three"}}, {"name": "v", "user": {"token": "other"}}]
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "kubeconfig").write_text(json.dumps({**config, "current-context": "d"}))
    clock.passed += 10
    assert who.renew(who.current)
    assert bearer(who) == "three"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def seeing(authority):
    opened = Seeing(authority)
    yield opened
    opened.close()


def ask(opened):
    return json.loads(opened.request("GET", "/who"))


def pair(authority, name):
    credential = authority.user(name)
    return {"clientCertificateData": credential.certificate.decode(), "clientKeyData": credential.key.decode()}


def test_r4_8_certificates_of_a_program_replace_each_other(tmp_path, granting, seeing, authority, monkeypatch):
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    granting.grant(**pair(authority, "alice"), expirationTimestamp=later)
    opened = gr.connect(kubeconfig=written(tmp_path, seeing.url, granting.user, seeing.cluster))
    first = ask(opened)
    assert first == ask(opened)
    with opened.stream("/watch", query={}, read_timeout=60) as chunks:
        assert next(chunks) == b"x"
        granting.grant(**pair(authority, "bob"))
        monkeypatch.setattr(opened._credentials, "_now", lambda: time.time() + 7200)
        monkeypatch.setattr(opened._credentials, "_look_at", 0.0)
        second = ask(opened)
        with pytest.raises(Unreachable):
            next(chunks)
    assert (first[0], second[0]) == ("alice", "bob")
    assert first[1] != second[1]
    assert ask(opened) == second
    opened.close()


def test_r4_8_certificates_in_files_are_read_again_when_they_change(tmp_path, seeing, authority, monkeypatch):
    def write(name, *parts):
        credential = authority.user(name)
        for part in parts:
            (tmp_path / part).write_bytes(getattr(credential, part))

    write("alice", "certificate", "key")
    files = {"client-certificate": "certificate", "client-key": "key"}
    opened = gr.connect(kubeconfig=written(tmp_path, seeing.url, files, seeing.cluster))
    monkeypatch.setattr("genreconcile.cluster.identity._LOOK_EVERY", 0.0)
    opened._credentials._look_at = 0.0
    assert ask(opened)[0] == "alice"
    credential = authority.user("bob")
    (tmp_path / "certificate").write_bytes(credential.certificate)
    assert ask(opened)[0] == "alice"  # The key is of the old one yet.
    (tmp_path / "key").write_bytes(credential.key)
    assert ask(opened)[0] == "bob"
    (tmp_path / "key").unlink()
    assert ask(opened)[0] == "bob"
    opened.close()


# R4.9: certificates in the kubeconfig.


@pytest.mark.parametrize("in_memory", [True, False], ids=["memory", "folder"])
def test_r4_9_nothing_is_left_on_disk_and_a_cleaned_folder_does_not_matter(
    tmp_path, seeing, authority, monkeypatch, in_memory
):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    if not in_memory:
        monkeypatch.delattr("os.memfd_create")
    credential = authority.user("alice")
    user = {"client-certificate-data": b64(credential.certificate), "client-key-data": b64(credential.key)}
    opened = gr.connect(kubeconfig=written(tmp_path, seeing.url, user, seeing.cluster))
    assert list(temporary.iterdir()) == []
    temporary.rmdir()
    for _ in range(2):
        assert ask(opened)[0] == "alice"
        opened.close()


def test_r4_9_a_private_key_lies_in_no_file_that_others_may_read(monkeypatch, tmp_path, authority):
    from genreconcile.cluster.tls import tls_context

    monkeypatch.delattr("os.memfd_create")
    modes = []
    load = ssl.SSLContext.load_cert_chain

    def watched(context, certificate, key, **more):
        from pathlib import Path

        modes.extend((Path(key).stat().st_mode & 0o777, Path(key).parent.stat().st_mode & 0o777))
        return load(context, certificate, key, **more)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    credential = authority.user("alice")
    tls_context(authority.credential.certificate, credential.certificate, credential.key, verifies=True)
    assert modes == [0o600, 0o700]


def test_r4_9_an_encrypted_key_is_an_error_and_no_question_to_the_terminal(tmp_path, authority):
    from cryptography.hazmat.primitives import serialization

    credential = authority.user("alice")
    key = serialization.load_pem_private_key(credential.key, None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    encrypted = key.private_bytes(*form, serialization.BestAvailableEncryption(b"x"))
    user = {"client-certificate-data": b64(credential.certificate), "client-key-data": b64(encrypted)}
    with pytest.raises(Unreachable, match="the client-key is encrypted"):
        gr.connect(kubeconfig=written(tmp_path, "https://127.0.0.1:1", user))


def test_r4_7_no_token_is_in_a_log(tmp_path, granting, clock, caplog):
    caplog.set_level(logging.DEBUG)
    granting.grant(token=CANARY.text)
    who = identity(written(tmp_path, "https://127.0.0.1:1", granting.user), clock)
    granting.fail(f"refused {CANARY.text}")
    with pytest.raises(Unauthorized):
        who.renew(who.current)
    assert not CANARY.hits(caplog.text + repr(who) + repr(vars(who)))
