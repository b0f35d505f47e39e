"""What messages about rules show: as much as helps, however large the value is."""

import pytest

from genreconcile.errors import RuleError
from genreconcile.normalize.rule import API_VERSION, parse_rules
from genreconcile.normalize.shown import named, shown

NESTED = ["x" * 500]
for _ in range(40):
    NESTED = [NESTED] * 9
LONG = ["x" * 10_000, 10**4000, 10**5000, NESTED, {"k" * 999: NESTED}, list(range(10_000))]
ENTRIES = [{"id": 10**4000, "path": ""}, {"id": "x" * 9999}, {"k" * 9999: 1}, {"managers": NESTED}]


@pytest.mark.parametrize(
    ("value", "text"),
    [("spec/replicas", "'spec/replicas'"), (7, "7"), (["a"], "['a']"), ({"a": True}, "{'a': True}"), (None, "None")],
)
def test_what_is_short_is_shown_whole(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", LONG, ids=range(len(LONG)))
def test_what_is_long_is_not(value):
    assert 0 < len(shown(value)) <= 201
    assert 0 < len(named(value)) <= 201


def test_names_stand_without_quotes():
    assert named("one") == "one"
    assert named(7) == "7"


@pytest.mark.parametrize("entry", ENTRIES, ids=range(len(ENTRIES)))
def test_a_rule_with_long_values_is_refused_in_few_words(entry):
    with pytest.raises(RuleError) as caught:
        parse_rules({"kind": "RuleSet", "apiVersion": API_VERSION, "rules": [entry]}, "rules")
    assert len(str(caught.value)) < 1000
