import pytest

from faults.soak.account import Account
from faults.soak.engine import COUNTED, SIZES


def sample(at, **other):
    return {**dict.fromkeys((*COUNTED, *SIZES), 0), "at": at, "rss": 100.0, "threads": 15, **other}


def account(*, rss=(90, 100, 100, 100), threads=15, settled=3.0, is_equal=True, code=0, **grew):
    """Of a soak of 400 s with two Reconcilers, which ended well but for what is given."""
    stormy = [sample(at, rss=rss[at // 100]) for at in range(400)]
    after = sample(400, **{"fought": 18, "threads": threads, **grew})
    return Account(stormy, (sample(0), after), settled, is_equal, code)


def test_a_soak_that_ended_well_passes():
    assert account().passed(reconcilers=2)
    assert account(rss=(90, 100, 102, 103)).passed(reconcilers=2)
    assert account().quarters["rss"] == [90, 100, 100, 100]


@pytest.mark.parametrize(
    "found",
    [
        {"rss": (90, 100, 102, 104)},
        {"threads": 16},
        {"settled": None},
        {"is_equal": False},
        {"code": 1},
        {"fought": 0},
        {"fought": 25},
        {"given_up": 1},
    ],
)
def test_a_soak_that_did_not_fails(found):
    assert not account(**found).passed(reconcilers=2)
