"""Many writers at a time: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from genreconcile.errors import ClusterError
from support.contract.cases import case

MAPS = "v1/configmaps"
WRITERS = 8


def _together(function):
    """The answers, or the ClusterErrors, of so many calls at a time."""

    def answered(number):
        try:
            return function(number)
        except ClusterError as error:
            return error

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(answered, range(WRITERS)))


def _failures(answers):
    return [(answer.status, answer.reason) for answer in answers if isinstance(answer, ClusterError)]


@case
def of_writers_with_one_version_one_wins(place):
    path, made = place.config_map("a", {"k": "0"})
    answers = _together(lambda number: place.put(path, {**made, "data": {"k": f"w{number}"}}))
    assert _failures(answers) == [(409, "Conflict")] * (WRITERS - 1)
    (winner,) = [answer for answer in answers if not isinstance(answer, ClusterError)]
    assert place.get(path) == winner


@case
def of_creators_of_one_name_one_wins(place):
    path = place.at(MAPS)
    answers = _together(lambda number: place.post(path, {"metadata": {"name": "a"}, "data": {"k": f"w{number}"}}))
    assert _failures(answers) == [(409, "AlreadyExists")] * (WRITERS - 1)
    (winner,) = [answer for answer in answers if not isinstance(answer, ClusterError)]
    assert place.get(f"{path}/a") == winner


@case
def patches_of_different_fields_are_all_kept(place):
    path, _ = place.config_map("a", {"k": "0"})
    answers = _together(lambda number: place.merge(path, {"data": {f"w{number}": "x"}}))
    # The server repeats a patch a few times, and then leaves it to its client.
    lost = [number for number, answer in enumerate(answers) if isinstance(answer, ClusterError)]
    assert set(_failures(answers)) <= {(409, "Conflict")}
    expected = {"k", *(f"w{number}" for number in range(WRITERS) if number not in lost)}
    assert set(place.get(path)["data"]) == expected


@case
def versions_of_one_object_are_events_in_order(place):
    path, made = place.config_map("a", {"k": "0"}, labels={"set": "x"})
    answers = _together(lambda number: place.merge(path, {"data": {"k": f"w{number}"}}))
    written = [answer for answer in answers if not isinstance(answer, ClusterError)]
    version = made["metadata"]["resourceVersion"]
    events = place.watch(place.at(MAPS), len(written), resourceVersion=version, labelSelector="set=x")
    seen = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert seen == sorted({int(answer["metadata"]["resourceVersion"]) for answer in written})


@case
def of_deleters_under_one_uid_one_wins(place):
    path, made = place.config_map("a")
    options = {"preconditions": {"uid": made["metadata"]["uid"]}}
    answers = _together(lambda _: place.delete(path, options))
    assert _failures(answers) == [(404, "NotFound")] * (WRITERS - 1)
