"""A list in pages is whole and in order, whenever the head of a page tells its token, and whoever ends it early."""

import contextlib
import threading

from hypothesis import given
from hypothesis import strategies as st

from genreconcile import gojson
from genreconcile.cache.pager import Pager
from genreconcile.cluster import Interrupt, Preview
from genreconcile.errors import Gone
from support.api.scripted import obj, page

PATH = "/apis/example.com/v1/widgets"

pages = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=12)
"""Of each page the number of objects, whether its head tells the token, and whether it is answered a moment later."""


class Paged:
    """Answers with these pages; ``most`` is the largest number of pages that were asked for and not taken."""

    server, namespace = "https://paged", ""

    def __init__(self, made, refused=None):
        self.made, self.refused = made, refused
        self.asked, self.taken, self.most = [], 0, 0
        self.lock = threading.Lock()

    def request(self, _method, _path, *, query, **_):
        number = int(query.get("continue", "0"))
        count, tells, waits = self.made[number]
        with self.lock:
            self.asked.append(number)
            self.most = max(self.most, len(self.asked) - self.taken)
        following = str(number + 1) if number + 1 < len(self.made) else ""
        body = gojson.dumps(page(5, *(obj(f"{number}-{index}", 1) for index in range(count)), token=following))
        begun = Preview.current()
        if tells and begun is not None:
            begun(body)
        if waits:
            threading.Event().wait(0.001)
        if number == self.refused:
            raise Gone("expired", status=410)
        return body

    def read(self, most=None):
        """The names of the objects of the first pages, by default of all."""
        pager, found = Pager(self, PATH, accept="application/json", timeout=65), []
        with contextlib.closing(pager.pages(500, Interrupt())) as read:
            for taken, one in enumerate(read, 1):
                with self.lock:
                    self.taken = taken
                found += [gojson.loads(bytes(item))["metadata"]["name"] for item in one.items]
                if taken == most:
                    break
        return found


def names(made):
    return [f"{number}-{index}" for number, (count, *_) in enumerate(made) for index in range(count)]


@given(pages)
def test_all_objects_come_once_and_in_order(made):
    server = Paged(made)
    assert server.read() == names(made)
    assert sorted(server.asked) == list(range(len(made)))
    assert server.most <= 3


@given(pages, st.data())
def test_who_ends_early_leaves_nothing_behind(made, data):
    most = data.draw(st.integers(1, len(made)))
    server = Paged(made)
    assert server.read(most) == names(made[:most])
    assert len(server.asked) == len(set(server.asked)) <= most + 2
    asked = len(server.asked)
    assert not [thread for thread in threading.enumerate() if PATH in thread.name]
    assert len(server.asked) == asked


@given(pages, st.data())
def test_a_page_that_is_refused_is_told_after_all_before_it(made, data):
    refused = data.draw(st.integers(0, len(made) - 1))
    server, found = Paged(made, refused), []
    pager = Pager(server, PATH, accept="application/json", timeout=65)
    with contextlib.suppress(Gone), contextlib.closing(pager.pages(500, Interrupt())) as read:
        found.extend(len(one.items) for one in read)
        raise AssertionError("it was not told")
    assert found == [count for count, *_ in made[:refused]]
