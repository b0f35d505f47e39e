"""Custom resources by a generator: no false drift, none missed, no loop, on the real server.

``GENRECONCILE_GENERATED`` is how many kinds are tried, with eight schemas each in up to three versions: 10 in each test
run, 60 and more edits by ``make conformance``. ``GENRECONCILE_GENERATED_SEED`` chooses other ones.
"""

import os

import pytest

import genreconcile as gr
from kind.generated.generated_kinds import generate
from kind.generated.generated_suite import Suite

KINDS = int(os.environ.get("GENRECONCILE_GENERATED", "10"))
SEED = int(os.environ.get("GENRECONCILE_GENERATED_SEED", "1"))
SLOTS = 8
SHOWN = 10
ROUNDS = 12 if KINDS <= 10 else 60


@pytest.mark.timeout(7200)
def test_generated_custom_resources(control_plane, namespace):
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    suite = Suite(cluster, namespace, generate(KINDS, SLOTS, SEED), seed=SEED)
    with gr.Reconciler(cluster) as reconciler:
        suite.create(reconciler)
        suite.rounds(reconciler.cache, ROUNDS)
    tally = suite.tally
    print(f"\n{tally}")
    wrong = [*tally.false, *tally.missed, *tally.unconverged]
    assert wrong == [], "\n".join([str(tally), *wrong[:SHOWN]])
