"""All five corpora: the second apply sends nothing, and random edits of every object are found and repaired.

The corpora lie beside the checkout and are no part of the project.
"""

from collections import Counter
from pathlib import Path

import pytest
from corpora import EDITS, Corpora, totals

import genreconcile as gr
from genreconcile.testing import ControlPlane

CORPUS = Path(__file__).parents[3] / "shared/corpus"
FAULTY = 4

pytestmark = [
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpora are not there: {CORPUS}"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def objects():
    return [loaded.obj for loaded in gr.load(sorted(CORPUS.glob("*.yaml")))]


@pytest.fixture(scope="module")
def plane(objects):
    with ControlPlane(extra_apiserver_args=["--allow-privileged=true"]) as plane:
        named = {obj["metadata"].get("namespace", "default") for obj in objects}
        for name in sorted(named | {obj["metadata"]["name"] for obj in objects if obj["kind"] == "Namespace"}):
            plane.create_namespace(name)
        yield plane


@pytest.fixture(scope="module")
def applied(plane, objects):
    """The Reconciler after the first apply, the faulty objects, and the good ones as they were sent."""
    with gr.Reconciler(gr.connect(kubeconfig=str(plane.kubeconfig))) as reconciler:
        result = reconciler.reconcile(objects)
        faulty = {outcome.key for outcome in result.failures}
        good = [outcome.change.expected for outcome in result if outcome.key not in faulty]
        yield reconciler, result, good


@pytest.fixture(scope="module")
def rows(applied, plane):
    _, _, good = applied
    rows = Corpora(plane.kubeconfig).run(good)
    for row in rows:
        for fault in row.faults:
            print(row.gvk, fault["what"], fault["path"], fault["detail"])
        for entry in row.excluded:
            print(row.gvk, "managed", entry["path"], *entry["rules"])
        for entry in row.oneway:
            print(row.gvk, "one way", entry["path"], entry["detail"])
    print(totals(rows))
    return rows


def test_all_but_the_faulty_are_applied(applied, objects):
    _, result, good = applied
    assert len(objects) == 514
    assert [str(outcome) for outcome in result.failures if not isinstance(outcome.error, gr.InputError)] == []
    assert len(good) == 514 - FAULTY


def test_the_second_apply_sends_no_patch(applied):
    reconciler, _, good = applied
    result = reconciler.reconcile(good)
    assert [str(outcome) for outcome in result if outcome.status != "unchanged" or outcome.reason] == []


def test_every_object_was_edited(rows):
    few = [row.gvk for row in rows if row.counts["tried"] - row.counts["meaningless"] < EDITS]
    assert few == []
    assert len(rows) == 514 - FAULTY


@pytest.mark.parametrize("what", ["spurious", "missed", "unrepaired", "not minimal", "error"])
def test_there_is_no_fault(rows, what):
    assert [(row.gvk, f["path"], f["detail"]) for row in rows for f in row.faults if f["what"] == what] == []


def test_the_numbers_add_up(rows):
    counts = Counter(totals(rows))
    assert counts["found"] == counts["repaired"] + counts["oneway"] + counts["excluded"] - unseen(rows)
    assert counts["repaired"] >= 0.9 * counts["tried"]


def unseen(rows):
    """Edits of allocated values, which were not found at all."""
    return sum(
        row.counts["tried"] - row.counts["found"] - row.counts["tolerated"] - row.counts["meaningless"] for row in rows
    )
