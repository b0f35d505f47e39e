from genreconcile.normalize.fights import Fights


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def fought(rounds, clock, every=1.0):
    fights = Fights(clock=clock)
    for _ in range(rounds):
        clock.now += every
        fights.note("key")
    return fights


def test_a_few_repairs_are_no_fight():
    fights = fought(4, Clock())
    assert fights.reason("key") == ""
    assert fights.reason("other") == ""


def test_a_fight_is_left_alone_for_a_while():
    clock = Clock()
    fights = fought(5, clock)
    assert fights.reason("key") == "a fight with another writer, who keeps undoing it: next repair in 30 s"
    clock.now += 31
    assert fights.reason("key") == ""


def test_the_pause_doubles_with_each_further_round():
    clock = Clock()
    fights = fought(5, clock)
    for pause in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        clock.now += pause / 2
        fights.note("key")
        assert f"next repair in {pause} s" in fights.reason("key")


def test_a_fight_ends_when_nobody_fights():
    clock = Clock()
    fights = fought(5, clock)
    clock.now += 700
    fights.note("key")
    assert fights.reason("key") == ""


def test_slow_changes_are_no_fight():
    assert fought(20, Clock(), every=200).reason("key") == ""


def test_repairs_are_counted():
    clock = Clock()
    fights = fought(2, clock)
    assert fights.note("key") == 3
    assert fights.note("other") == 1


def test_the_opponent_is_named():
    fights = fought(5, Clock())
    fights.name("key", "kubectl-edit")
    assert fights.reason("key").startswith("a fight with kubectl-edit,")
    fights.name("new", "x")
    assert fights.reason("new") == ""


def test_the_round_before_is_known():
    clock = Clock()
    assert not fought(3, clock).is_next_round_a_fight("key")
    assert fought(4, clock).is_next_round_a_fight("key")
    assert fought(6, clock).is_next_round_a_fight("key")
    assert not fought(6, clock).is_next_round_a_fight("other")
