"""A view that grows old is not taken for the truth: watches that fail, connections that are forgotten, quiet kinds."""

import dataclasses

import pytest

from faults.oracles import (
    LABELS,
    MAPS,
    QUICK,
    assert_no_gap,
    config_map,
    converge,
    differing,
    engine,
    path_of,
    reconcile,
    watches,
)
from genreconcile.errors import ReconcileError
from support.api.effects import Drop, Refuse
from support.api.streams import Lines, error_event, hide
from support.eventually import LONG, eventually

PACE = dataclasses.replace(QUICK, relist=0.3, tell=0.6)

REFUSALS = {
    **{str(code): Refuse(code) for code in (400, 401, 403, 404, 405, 406, 429, 500, 502, 503, 504)},
    "a proxy's page": Refuse(502, body=b"<html>Bad Gateway</html>"),
    "410": Refuse(410, "Expired"),
    "410 as an event": error_event(410, "Expired"),
    "500 as an event": error_event(500),
    "dropped": Drop(),
    "reset": Drop(reset=True),
    "ends at once": Lines(lambda _: ()),
    "no JSON": Lines(lambda _: iter([b"<html>\n"])),
}


def prunes(ground):
    return {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("how", REFUSALS)
def test_r3_2_a_watch_that_is_refused_while_lists_work(ground, how):
    """Drift is found and repaired, and from some time on plan and result say that what is known is old."""
    expected = [config_map(name, ground.namespace, k="1") for name in "ab"]
    with engine(ground, pace=PACE) as reconciler:
        converge(ground, reconciler, expected)
        fault = ground.faults.add(REFUSALS[how], "watch", resource="configmaps", times=None)
        ground.cut_connections()
        eventually(lambda: fault.fired)
        ground.admin.patch(path_of(ground.namespace, "a"), {"op": "add", "path": "/data/k", "value": "theirs"})
        ground.admin.delete(path_of(ground.namespace, "b"))
        eventually(lambda: reconcile(reconciler, expected) and differing(ground, expected) == [])
        eventually(lambda: told(reconciler, expected), "a warning in plan and result")
        assert reconciler.cache.stale_since(MAPS)
        ground.faults.clear()
        eventually(lambda: reconciler.cache.stale_since(MAPS) is None)
        assert reconciler.reconcile(expected).warnings == reconciler.plan(expected).warnings == ()
        converge(ground, reconciler, expected)


@pytest.mark.quick("scripted")
def test_a_deletion_waits_for_a_watch_that_has_just_failed(ground):
    """As where a definition changes: its server ends the watches, and the next one may not be well at once."""
    expected, old = [config_map("a", ground.namespace)], config_map("old", ground.namespace, labels=LABELS)
    with engine(ground, pace=dataclasses.replace(PACE, first_backoff=1.0, longest_backoff=1.0)) as reconciler:
        converge(ground, reconciler, [*expected, old])
        ground.faults.add(Refuse(500), "watch", resource="configmaps", times=1)
        ground.cut_connections()
        eventually(lambda: reconciler.cache.error(MAPS))
        result = reconciler.reconcile(expected, **prunes(ground))
        assert result.counts["deleted"] == 1, result.warnings


def told(reconciler, expected):
    try:
        plan, result = reconciler.plan(expected), reconciler.reconcile(expected)
    except ReconcileError:
        return False
    return all(
        any(MAPS in warning and "may be old" in warning for warning in found.warnings) for found in (plan, result)
    )


def test_r3_2_other_kinds_are_not_told_of(ground):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": ground.namespace}}
    with engine(ground, pace=PACE, kinds=[MAPS]) as reconciler:
        reconciler.reconcile([secret])
        ground.faults.add(Refuse(500), "watch", resource="configmaps", times=None)
        ground.cut_connections()
        eventually(lambda: reconciler.cache.stale_since(MAPS))
        eventually(lambda: told(reconciler, [config_map("a", ground.namespace)]))
        assert reconciler.plan([secret]).warnings == ()


@pytest.mark.quick("scripted")
def test_r3_7_connections_that_are_forgotten_while_new_ones_work(ground):
    """After many writes many connections lie idle. None of them is waited for."""
    expected = [config_map(f"n{number}", ground.namespace, k="1") for number in range(40)]
    with engine(ground, concurrency=16) as reconciler:
        converge(ground, reconciler, expected)
        before = ground.accepted
        ground.forget_connections()
        ground.admin.patch(path_of(ground.namespace, "n7"), {"op": "add", "path": "/data/k", "value": "theirs"})
        eventually(lambda: reconcile(reconciler, expected) and differing(ground, expected) == [])
        assert ground.accepted > before
        assert ground.swallowed == 0
        assert_no_gap(ground, reconciler.cache)
        converge(ground, reconciler, expected)


@pytest.mark.quick("scripted")
def test_r3_7_a_write_into_a_forgotten_connection_is_the_only_one(ground):
    """It fails, for nobody knows whether it was carried out; those that follow take new connections."""
    expected = [config_map(f"n{number}", ground.namespace, k="1") for number in range(12)]
    with engine(ground, concurrency=4, timeout=3.0) as reconciler:
        converge(ground, reconciler, expected)
        ground.forget_connections()
        wanted = [config_map(f"n{number}", ground.namespace, k="2") for number in range(12)]
        result = reconciler.reconcile(wanted)
        assert result.counts["failed"] <= 4
        assert result.counts["configured"] >= 8
        converge(ground, reconciler, wanted)


@pytest.mark.parametrize("bookmarks", ["once", "never"])
def test_r3_10_a_kind_that_is_quiet_for_long(ground, bookmarks):
    """No error, no warning, no list, and deletions go on: watches end as the server ends them."""
    sent = []

    def rarely(lines):
        for line in lines:
            if b'"BOOKMARK"' not in line or (bookmarks == "once" and not sent):
                sent.append(line)
                yield line

    ground.faults.add(Lines(rarely), "watch", resource="configmaps", times=None)
    expected = [config_map("a", ground.namespace, k="1")]
    found = []
    with engine(ground, pace=dataclasses.replace(QUICK, grace=LONG)) as reconciler:
        converge(ground, reconciler, expected)
        since = len(watches(ground))

        def rounds():
            ground.admin.create(path_of(ground.namespace), config_map("left", ground.namespace)) if not found else None
            result = reconciler.reconcile(expected, **prunes(ground))
            found.append((result.warnings, reconciler.cache.error(MAPS), reconciler.cache.stale_since(MAPS)))
            return len(watches(ground)) >= since + 4

        eventually(rounds)
        assert set(found) == {((), None, None)}
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and _is_gone(ground, "left"))
    assert all(entry.status == 200 for entry in watches(ground))


def test_r3_1_a_refused_write_is_not_compared_again_with_the_same_old_view(ground):
    """News of other objects are no news of this one: it is read."""
    expected = [config_map("b", ground.namespace, k="1")]
    with engine(ground, kinds=[MAPS]) as reconciler:
        reconciler.reconcile([*expected, config_map("a", ground.namespace, k="1")]).raise_for_failures()
        of_a = hide(lambda event: event["object"]["metadata"].get("name") == "a")
        before = ground.faults.add(of_a, "watch", resource="configmaps", times=None)
        ground.cut_connections()
        eventually(lambda: before.fired)
        ground.admin.patch(path_of(ground.namespace, "a"), {"op": "add", "path": "/data/k", "value": "theirs"})
        ground.admin.create(path_of(ground.namespace), config_map("other", ground.namespace, labels={}))
        eventually(lambda: reconciler.cache.record(MAPS, "other", namespace=ground.namespace))
        result = reconciler.reconcile(expected, **prunes(ground))
        assert {outcome.key.name: outcome.status for outcome in result} == {"a": "deleted", "b": "unchanged"}
        assert len(ground.log.entries("delete")) == 2


def _is_gone(ground, name):
    return ground.admin.find(path_of(ground.namespace, name)) is None
