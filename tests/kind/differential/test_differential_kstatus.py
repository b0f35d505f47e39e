"""The profile kstatus, held against kstatus itself over generated statuses of every kind that it knows."""

import datetime as dt
import shutil

import pytest

import genreconcile as gr
from kind.differential.tally import seeded, size
from support import kstatus
from support.statuses import cases

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go to be held against")


def test_states(tally):
    objects = cases(seeded("kstatus").random(), size(20_000, 400_000))
    now = dt.datetime.now(dt.UTC)
    found = [gr.status(obj, now=now, profile="kstatus") for obj in objects]
    wrong = [
        (answer, status, obj)
        for obj, answer, status in zip(objects, kstatus.ask(objects), found, strict=True)
        if answer != status.state
    ]
    tally.add("states of objects", len(objects), wrong)


def test_the_recorded_answers_are_those_of_kstatus():
    objects, answers = zip(*kstatus.recorded(), strict=True)
    assert tuple(kstatus.ask(objects)) == answers
