"""Which toleration says all that another one says; tests/kind/cases/test_cases_r_admission.py asks the server."""

import pytest

from genreconcile.normalize.covering import toleration, without_covered

ALL = {"operator": "Exists"}
KEY = {"key": "k", "operator": "Exists"}
FIVE = {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
VALUE = {"key": "k", "operator": "Equal", "value": "v"}


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (ALL, KEY),
        (KEY, VALUE),
        (KEY, FIVE),
        (FIVE, {**FIVE, "tolerationSeconds": 4}),
        ({**FIVE, "tolerationSeconds": None}, FIVE),
        ({"key": "k", "value": "v"}, VALUE),
    ],
)
def test_r1_5_a_toleration_covers_another(wide, narrow):
    assert toleration(wide, narrow)
    assert not toleration(narrow, wide)


@pytest.mark.parametrize(
    ("one", "other"),
    [(KEY, {**KEY, "key": "l"}), (FIVE, VALUE), (VALUE, {**VALUE, "value": "w"}), ("x", KEY), (KEY, 5)],
)
def test_r1_5_tolerations_that_are_not_alike(one, other):
    assert not toleration(one, other)


def test_r1_5_what_live_has_is_kept_and_what_nothing_covers():
    own = {"key": "own", "operator": "Exists"}
    assert without_covered([own, VALUE, KEY, KEY], [KEY], "toleration") == [own, KEY]
    assert without_covered([VALUE], [VALUE, KEY], "toleration") == [VALUE]
    assert without_covered([own], [], "toleration") == [own]
