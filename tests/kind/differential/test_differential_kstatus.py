"""The profile kstatus, held against kstatus itself over generated statuses of every kind that it knows."""

import datetime as dt
import shutil
from collections import Counter, defaultdict

import pytest

import genreconcile as gr
from genreconcile.kinds.order import kind_name
from kind.differential.tally import seeded, size
from support import kstatus
from support.statuses import cases

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go to be held against")


_SPOILT = "of a spoilt kind"
_RARE = 200


def test_states(tally):
    objects = cases(seeded("kstatus").random(), size(20_000, 400_000))
    now = dt.datetime.now(dt.UTC)
    found = [gr.status(obj, now=now, profile="kstatus") for obj in objects]
    often = {kind for kind, count in Counter(map(kind_of, objects)).items() if count * _RARE > len(objects)}
    named = [kind if (kind := kind_of(obj)) in often else _SPOILT for obj in objects]
    tried, wrong = Counter(named), defaultdict(list)
    for kind, obj, answer, status in zip(named, objects, kstatus.ask(objects), found, strict=True):
        if answer != status.state:
            wrong[kind].append((answer, status, obj))
    for kind in sorted(tried):
        tally.add(f"states: {kind}", tried[kind], wrong[kind])


def kind_of(obj):
    """``Kind.group``."""
    gvk = gr.GVK.of(obj)
    return kind_name(gvk.group, gvk.kind)


def test_the_recorded_answers_are_those_of_kstatus():
    objects, answers = zip(*kstatus.recorded(), strict=True)
    assert tuple(kstatus.ask(objects)) == answers
