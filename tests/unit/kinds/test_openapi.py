import os
import sys
import time

import pytest

from genreconcile.errors import ClusterError
from genreconcile.kinds.openapi import OpenAPIDocuments
from genreconcile.kinds.types import document_path
from support.api.scripted import ScriptedCluster, status

PATH = "apis/example.com/v1"
URL = f"/openapi/v3/{PATH}"


def index(**hashes):
    return {
        "paths": {
            f"apis/{name}.com/v1": {"serverRelativeURL": f"/openapi/v3/x?hash={h}" if h else "/x"}
            for name, h in hashes.items()
        }
    }


@pytest.fixture
def server():
    scripted = ScriptedCluster()
    scripted.answer("/openapi/v3", index(example="AA", other="BB"))
    scripted.answer(URL, {"components": {"schemas": {"n": 1}}})
    return scripted


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "openapi"


def paths(server):
    return [request.path for request in server.requests]


def test_document_path():
    assert document_path("", "v1") == "api/v1"
    assert document_path("example.com", "v1") == PATH


def test_hashes_cost_one_request(server, folder):
    documents = OpenAPIDocuments(server, cache_dir=folder)
    assert documents.hashes() == documents.hashes() == {PATH: "AA", "apis/other.com/v1": "BB"}
    assert paths(server) == ["/openapi/v3"]


def test_a_document_is_fetched_by_hash_once(server, folder):
    documents = OpenAPIDocuments(server, cache_dir=folder)
    first = documents.document(PATH)
    assert first == {"components": {"schemas": {"n": 1}}}
    assert documents.document(PATH) is first
    assert paths(server) == ["/openapi/v3", URL]
    assert server.requests[1].query == {"hash": "AA"}


def test_the_next_process_reads_the_disk(server, folder):
    OpenAPIDocuments(server, cache_dir=folder).document(PATH)
    server.requests.clear()
    assert OpenAPIDocuments(server, cache_dir=folder).document(PATH)["components"]
    assert paths(server) == ["/openapi/v3"]


def test_no_such_document(server, folder):
    assert OpenAPIDocuments(server, cache_dir=folder).document("apis/none/v1") is None


def test_refresh_tells_what_changed(server, folder):
    documents = OpenAPIDocuments(server, cache_dir=folder)
    assert documents.refresh() == {PATH, "apis/other.com/v1"}
    assert documents.refresh() == set()
    documents.document(PATH)
    server.answer("/openapi/v3", index(example="CC", new="DD"))
    server.answers["/openapi/v3"].popleft()
    server.answer(URL, {"changed": True})
    server.answers[URL].popleft()
    assert documents.refresh() == {PATH, "apis/other.com/v1", "apis/new.com/v1"}
    assert documents.document(PATH) == {"changed": True}


def test_a_hash_that_is_no_longer_the_servers(server, folder):
    """The server redirects to the new one (KEP-2896)."""
    documents = OpenAPIDocuments(server, cache_dir=folder)
    documents.hashes()
    server.answers[URL].appendleft(ClusterError("moved", status=301))
    server.answer("/openapi/v3", index(example="CC"))
    server.answers["/openapi/v3"].popleft()
    first = documents.document(PATH)
    assert first["components"]
    assert documents.document(PATH) is first
    assert documents.hashes() == {PATH: "CC"}
    assert not folder.exists()


def test_other_errors_are_raised(server, folder):
    server.answers[URL].appendleft(status(500))
    documents = OpenAPIDocuments(server, cache_dir=folder)
    with pytest.raises(ClusterError, match="500"):
        documents.document(PATH)
    assert documents.document(PATH)["components"]


@pytest.mark.parametrize("body", [b'{"paths": {', b"<html>", b"[]", b'{"paths": 3}', b'{"paths": {"api/v1": {}}}'])
def test_an_index_that_is_not_readable_is_an_error_of_the_cluster(server, folder, body):
    server.answers["/openapi/v3"].appendleft(body)
    documents = OpenAPIDocuments(server, cache_dir=folder)
    with pytest.raises(ClusterError, match="the answer is not readable"):
        documents.hashes()
    assert documents.hashes()


@pytest.mark.parametrize("body", [b'{"components": {', b"<html>", b"[]"])
def test_a_document_that_is_not_readable_is_an_error_and_not_kept(server, folder, body):
    server.answers[URL].appendleft(body)
    with pytest.raises(ClusterError, match="the answer is not readable"):
        OpenAPIDocuments(server, cache_dir=folder).document(PATH)
    assert OpenAPIDocuments(server, cache_dir=folder).document(PATH)["components"]


def test_a_document_without_hash_is_not_kept_on_disk(server, folder):
    server.answer("/openapi/v3", index(example=""))
    server.answers["/openapi/v3"].popleft()
    assert OpenAPIDocuments(server, cache_dir=folder).document(PATH)["components"]
    assert server.requests[1].query == {}
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_corrupt_file_is_fetched_anew(server, folder, content):
    OpenAPIDocuments(server, cache_dir=folder).document(PATH)
    (file,) = folder.iterdir()
    file.write_bytes(content)
    server.requests.clear()
    assert OpenAPIDocuments(server, cache_dir=folder).document(PATH)["components"]
    assert paths(server) == ["/openapi/v3", URL]
    assert file.read_bytes() != content


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("")
    assert OpenAPIDocuments(server, cache_dir=tmp_path / "file" / "x").document(PATH)["components"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes")
def test_the_folder_is_ours_alone(server, folder, caplog):
    OpenAPIDocuments(server, cache_dir=folder).document(PATH)
    assert folder.stat().st_mode & 0o777 == 0o700
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    folder.chmod(0o770)
    file.write_text('{"planted": true}')
    assert OpenAPIDocuments(server, cache_dir=folder).document(PATH)["components"]
    assert file.read_text() == '{"planted": true}'
    assert "others may write to it" in caplog.text


def test_what_was_not_used_for_a_month_is_dropped(server, folder):
    OpenAPIDocuments(server, cache_dir=folder).document(PATH)
    old, fresh = folder / "old.json", folder / "fresh.json"
    old.touch()
    fresh.touch()
    (kept,) = set(folder.iterdir()) - {old, fresh}
    a_month_ago = time.time() - 31 * 24 * 3600
    os.utime(old, (a_month_ago, a_month_ago))
    server.answer("/openapi/v3/apis/other.com/v1", {})
    OpenAPIDocuments(server, cache_dir=folder).document("apis/other.com/v1")
    assert not old.exists()
    assert fresh.exists()
    assert kept.exists()


def test_reading_a_file_counts_as_use(server, folder):
    OpenAPIDocuments(server, cache_dir=folder).document(PATH)
    (file,) = folder.iterdir()
    os.utime(file, (1, 1))
    OpenAPIDocuments(server, cache_dir=folder).document(PATH)
    assert file.stat().st_mtime > 1


def test_memory_is_bounded(server, folder):
    names = [f"n{number}" for number in range(40)]
    server.answer("/openapi/v3", index(**dict.fromkeys(names, "AA")))
    server.answers["/openapi/v3"].popleft()
    documents = OpenAPIDocuments(server, cache_dir=folder)
    for name in names:
        server.answer(f"/openapi/v3/apis/{name}.com/v1", {})
        documents.document(f"apis/{name}.com/v1")
    assert len(documents._documents) <= 16
