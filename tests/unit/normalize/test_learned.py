from genreconcile.normalize.learned import INSISTS, RULE_GAP, Learned, digest


def test_a_gap_is_learned_after_the_second_time():
    learned = Learned()
    learned.note("key", RULE_GAP)
    assert learned.verdict("key") == ""
    assert len(learned) == 0
    learned.note("key", RULE_GAP)
    assert learned.verdict("key") == RULE_GAP
    assert learned.count("key", RULE_GAP) == 2
    assert len(learned) == 1


def test_what_is_learned_holds_for_its_key_alone():
    learned = Learned()
    for _ in range(2):
        learned.note("one", INSISTS)
    assert learned.verdict("one") == INSISTS
    assert learned.verdict("two") == ""


def test_it_is_bounded_and_expires():
    learned = Learned(size=2, ttl=0.0)
    for key in range(5):
        learned.note(key, RULE_GAP)
        learned.note(key, RULE_GAP)
    assert len(learned) == 0


def test_digests_do_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
