"""A patch of a replica that leads, sent after its follower has written: it undoes nothing."""

import pytest

import genreconcile as gr
from unit.controllers import things
from unit.controllers.things import MAP, config


def value(fake):
    return fake.get(MAP, "a")["data"]["k"]


@pytest.mark.parametrize("leads", [False, True])
def test_a_patch_that_comes_late(leads):
    """Without ``may_write`` nobody can follow, and what was drift is replaced, whatever it has become."""
    with things.cluster(config("a", namespace="shop", k="drift")) as fake:
        sent = []
        cluster = fake.recording(lambda *write: sent.append(write))
        settings = {"may_write": lambda: True} if leads else {}
        with gr.Reconciler(cluster, **settings) as reconciler:
            plan = reconciler.plan([config("a", namespace="shop", k="mine")])
            fake.patch(MAP, "a", {"op": "replace", "path": "/data/k", "value": "follower's"})
            (outcome,) = reconciler.apply(plan)
            if not leads:
                assert (outcome.status, value(fake)) == ("configured", "mine")
                return
            assert (outcome.status, value(fake)) == ("failed", "follower's")
            assert isinstance(outcome.error, gr.Conflict)
            assert sent == []
            (outcome,) = reconciler.reconcile([config("a", namespace="shop", k="mine")])
            assert (outcome.status, value(fake)) == ("configured", "mine")


def test_what_others_write_beside_it_does_not_stop_it():
    with (
        things.cluster(config("a", namespace="shop", k="drift")) as fake,
        gr.Reconciler(fake, may_write=lambda: True) as reconciler,
    ):
        plan = reconciler.plan([config("a", namespace="shop", k="mine")])
        fake.patch(MAP, "a", {"op": "add", "path": "/data/beside", "value": "theirs"})
        (outcome,) = reconciler.apply(plan)
        assert (outcome.status, value(fake)) == ("configured", "mine")
