"""Controllers that are removed for good: ``genreconcile run operator.py --release``."""

import pytest

from genreconcile.cli import main, session
from genreconcile.controllers.release import release
from unit.controllers import things
from unit.controllers.things import MAP, THING, config, controller, thing

THEIRS = "example.com/theirs"
OPERATOR = """
import genreconcile as gr

@gr.controller("example.com/v1/Thing", name="things")
def things(parent, ctx):
    return []

@things.on_delete
def goodbye(parent, ctx):
    raise SystemExit("never")

folder = gr.callable(lambda: [], name="set")
"""


@pytest.fixture
def fake():
    theirs = thing("two")
    theirs["metadata"]["finalizers"] = [THEIRS]
    with things.cluster(thing("one"), theirs, thing("three")) as fake:
        yield fake


def held(**settings):
    one = controller(lambda parent, _: [config(f"of-{parent['metadata']['name']}")], **settings)
    one.on_delete(lambda *_: None)
    return one


def finalizers(fake):
    return {obj["metadata"]["name"]: obj["metadata"].get("finalizers", []) for obj in fake.find(THING)}


def test_finalizers_go_and_children_stay(fake):
    one = held()
    with fake.run(one) as run:
        run.settle()
    own = one.settings.finalizer_name
    assert finalizers(fake) == {"one": [own], "two": [THEIRS, own], "three": [own]}
    fake.delete(THING, "three")
    before = {obj["metadata"]["name"]: obj for obj in fake.find(MAP)}
    assert release([one], fake) == []
    assert finalizers(fake) == {"one": [], "two": [THEIRS]}, "and the deleted one is gone"
    after = {obj["metadata"]["name"]: obj for obj in fake.find(MAP)}
    assert after == {name: obj for name, obj in before.items() if name != "of-three"}, "that is the collector's work"
    assert release([one], fake) == []


def test_a_finalizer_of_another_name_goes_too(fake):
    with fake.run(held()) as run:
        run.settle()
    assert release([held(finalizer="example.com/x")], fake) == []
    assert finalizers(fake) == {"one": [], "two": [THEIRS], "three": []}


class Editing:
    """A cluster in which somebody edits a parent just before its finalizer is taken off."""

    def __init__(self, fake, times):
        self.fake, self.times = fake, times
        self.server, self.namespace, self.stream, self.close = fake.server, fake.namespace, fake.stream, fake.close

    def request(self, method, path, **more):
        if method == "PATCH" and path.endswith("things/one") and self.times:
            self.times -= 1
            things.edit(self.fake, edit=self.times)
        return self.fake.request(method, path, **more)


@pytest.mark.parametrize(("times", "failed"), [(1, []), (100, ["Thing.example.com shop/one: not released: "])])
def test_a_parent_that_changes_meanwhile(fake, times, failed):
    one = held()
    with fake.run(one) as run:
        run.settle()
    told = release([one], Editing(fake, times))
    assert [text[: len(start)] for text, start in zip(told, failed, strict=True)] == failed
    assert finalizers(fake)["three"] == [], "the others go on"
    assert finalizers(fake)["one"] == ([one.settings.finalizer_name] if failed else [])


@pytest.mark.parametrize("which", ["operator", "set"])
def test_the_command(fake, which, tmp_path, monkeypatch, capsys):
    file = tmp_path / "operator.py"
    file.write_text(OPERATOR if which == "operator" else "import genreconcile as gr\ns = gr.callable(list, name='s')\n")
    monkeypatch.setattr(session, "connect", lambda _: fake)
    with fake.run(held()) as run:
        run.settle()
    code = main(["run", str(file), "--release"])
    if which == "operator":
        assert code == 0
        assert finalizers(fake)["one"] == []
        assert "Thing.example.com shop/one: released, and its children stay" in capsys.readouterr().err
    else:
        assert code == 2
        assert finalizers(fake)["one"] != []
        assert "--release goes with controllers" in capsys.readouterr().err
