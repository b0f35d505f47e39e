from genreconcile.memory.learned import INSISTS, RULE_GAP, Learned, digest

ONE, OTHER = ("uid", "/spec/a", "values"), ("uid", "/spec/b", "values")


def test_a_gap_is_learned_after_the_second_time():
    learned = Learned()
    learned.note(ONE, RULE_GAP)
    assert learned.verdict(ONE) == ""
    learned.note(ONE, RULE_GAP)
    assert learned.verdict(ONE) == RULE_GAP
    assert learned.count(ONE, RULE_GAP) == 2
    assert learned.count(ONE, INSISTS) == 0


def test_what_is_learned_holds_for_its_key_alone():
    learned = Learned()
    for _ in range(2):
        learned.note(ONE, INSISTS)
    assert learned.verdict(ONE) == INSISTS
    assert learned.verdict(OTHER) == ""
    assert learned.verdict((*ONE[:-1], "other values")) == ""


def test_r1_2_a_server_that_insists_on_one_value_is_believed_of_no_other():
    learned = Learned()
    for _ in range(10):
        learned.note(ONE, INSISTS)
    assert not learned.verdict((*ONE[:-1], "another"))


def test_r1_2_what_a_dry_run_has_shown_needs_no_patch():
    learned = Learned()
    learned.insist(ONE)
    assert learned.verdict(ONE) == INSISTS
    assert not learned.verdict((*ONE[:-1], "another"))


def test_a_server_that_insists_on_ever_new_values_is_believed_too():
    learned = Learned()
    for number in range(4):
        assert learned.verdict((*ONE[:-1], str(number))) == ""
        learned.note((*ONE[:-1], str(number)), INSISTS)
    assert learned.verdict((*ONE[:-1], "yet another")) == INSISTS


def test_it_is_bounded_and_expires():
    now = [0.0]
    learned = Learned(size=4, ttl=60.0, clock=lambda: now[0])
    for number in range(9):
        learned.note((number, "values"), RULE_GAP)
    assert 0 < len(learned) <= 4
    assert learned.count((8, "values"), RULE_GAP) == 1
    now[0] = 60.0
    assert learned.count((8, "values"), RULE_GAP) == 0


def test_all_is_forgotten_with_its_object():
    learned = Learned()
    for key in (ONE, OTHER, ("another uid", "/spec/a", "values")):
        learned.note(key, INSISTS)
        learned.note_repair(key)
    learned.forget("uid")
    assert learned.count(ONE, INSISTS) == 0
    assert learned.count(("another uid", "/spec/a", "values"), INSISTS) == 1
    assert len(learned) == 4  # Each by its values, and by its place.


def test_digests_do_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})


def test_repairs_that_are_undone_are_a_fight_with_the_same_values_or_new_ones():
    learned = Learned()
    for _ in range(5):
        learned.note_repair(ONE)
    assert learned.fight(ONE).startswith("a fight with another writer")
    assert learned.fight(OTHER) == ""
    for number in range(6):
        assert learned.fight((*OTHER[:-1], str(number))) == ""
        learned.note_repair((*OTHER[:-1], str(number)))
    learned.name_opponent((*OTHER[:-1], "new"), "minter")
    assert learned.fight((*OTHER[:-1], "newest")).startswith("a fight with minter")
    assert learned.is_next_round_a_fight((*OTHER[:-1], "newest"))
    assert not learned.is_next_round_a_fight(("else", "values"))
