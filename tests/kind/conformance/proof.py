"""One scenario carried out: the value is there, the engine leaves it alone, and it could not have been predicted."""

import contextlib
import copy

import jsonpatch
import pytest

import genreconcile as gr
from kind.conformance.ground import SOON, value
from kind.conformance.scenario import around, named
from kind.conformance.shapes import text, touches
from support.eventually import eventually, last_answer

SEVERAL = 6
PATIENCE = 5.0
SECONDS = 20.0  # The server remembers for 10 seconds that it has checked a token.


class Proof:
    """A scenario on a ground. ``other`` makes the ground of a second world with other arguments of the server."""

    def __init__(self, ground, scenario, name, other):
        self.ground, self.other, self.name, self.namespace = ground, other, name, name
        scenario = named(scenario, name)
        self.scenario, self.rules = scenario, scenario["rules"]
        self.expected = scenario["expected"]
        self.worlds = scenario.get("worlds") or [[], []]

    def run(self):
        """The proof holds, or an AssertionError says where it does not; the rules that it is about."""
        self.ground.plane.create_namespace(self.namespace)
        getattr(self, self.scenario["proof"].replace("-", "_"))()
        return self.rules

    @property
    def placed(self):
        return self.ground.placed(self.expected, self.namespace)

    def appears(self):
        """Two worlds give two values."""
        with self.world(self.worlds[0]) as live:
            first = self.values(live)
        with contextlib.ExitStack() as stack:
            if "apiserver" in self.scenario:
                self.ground = stack.enter_context(self.other(self.scenario["apiserver"]))
            if "elsewhere" in self.scenario or "apiserver" in self.scenario:
                self.namespace = self.ground.plane.create_namespace(f"{self.name}-elsewhere")
            second = self.values(stack.enter_context(self.world(self.worlds[1], unlike=first)))
        assert not [path for path in first if first[path] == second[path]], second

    def rewritten(self):
        """Each edit is taken, and then there is another value than the edit's."""
        with self.world(self.worlds[0]):
            for edit in self.scenario["edits"]:
                self.rewrite(edit)

    def rewrite(self, edit):
        live = self.settled()
        (path,) = [path for path in self.rules.values() if touches(path, edit["path"])]
        edited = value(jsonpatch.apply_patch(live, [edit]), path)
        assert edited != value(live, path), f"{edit} changes nothing"
        self.write(edit)
        eventually(lambda: self.is_other(path, edited), f"{path} stays {edited!r}", timeout=SECONDS)
        self.settled()

    def refused(self):
        """Nobody can edit it, so that there is nothing to repair."""
        with self.world(self.worlds[0]):
            for edit in self.scenario["edits"]:
                with pytest.raises(gr.ClusterError) as error:
                    self.write(edit)
                assert not isinstance(error.value, gr.Conflict | gr.NotFound), str(error.value)

    def third_party(self):
        """Somebody writes it; what is expected wins."""
        (path,) = self.rules.values()
        with self.world(self.worlds[0], ready=lambda _live: True):
            for edit in self.scenario["edits"]:
                self.write(edit, self.scenario["writer"])
            assert value(self.settled(), path) != self.scenario["stated"]
            stated = copy.deepcopy(self.placed)
            place = stated
            *parents, last = [int(key) if key.isdecimal() else key for key in gr.pointer.split_pointer(path)]
            for key in parents:
                place = place[key] if isinstance(place, list) else place.setdefault(key, {})
            place[last] = self.scenario["stated"]
            assert eventually(lambda: self.ground.reconciler.reconcile([stated]).counts["configured"], timeout=SOON)
            assert value(self.ground.get(stated), path) == self.scenario["stated"]

    @contextlib.contextmanager
    def world(self, objects, *, unlike=None, ready=None):
        """The live object among others, once all values are there and none is as in the other world."""
        before, after = ([self.ground.placed(obj, self.namespace) for obj in part] for part in around(objects))
        is_ready = ready or (lambda live: self.has_values(live, unlike or {}))
        try:
            for obj in before:
                self.ground.post(obj)
            assert any(self.attempt(after, is_ready) for _ in range(SEVERAL)), self.found
            yield self.settled() if ready is None else self.ground.get(self.placed)
        finally:
            for obj in [*reversed(after), self.placed, *reversed(before)]:
                self.ground.remove(obj)

    def attempt(self, after, is_ready):
        """Create the object, and those that come later; whether the values are there soon.

        Admission plugins and controllers may see what came before only now: the next attempt is the better one.
        """
        for obj in [*reversed(after), self.placed]:
            self.ground.remove(obj)
        if "instead" in self.scenario:
            self.ground.post(self.ground.placed(self.scenario["instead"], self.namespace))
        else:
            self.ground.create(self.expected, self.namespace)
        for obj in after:
            self.ground.post(obj)
        if "use" in self.scenario:
            assert eventually(lambda: value(self.ground.get(self.placed), self.scenario["use"]), timeout=SOON)
            self.use()
        return last_answer(lambda: is_ready(self.ground.get(self.placed)), timeout=PATIENCE)

    def write(self, edit, manager="somebody"):
        """Somebody edits the object."""
        return self.ground.server(self.expected).patch(self.placed, [edit], manager)

    def use(self):
        if "use" in self.scenario:
            self.ground.use(value(self.ground.get(self.placed), self.scenario["use"]))

    def values(self, live):
        return {path: value(live, path) for path in self.rules.values()}

    def has_values(self, live, unlike):
        self.found = self.values(live)
        return all(found is not None and found != unlike.get(path) for path, found in self.found.items())

    def is_other(self, path, edited):
        self.use()
        return value(self.ground.get(self.placed), path) not in (None, edited)

    def settled(self):
        """The live object, in which the engine finds no drift and names these rules, and no others, for the values."""
        eventually(lambda: self.has_values(self.ground.get(self.placed), {}), lambda: self.found, timeout=SOON)
        live = self.ground.get(self.placed)
        found = self.ground.compare(self.expected, live)
        for rule, path in self.rules.items():
            covering = {one.rule for one in found.covered if touches(text(one.path), pointed(path))}
            assert covering == {rule}, f"{path} is covered by {sorted(covering)}"
        if "instead" not in self.scenario:
            assert not found, f"drift: {found.patch.patch}"
            assert eventually(lambda: self.ground.is_quiet(self.expected, self.namespace), timeout=SOON)
        return live


def pointed(pointer):
    """A JSON pointer as ``text`` writes paths."""
    return text(gr.pointer.split_pointer(pointer))
