from genreconcile.memory.remembered import Remembered


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_what_is_put_is_there_until_its_time():
    clock = Clock()
    remembered = Remembered(10, clock)
    remembered.put(("uid", "a"), 1, until=1010.0)
    remembered.put(("uid", "a"), 2, until=1020.0)
    assert remembered.get(("uid", "a")) == 2
    assert remembered.get(("uid", "b")) is None
    assert remembered.get(("other", "a")) is None
    assert len(remembered) == 1
    clock.now = 1020.0
    assert remembered.get(("uid", "a")) is None


def test_an_object_that_is_gone_takes_all_of_its_own_along():
    remembered = Remembered(10, Clock())
    for place in "abc":
        remembered.put(("uid", place), 1, until=2000.0)
    remembered.put(("other", "a"), 1, until=2000.0)
    remembered.forget("uid")
    remembered.forget("never seen")
    assert len(remembered) == 1
    assert remembered.get(("uid", "a")) is None
    assert remembered.get(("other", "a")) == 1


def test_expired_entries_do_not_add_up():
    clock = Clock()
    remembered = Remembered(10_000, clock)
    for number in range(20_000):
        clock.now += 1.0
        remembered.put(("uid", number), 1, until=clock.now + 100)
        assert len(remembered) <= 256


def test_too_many_objects_drop_those_noted_longest_ago():
    remembered = Remembered(100, Clock())
    remembered.put(("busy", "a"), 1, until=5000.0)
    for number in range(1000):
        remembered.put((number, "a"), 1, until=5000.0)
        remembered.put(("busy", "a"), number, until=5000.0)
        assert len(remembered) <= 100
    assert remembered.get(("busy", "a")) == 999
    assert remembered.get((999, "a")) == 1
    assert remembered.get((0, "a")) is None


def test_one_object_alone_is_bounded_too():
    remembered = Remembered(100, Clock())
    for number in range(1000):
        remembered.put(("uid", number), 1, until=5000.0)
        assert len(remembered) <= 100
    assert remembered.get(("uid", 999)) == 1


def test_an_object_is_forgotten_whole_and_by_when_it_was_noted():
    remembered = Remembered(100, Clock())
    for place in "ab":
        remembered.put(("noted", place), 1, until=5000.0)
    remembered.put(("read", "a"), 1, until=5000.0)
    for number in range(1000):
        remembered.put((number, "a"), 1, until=5000.0)
        remembered.put(("noted", "b"), 2, until=5000.0)
        remembered.get(("read", "a"))
    assert (remembered.get(("noted", "a")), remembered.get(("noted", "b"))) == (1, 2)
    assert remembered.get(("read", "a")) is None
