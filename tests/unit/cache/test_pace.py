from genreconcile.cache import Pace


def test_the_longest_pause_is_reached_and_kept():
    pace = Pace()
    assert all(15.0 <= pace.backoff(failures) <= 30.0 for failures in (7, 8, 100))


def test_a_server_that_is_away_for_days_does_not_end_the_reader():
    """After 1024 failures the power of two was no float any more, and the thread ended for good."""
    assert 15.0 <= Pace().backoff(5000) <= 30.0
