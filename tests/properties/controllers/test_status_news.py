"""Which changes are news: a model in which edits, runs, writes and late events come in any order."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from genreconcile.controllers.status import News

steps = st.lists(
    st.sampled_from(
        ["spec", "spec back", "status", "status back", "noise", "event", "begin", "write", "event", "begin", "write"]
    ),
    max_size=25,
)


class World:
    """The object on the server, in the cache, and as the last run left it."""

    def __init__(self):
        self.news = News()
        self.live = {
            "metadata": {"uid": "u", "resourceVersion": "1", "annotations": {}},
            "spec": 0,
            "status": {"theirs": 0},
        }
        self.cached = copy.deepcopy(self.live)
        self.is_dirty = True
        self.seen = None
        self.left = None

    def change(self, path, value):
        before, self.live = self.live, copy.deepcopy(self.live)
        self.live["metadata"]["resourceVersion"] = str(int(before["metadata"]["resourceVersion"]) + 1)
        holder = self.live if len(path) == 1 else self.live[path[0]]
        holder[path[-1]] = value

    def step(self, name):
        if name in {"spec", "spec back"}:
            self.change(("spec",), int(name == "spec"))
        elif name in {"status", "status back"}:
            self.change(("status", "theirs"), int(name == "status"))
        elif name == "noise":
            self.change(("metadata", "managedFields"), [self.live["metadata"]["resourceVersion"]])
        elif name == "event":
            self.event()
        elif name == "begin":
            self.begin()
        elif self.seen is not None:
            self.write()

    def event(self):
        """The cache learns of the newest version; what came between is never seen."""
        if self.cached["metadata"]["resourceVersion"] == self.live["metadata"]["resourceVersion"]:
            return
        self.cached = copy.deepcopy(self.live)
        self.is_dirty = self.is_dirty or self.news.has_news(self.cached)

    def begin(self):
        self.is_dirty = False
        self.seen = copy.deepcopy(self.cached)
        self.left = None
        self.news.saw(self.seen)

    def write(self):
        ours = [self.seen["spec"], self.seen["status"]["theirs"]]
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": "u"},
            {"op": "add", "path": "/status/ours", "value": ours},
        ]
        self.news.writes(self.seen, operations)
        self.change(("status", "ours"), ours)
        self.left = ours
        self.seen = None
        self.event()  # The answer goes into the cache at once.


@given(steps)
def test_no_edit_of_others_is_lost(names):
    world = World()
    for name in names:
        world.step(name)
    world.event()
    if world.is_dirty:
        return  # The function runs again.
    last = world.left or [world.seen["spec"], world.seen["status"]["theirs"]]
    assert last == [world.live["spec"], world.live["status"]["theirs"]], "the last run saw all that there is"
    assert world.left is None or world.live["status"]["ours"] == world.left


@given(st.lists(st.sampled_from(["noise", "event", "run"]), max_size=12))
def test_our_own_writes_alone_wake_nobody(names):
    world = World()
    for name in ["run", *names]:
        for one in ("begin", "write") if name == "run" else (name,):
            world.step(one)
    world.event()
    assert not world.is_dirty


def test_what_the_cache_does_not_keep_is_no_news():
    news, parent = News(), {"metadata": {"uid": "u", "annotations": {"a": "b"}}}
    news.saw(parent)
    whole = copy.deepcopy(parent)
    whole["metadata"] |= {"managedFields": [{}], "resourceVersion": "5"}
    whole["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
    assert not news.has_news(whole)
    whole["metadata"]["annotations"]["a"] = "c"
    assert news.has_news(whole)


def test_a_spec_that_was_changed_and_changed_back_is_news_by_its_generation():
    news, parent = News(), {"metadata": {"uid": "u", "generation": 1}}
    news.saw(parent)
    assert news.has_news({"metadata": {"uid": "u", "generation": 3}})


def test_a_write_on_what_others_changed_since_is_news():
    """The cache may never show their edit alone."""
    news, parent = News(), {"metadata": {"uid": "u"}, "spec": 0, "status": {}}
    news.saw(parent)
    edited = {**parent, "spec": 1}
    news.writes(edited, [{"op": "add", "path": "/status/x", "value": 1}])
    assert news.has_news({**edited, "status": {"x": 1}})


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_nested_too_deeply_is_always_news():
    news, deep = News(), {"metadata": {"uid": "u"}, "spec": nested(1_000_000)}
    news.saw(deep)
    assert news.has_news(deep)
    parent = {"metadata": {"uid": "u"}, "status": {}}
    news.saw(parent)
    news.writes(parent, [{"op": "add", "path": "/status/x", "value": nested(900)}], completed=copy.deepcopy)
    assert news.has_news({**parent, "status": {"x": nested(900)}})


def test_operations_stay_as_they_are():
    news, parent = News(), {"metadata": {"uid": "u"}}
    operations = [
        {"op": "add", "path": "/status", "value": {}},
        {"op": "add", "path": "/status/x", "value": [1]},
        {"op": "add", "path": "/status/x/-", "value": 2},
    ]
    before = copy.deepcopy(operations)
    news.saw(parent)
    news.writes(parent, operations)
    assert operations == before
    assert not news.has_news({**parent, "status": {"x": [1, 2]}})
