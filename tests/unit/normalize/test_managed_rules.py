"""Rules for values that nobody can predict: each is listed, with a scenario that proves it on a real server."""

import genreconcile as gr
from kind.conformance import scenario
from kind.conformance.report import UNPREDICTABLE


def test_every_unpredictable_value_is_listed_with_its_proof():
    rules = gr.Registry.builtin(tool_marks=False).rules  # What tools write is what they choose to write.
    assert {rule.id for rule in rules if rule.action == "managed"} - UNPREDICTABLE.keys() == set()
    assert UNPREDICTABLE.keys() - {rule.id for rule in rules if rule.action in {"managed", "keep"}} == set()
    proven = {rule: proof for rule, (proof, _) in scenario.proofs().items()}
    assert {rule: proof for rule, proof in UNPREDICTABLE.items() if proof != "twice"} == proven
