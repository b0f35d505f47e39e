"""What no field of the API shows: durations, addresses and the spelling of floats, held against Go itself."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from genreconcile import gojson
from genreconcile.normalize.scalars import CANONICAL, Canonical
from genreconcile.testing.building.toolchain import environment
from kind.differential import generated
from kind.differential.tally import seeded, size

ORACLE = Path(__file__).parent / "oracle/main.go"

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go to be held against")


@pytest.fixture(scope="module")
def go():
    """Go's answers to (question, text); None for what it refuses."""

    def ask(question, texts):
        questions = json.dumps([[question, text] for text in texts])
        command = ["go", "run", str(ORACLE)]
        done = subprocess.run(command, input=questions, env=environment(), capture_output=True, text=True, check=True)
        return zip(texts, json.loads(done.stdout), strict=True)

    return ask


def test_durations(go, tally):
    texts = generated.durations(seeded("durations"), size(20_000, 200_000))
    wrong = []
    for text, answer in go("duration", texts):
        found = CANONICAL["duration"](text)
        if (str(found.value) if isinstance(found, Canonical) else None) != answer:
            wrong.append((text, found, answer))
    tally.add("durations", len(texts), wrong)


@pytest.mark.parametrize("form", ["ip", "cidr"])
def test_addresses(go, tally, form):
    texts = (generated.addresses if form == "ip" else generated.networks)(seeded(form), size(10_000, 100_000))
    by_answer, by_value, wrong = {}, {}, []
    for text, answer in go(form, texts):
        found = CANONICAL[form](text)
        if isinstance(found, Canonical) != (answer is not None):
            wrong.append((text, found, answer))
        elif answer and (by_answer.setdefault(answer, found) != found or by_value.setdefault(found, answer) != answer):
            wrong.append(("equal to one and not to both", text, answer))
    tally.add(f"addresses: {form}", len(texts), wrong)


def test_floats_are_spelled_as_go_spells_them(go, tally):
    texts = generated.numbers(seeded("floats"), size(20_000, 300_000))
    wrong = [(text, answer) for text, answer in go("number", texts) if answer and gojson.spelled(float(text)) != answer]
    tally.add("numbers: spelled", len(texts), wrong)
