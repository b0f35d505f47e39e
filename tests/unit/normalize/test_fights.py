from genreconcile.memory.fights import Fights

KEY = ("uid", "/spec/a", "values")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def fought(rounds, clock, every=1.0):
    fights = Fights(clock=clock)
    for _ in range(rounds):
        clock.now += every
        fights.note(KEY)
    return fights


def test_a_few_repairs_are_no_fight():
    fights = fought(4, Clock())
    assert fights.reason(KEY) == ""
    assert fights.reason(("uid", "other")) == ""


def test_a_fight_is_left_alone_for_a_while():
    clock = Clock()
    fights = fought(5, clock)
    assert fights.reason(KEY) == "a fight with another writer, who keeps undoing it: next repair in 30 s"
    clock.now += 31
    assert fights.reason(KEY) == ""


def test_the_pause_doubles_with_each_further_round():
    clock = Clock()
    fights = fought(5, clock)
    for pause in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        clock.now += pause / 2
        fights.note(KEY)
        assert f"next repair in {pause} s" in fights.reason(KEY)


def test_a_fight_ends_when_nobody_fights():
    clock = Clock()
    fights = fought(5, clock)
    clock.now += 700
    fights.note(KEY)
    assert fights.reason(KEY) == ""


def test_slow_changes_are_no_fight():
    assert fought(20, Clock(), every=200).reason(KEY) == ""


def test_repairs_are_counted():
    clock = Clock()
    fights = fought(2, clock)
    assert fights.note(KEY) == 3
    assert fights.note(("uid", "other")) == 1


def test_the_opponent_is_named():
    fights = fought(5, Clock())
    fights.name(KEY, "kubectl-edit")
    assert fights.reason(KEY).startswith("a fight with kubectl-edit,")
    fights.name(("uid", "new"), "x")
    assert fights.reason(("uid", "new")) == ""


def test_the_round_before_is_known():
    clock = Clock()
    assert not fought(3, clock).is_next_round_a_fight(KEY)
    assert fought(4, clock).is_next_round_a_fight(KEY)
    assert fought(6, clock).is_next_round_a_fight(KEY)
    assert not fought(6, clock).is_next_round_a_fight(("uid", "other"))


def test_an_object_that_is_gone_is_forgotten():
    fights = fought(5, Clock())
    fights.forget("uid")
    assert fights.reason(KEY) == ""
    assert len(fights) == 0


def test_what_is_no_fight_is_kept_no_longer_than_it_counts():
    """Others may write another value each time; 20,000 repairs in ten hours are some 330 in ten minutes."""
    clock = Clock()
    fights = Fights(clock=clock)
    for number in range(20_000):
        clock.now += 1.8
        fights.note(("uid", number))
    assert len(fights) <= 2 * 334


def test_a_fight_is_remembered_through_its_longest_pause():
    clock = Clock()
    fights = fought(20, clock)
    for number in range(3000):
        clock.now += 1.39
        fights.note(("uid", number))
    fights.note(KEY)
    assert "next repair in 3600 s" in fights.reason(KEY)
