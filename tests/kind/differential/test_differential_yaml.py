"""R1.8: YAML as the real kubectl reads it (``kubectl create --dry-run=client -o json``)."""

import json
import os
import shutil
import subprocess

import pytest

from genreconcile.errors import LoadError
from genreconcile.manifests.check import plain
from genreconcile.manifests.parse import documents
from genreconcile.normalize.scalars import CANONICAL
from genreconcile.report.yamltext import dump
from kind.differential import generated_yaml as generated
from kind.differential.asked import many
from kind.differential.tally import seeded, size

OBJECT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "yaml"}}
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\n"
BATCH = 500

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl to be held against")


@pytest.fixture(scope="module")
def kubectl(control_plane, tmp_path_factory):
    """The objects that kubectl finds in a text; None where it refuses it."""

    home = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}  # For its cache.

    def read(text):
        command = ["kubectl", "--kubeconfig", str(control_plane.kubeconfig), "create", "--validate=false"]
        command += ["--dry-run=client", "-o", "json", "-f", "-"]
        done = subprocess.run(command, input=text.encode(), env=home, capture_output=True, check=False)
        if done.returncode:
            assert b"error parsing" in done.stderr, done.stderr
            return None
        return list(concatenated(done.stdout.decode()))

    return read


def concatenated(text):
    """JSON documents, one after the other."""
    decoder, start = json.JSONDecoder(), 0
    while text[start:].strip():
        found, start = decoder.raw_decode(text, start + len(text[start:]) - len(text[start:].lstrip()))
        yield found


def ours(text):
    """What we make of it, None where we refuse it."""
    try:
        ((found, _),) = documents(text, "text")
        return plain(found, "text")
    except LoadError:
        return None


def same(one, other):
    """Equal, numbers as the server keeps them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return CANONICAL["number"](one) == CANONICAL["number"](other)


def as_values(texts):
    return HEAD + "x:\n" + "".join(f"  k{index}: {text}\n" for index, text in enumerate(texts))


def as_members(texts):
    return HEAD + "x:\n" + "".join(f"  - {text}\n" for text in texts)


def as_keys(texts):
    return HEAD + "x:\n" + "".join(f"  - {{? {text} : 1}}\n" for text in texts)


def answers(read, write, values):
    """(text, what it is there): of many in one document, and one by one where one of them is refused."""

    def ask(texts):
        found = read(write(texts))
        if found is None:
            return None
        return found["x"] if isinstance(found["x"], list) else [found["x"][f"k{i}"] for i in range(len(texts))]

    return many(values, ask, BATCH)


def compared(kubectl, write, values):
    theirs = dict(answers(lambda text: (kubectl(text) or [None])[0], write, values))
    for text, found in answers(ours, write, values):
        if not same(found, theirs[text]):
            yield text, found, theirs[text]


@pytest.mark.parametrize("write", [as_values, as_members])
def test_r1_8_plain_scalars(kubectl, tally, write):
    values = [text for text in generated.plain(seeded("yaml"), size(2500, 20_000)) if text not in generated.REFUSED]
    tally.add("YAML: plain scalars", len(values), compared(kubectl, write, values))


def test_r1_8_keys(kubectl, tally):
    unfit = {text for text in generated.WORDS if text in {"~", "null"}}
    values = [text for text in generated.plain(seeded("keys"), size(1200, 8_000)) if text not in unfit and is_key(text)]
    tally.add("YAML: keys", len(values), compared(kubectl, as_keys, values))


def is_key(text):
    """No null, no merge, and none of the unsigned integers, all of which are refused one by one."""
    return not (text.lower() in {"~", "null", "<<"} or text.strip("+-").lower().startswith((".nan",)))


def test_r1_8_quoted_tagged_and_collections(kubectl, tally):
    tally.add(
        "YAML: quoted, tagged, collections", len(generated.QUOTED), compared(kubectl, as_values, generated.QUOTED)
    )


@pytest.mark.parametrize("text", generated.REFUSED)
def test_r1_8_what_kubectl_refuses_we_refuse(kubectl, tally, text):
    found = [read(as_values([text])) for read in (kubectl, ours)]
    tally.add("YAML: refused", 1, [] if found == [None, None] else [(text, found)])


@pytest.mark.parametrize("text", generated.STRICTER)
def test_r1_8_what_kubectl_reads_and_we_refuse(kubectl, tally, text):
    """Tags that it passes over."""
    theirs, mine = (read(as_values([text])) for read in (kubectl, ours))
    tally.add("YAML: refused by us alone", 1, [] if theirs and mine is None else [(text, theirs, mine)])


def test_r1_8_what_we_write_is_read_as_it_was_meant(kubectl, tally):
    """The YAML of ``diff`` and ``rbac``: texts stay texts."""
    texts = generated.plain(seeded("written"), size(1500, 8000))
    (found,) = kubectl(dump({**OBJECT, "x": texts, "y": dict.fromkeys(texts, 1)}))
    wrong = [(text, read) for text, read in zip(texts, found["x"], strict=True) if text != read]
    tally.add("YAML: written by us", len(texts) * 2, [*wrong, *set(texts).symmetric_difference(found["y"])])


def config(name):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


SEPARATORS = ["---\n", "--- \n", "--- # c\n", "---\t\n", "...\n---\n", "---\n---\n", "# c\n---\n", "---\r\n",
              "\n---\n\n",
              "---\nnull\n---\n", "---\n~\n---\n", "---\n# c\n---\n", "\n", "# c\n"]  # fmt: skip
STREAMS = [
    *(config("a") + separator + config("b") for separator in SEPARATORS if "---" in separator),
    *(separator + config("a") for separator in SEPARATORS if separator != "...\n---\n"),
    *(config("a") + separator for separator in SEPARATORS),
    config("a") + "data:\n  k: |\n    x\n    ---\n    y\n---\n" + config("b"),
    (config("a") + "---\n" + config("b")).replace("\n", "\r\n"),
    "\ufeff" + config("a"),
    json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}}) * 2,
    config("a") + "---\n" + json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}}),
]


@pytest.mark.parametrize("text", STREAMS)
def test_r1_8_documents_of_a_stream(kubectl, tally, text):
    theirs = [value["metadata"]["name"] for value in kubectl(text)]
    found = [value["metadata"]["name"] for value, _ in documents(text.removeprefix("\ufeff"), "text")]
    tally.add("YAML: streams", 1, [] if found == theirs else [(theirs, found)])
