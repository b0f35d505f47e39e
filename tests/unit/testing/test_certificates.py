"""The certificates work in a TLS handshake, and say who a user is."""

from __future__ import annotations

import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509.oid import NameOID

from genreconcile.testing.certificates import Authority, new_key, private_pem, public_pem, signing_request


def context(protocol, authority, credential, folder):
    """A TLS context that presents ``credential`` and demands one of ``authority``."""
    made = ssl.SSLContext(protocol)
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=authority.credential.certificate.decode())
    (folder / "crt").write_bytes(credential.certificate)
    (folder / "key").write_bytes(credential.key)
    made.load_cert_chain(folder / "crt", folder / "key")
    return made


def handshake(server_context, client_context, name):
    """Return what the server learns of the client."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    pending = [client.do_handshake, server.do_handshake]
    for _ in range(10):
        for step in list(pending):
            try:
                step()
                pending.remove(step)
            except ssl.SSLWantReadError:
                pass
    assert not pending
    return server.getpeercert()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_handshake(tmp_path, name):
    authority = Authority()
    server = context(ssl.PROTOCOL_TLS_SERVER, authority, authority.server(["localhost"], ["127.0.0.1"]), tmp_path)
    client = context(ssl.PROTOCOL_TLS_CLIENT, authority, authority.user("alice", ["dev", "ops"]), tmp_path)

    subject = [pair for part in handshake(server, client, name)["subject"] for pair in part]

    assert ("commonName", "alice") in subject
    assert [value for key, value in subject if key == "organizationName"] == ["dev", "ops"]


def test_other_hosts_and_other_authorities_are_refused(tmp_path):
    authority, other = Authority(), Authority()
    server = context(ssl.PROTOCOL_TLS_SERVER, authority, authority.server(["localhost"], ["127.0.0.1"]), tmp_path)
    client = context(ssl.PROTOCOL_TLS_CLIENT, authority, authority.user("alice"), tmp_path)
    stranger = context(ssl.PROTOCOL_TLS_CLIENT, other, other.user("alice"), tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server, client, "example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|local issuer"):
        handshake(server, stranger, "localhost")


def test_user_certificate_is_no_serving_certificate(tmp_path):
    authority = Authority()
    server = context(ssl.PROTOCOL_TLS_SERVER, authority, authority.user("localhost"), tmp_path)
    client = context(ssl.PROTOCOL_TLS_CLIENT, authority, authority.user("alice"), tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        handshake(server, client, "localhost")


def test_signing_request_names_user_and_groups():
    request = x509.load_pem_x509_csr(signing_request(new_key(), "alice", ["dev"]))

    assert request.is_signature_valid
    assert [a.value for a in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["alice"]
    assert [a.value for a in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["dev"]


def test_public_key_belongs_to_private_key():
    key = new_key()

    private = load_pem_private_key(private_pem(key), None)

    assert load_pem_public_key(public_pem(key)) == private.public_key()
    assert private_pem(key).startswith(b"-----BEGIN EC PRIVATE KEY-----")
