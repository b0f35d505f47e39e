"""Input that would take all memory or all time is refused with an error of this package, within bounds."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 2 << 30
"""Bytes of address space: what goes beyond ends in a MemoryError."""
SECONDS = 30.0
"""For one case, on a busy machine; without the bounds most of these never end."""
PREPARE = """
import io, json, os, resource, signal, sys, time
from genreconcile import gojson
from genreconcile.errors import ReconcileError
from genreconcile.manifests import load, load_objects
from genreconcile.selector import parse
from genreconcile.normalize import Registry
from genreconcile.plan.insync import encoded
import genreconcile as gr

HEAD = "apiVersion: v1\\nkind: Widget\\nmetadata: {name: a}\\n"
WIDGET = {"apiVersion": "v1", "kind": "Widget", "metadata": {"name": "a"}}

def text(text):
    return len(load(["-"], stdin=io.BytesIO(text.encode())))

def dicts(value):
    assert encoded(value) is not None
    return len(load_objects([value]))

def shared(levels, width=2):
    value = {}
    for _ in range(levels):
        value = [value] * width
    return {**WIDGET, "spec": {"a": value}}

def deep(levels):
    value = "x"
    for _ in range(levels):
        value = {"a": value}
    return {**WIDGET, "spec": value}

def merges(number):
    links = (f"a{i}: &a{i} {{<<: *a{i - 1}, x{i}: 1}}\\n" for i in range(1, number))
    return HEAD + "a0: &a0 {x0: 1}\\n" + "".join(links)

def cyclic():
    value = {**WIDGET, "spec": {}}
    value["spec"]["a"] = [value]
    return value

def measure(code):
    started = time.monotonic()
    try:
        outcome = str(eval(code))
    except ReconcileError as error:
        outcome = f"{type(error).__name__}: {error}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return outcome, time.monotonic() - started, peak

def run(code, folder, limit, seconds, answer, errors):
    os.chdir(folder)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.alarm(seconds)
    with open(answer, "w") as file:
        json.dump(measure(code), file)

for line in sys.stdin:
    child = os.fork()
    if not child:
        run(*json.loads(line))
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""A process that has imported everything once, and forks for each case: its memory and its limit are its own."""
REFUSED = {
    "laughs": ("text(open('LAUGHS').read())", "aliases repeat too much"),
    "merges": ("text(merges(2000))", "aliases repeat too much"),
    "deep YAML": ("""text("[" * 1_000_000)""", "nested too deeply"),
    "deep JSON": ("""text('{"a":' * 1_000_000)""", "nested too deeply"),
    "many values": ("""text(HEAD + "data: [" + "1," * 1_100_000 + "]")""", "more than 1000000 values"),
    "many lists in JSON": ("""text('{"a":[' + "[]," * 4_100_000 + "[]]}")""", "more than 4000000 objects and lists"),
    "a source of 70 MB": ("""text("#" * 70_000_000)""", "more than 67108864 bytes"),
    "a long number in JSON": ("""text('{"a":' + "9" * 1_000_000 + "}")""", "a number is too long"),
    "shared dicts": ("dicts(shared(64))", "too large: more than 2000000 values"),
    "a wide shared list": ("dicts(shared(4, 990))", "too large: more than 2000000 values"),
    "shared dicts, compared": ("gr.diff(shared(64), WIDGET)", "too large: more than 2000000 values"),
    "a cycle": ("dicts(cyclic())", "too large|circular, or nested too deeply"),
    "a cycle, compared": ("gr.diff(WIDGET, cyclic())", "too large|circular, or nested too deeply"),
    "deep dicts": ("dicts(deep(100_000))", "circular, or nested too deeply"),
    "deep dicts, compared": ("gr.diff(deep(600), deep(599))", "nested too deeply"),
    "a long int": ("dicts({**WIDGET, 'spec': 10 ** 100_000})", "the number is too long"),
    "a long selector": ("""parse("a," * 1_000_000 + "=")""", "more than 100000 characters"),
    "a long key of a selector": ("""parse({"a" * 10_000_000: "b"})""", "invalid label key: 'aaa"),
    "rules with aliases": ("""Registry.empty().extend("LAUGHS")""", "aliases repeat too much"),
}
TAKEN = {
    # What overflows is a text to kubectl (R1.8).
    "a long number": """text(HEAD + "a: " + "9" * 1_000_000)""",
    "a long hexadecimal number": """text(HEAD + "a: 0x" + "f" * 1_000_000)""",
    "a large exponent": """text(HEAD + "a: 1e999999999")""",
    "a string of 10 MB": """text(HEAD + "data: " + "x" * 10_000_000)""",
    "a string of 10 MB in JSON": """text(json.dumps({**WIDGET, "data": "x" * 10_000_000}))""",
    "a dict with 10 MB": """dicts({**WIDGET, "data": "x" * 10_000_000})""",
    "10 MB compared": "len(gr.diff({**WIDGET, 'data': 'x' * 10_000_000}, WIDGET).patch.patch)",
}


@pytest.fixture(scope="module")
def process():
    command = [sys.executable, "-c", PREPARE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as opened:
        yield opened
        opened.stdin.close()


@pytest.fixture
def run(process, tmp_path):
    def call(code):
        files = [str(tmp_path / name) for name in ("answer", "errors")]
        print(json.dumps([code, str(tmp_path), LIMIT, int(SECONDS), *files]), file=process.stdin, flush=True)
        returncode = int(process.stdout.readline())
        answer, errors = (Path(file).read_text() if Path(file).exists() else "" for file in files)
        done = subprocess.CompletedProcess(code, returncode, answer, errors)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return call


@pytest.fixture(autouse=True)
def laughs(tmp_path):
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"{c}: &{c} [{','.join([f'*{b}'] * 10)}]" for b, c in itertools.pairwise("abcdefghij")]
    (tmp_path / "LAUGHS").write_text("\n".join(lines))


@pytest.mark.parametrize(("code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_in_time(run, code, message):
    outcome, seconds, megabytes = run(code)
    assert any(part in outcome for part in message.split("|")), outcome[:300]
    assert len(outcome) < 1000
    assert seconds < SECONDS
    assert megabytes < 1200


@pytest.mark.parametrize("code", TAKEN.values(), ids=TAKEN.keys())
def test_large_objects_are_taken(run, code):
    outcome, seconds, _ = run(code)
    assert outcome == "1"
    assert seconds < SECONDS
