"""The decisions of one candidate, one by one: times and answers in, what to send out."""

import datetime as dt

import pytest

import genreconcile as gr
from genreconcile.election.election import Election, Look
from genreconcile.election.lease import Lease, own_identity
from genreconcile.election.state import State
from genreconcile.errors import InputError

WALL = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
AT = "2026-01-01T00:00:00.000000Z"


def of_other(renewed="1", **spec):
    known = {"holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": renewed, "leaseTransitions": 3}
    return {"metadata": {"name": "shop", "resourceVersion": "7"}, "spec": {**known, **spec}}


def candidate(**settings):
    return Election(Lease("shop", **settings), "me", "web")


def leader(at=100.0):
    election = candidate()
    assert election.begin(at, WALL) == Look()
    election.written(at, election.seen(at, WALL, None).body)
    assert election.holds(at)
    return election


def test_a_lease_that_is_not_there_is_created():
    election = candidate()
    assert election.begin(0.0, WALL) == Look()
    step = election.seen(0.0, WALL, None)
    assert step.creates
    assert step.body == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "shop", "namespace": "web"},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 15,
            "acquireTime": AT,
            "renewTime": AT,
            "leaseTransitions": 0,
        },
    }
    assert not election.holds(0.0), "not before the answer"


def test_who_holds_renews_with_one_request_and_keeps_what_others_wrote():
    election = leader()
    live = of_other(holderIdentity="me", acquireTime="then", strategy="OldestEmulationVersion")
    election.written(100.0, live)
    step = election.begin(102.0, WALL)
    assert not step.creates
    assert step.body["metadata"] == live["metadata"], "with its resourceVersion"
    assert step.body["spec"] == {**live["spec"], "renewTime": AT}


def test_time_counts_from_the_start_of_the_last_renewal():
    election = leader(at=100.0)
    step = election.begin(102.0, WALL)
    election.written(106.9, step.body)
    assert election.left(106.9) == pytest.approx(5.1)
    assert election.holds(111.9)
    assert not election.holds(112.0)


def test_a_renewal_without_an_answer_counts_for_nothing_and_the_lease_is_read_next():
    election = leader(at=100.0)
    election.begin(102.0, WALL)
    election.failed()
    assert election.begin(104.0, WALL) == Look()
    assert election.holds(109.9)
    assert not election.holds(110.0)


def test_who_sees_another_holder_stops_at_once():
    election = leader()
    election.failed()
    assert election.begin(101.0, WALL) == Look()
    assert election.seen(101.0, WALL, of_other()) is None
    assert not election.holds(101.0)


def test_who_sees_no_lease_any_more_stops_at_once():
    election = leader()
    election.failed()
    assert election.seen(101.0, WALL, None).creates
    assert not election.holds(101.0)


def test_the_lease_of_another_is_taken_after_its_duration_by_the_own_clock():
    election = candidate()
    assert election.seen(0.0, WALL, of_other("1")) is None
    assert election.seen(4.0, WALL, of_other("2")) is None, "renewed"
    assert election.seen(8.0, WALL, of_other("2")) is None
    assert election.seen(14.0, WALL, of_other("2")) is None
    assert election.seen(18.9, WALL, of_other("2")) is None
    step = election.seen(19.0, WALL, of_other("2"))
    assert State.of(step.body) == State("me", 15, AT, AT, 4)
    assert step.body["metadata"]["resourceVersion"] == "7"


def test_a_duration_that_the_holder_names_counts():
    election = candidate()
    assert election.seen(0.0, WALL, of_other(leaseDurationSeconds=5)) is None
    assert election.seen(4.9, WALL, of_other(leaseDurationSeconds=5)) is None
    assert election.seen(5.0, WALL, of_other(leaseDurationSeconds=5)) is not None


@pytest.mark.parametrize("spec", [{"holderIdentity": ""}, {"holderIdentity": None}, {"holderIdentity": "me"}])
def test_a_lease_that_nobody_else_holds_is_taken_at_once(spec):
    assert candidate().seen(0.0, WALL, of_other(**spec)) is not None


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": 1, "leaseDurationSeconds": "x", "leaseTransitions": []}])
def test_a_lease_in_which_anything_stands_is_read_as_something(spec):
    step = candidate().seen(0.0, WALL, {**of_other(), "spec": spec})
    assert State.of(step.body) == State("me", 15, AT, AT, 0)


def test_a_clock_that_goes_back_ends_the_belief():
    election = leader(at=100.0)
    assert election.holds(101.0)
    assert not election.holds(100.5)
    assert not election.holds(101.5)
    step = election.begin(101.5, WALL)
    assert step == Look()


def test_a_clock_that_goes_back_while_the_answer_comes_gives_no_time():
    election = leader(at=100.0)
    step = election.begin(102.0, WALL)
    election.written(50.0, step.body)
    assert not election.holds(60.0)


def test_a_clock_that_goes_ahead_ends_the_belief():
    assert not leader(at=100.0).holds(3700.0)


def test_a_clock_that_goes_ahead_shortens_a_wait_by_no_more_than_the_time_between_two_looks():
    election = candidate()
    assert election.seen(0.0, WALL, of_other()) is None
    assert election.seen(3600.0, WALL, of_other()) is None
    assert election.seen(3605.5, WALL, of_other()) is None
    assert election.seen(3605.7, WALL, of_other()) is not None


def test_a_clock_that_goes_back_makes_no_wait_longer():
    election = candidate()
    assert election.seen(3600.0, WALL, of_other()) is None
    assert election.seen(0.0, WALL, of_other()) is None
    for at in (4.0, 8.0, 12.0):
        assert election.seen(at, WALL, of_other()) is None
    assert election.seen(15.0, WALL, of_other()) is not None


def test_a_lease_is_given_back_and_not_taken_again():
    election = leader(at=100.0)
    election.release()
    assert not election.holds(100.0)
    step = election.begin(100.0, WALL)
    assert State.of(step.body) == State("", 1, AT, AT, 0)
    election.written(100.0, step.body)
    assert not election.holds(100.0)
    assert election.seen(101.0, WALL, step.body) is None
    assert election.seen(101.0, WALL, None) is None


def test_a_release_that_cannot_know_the_lease_reads_it_first():
    election = leader()
    election.failed()
    election.release()
    assert election.begin(100.0, WALL) == Look()
    assert election.seen(100.0, WALL, of_other()) is None, "another has it"


def test_pauses():
    election = leader(at=100.0)
    assert election.pause(100.0, 1.0) == 2.0
    assert election.pause(110.0, 0.0) == 2.0
    assert election.pause(110.0, 1.0) == pytest.approx(4.4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "Shop"}, "'Shop' is no name of a Lease"),
        ({"name": "a" * 254}, "is no name of a Lease"),
        ({"namespace": "a/b"}, "is no name of a namespace"),
        ({"identity": ""}, "names nobody"),
        ({"duration": 15.5}, "is no whole number"),
        ({"duration": 10}, "is not less than the lease's duration of 10 s"),
        ({"renew_deadline": 2.4}, "is too long for a renew_deadline of 2.4 s"),
        ({"retry_period": 0}, "is too short"),
    ],
)
def test_unusable_settings(settings, said):
    with pytest.raises(InputError, match=said):
        Lease(**{"name": "shop", **settings})


def test_the_times_of_a_lease():
    lease = gr.Lease("shop")
    assert (lease.write_timeout, lease.request_timeout, lease.longest_pause) == (5.0, 5.0, pytest.approx(4.4))


def test_no_two_processes_have_one_identity():
    assert own_identity() != own_identity()
