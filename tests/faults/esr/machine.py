"""Reach and stay: whatever is expected, whatever others do and whatever breaks, once the faults stop the engine
converges within a bound, and then is silent (Anvil's eventually stable reconciliation; invariant I1).

A hypothesis state machine over the scripted server. The bound: as soon as the cache has been told of everything,
``ROUNDS`` reconciles; for ``ROUNDS`` more no write is sent.
"""

import contextlib
import itertools
import time

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import genreconcile as gr
from faults.esr.breaking import EFFECTS, WRITE_EFFECTS
from faults.esr.objects import (
    DEFINITIONS,
    GROUP,
    KINDS,
    PATHS,
    PLACE,
    TEAMS,
    kinds,
    make,
    names,
    numbers,
    teams,
)
from faults.esr.oracle import Oracle
from faults.worlds.small import ROUNDS, definition
from genreconcile.cache import Pace
from genreconcile.errors import ReconcileError
from support.api.client import Refused
from support.api.server import ScriptedServer
from support.eventually import eventually

BOUND = 30.0
PACE = Pace(first_backoff=0.01, longest_backoff=0.05, longest_asked=0.05)
"""Pauses that spare a server are of no use here."""
BRIEF = 0.05
"""Seconds that a server is away without being taken for one that may have been restored."""


class ReachAndStay(Oracle, RuleBasedStateMachine):
    """One server, one engine, which may be started again, and others who write as they like."""

    def __init__(self):
        super().__init__()
        self.server = ScriptedServer(1, bookmarks=0.05)
        self.server.add_namespace(PLACE)
        self.expected = {}
        self.team = TEAMS[0]
        self.unique = itertools.count()
        self.saved = None
        self.engine = None

    @initialize()
    def begin(self):
        self.start()

    def start(self):
        self.cluster = self.server.connect()
        self.cache = gr.Cache(self.cluster, pace=PACE)
        self.cache.start()
        self.engine = gr.Reconciler(self.cluster, cache=self.cache, concurrency=4, sync_timeout=5.0)
        # Others write often here and are no opponents: a fight would be left alone for half a minute.
        for fights in (self.engine._engine.learned.fights, self.engine._engine.learned.places):
            fights.rounds = 10**6

    def stop(self):
        self.engine.close()
        self.cache.stop()
        self.cluster.close()

    def teardown(self):
        try:
            if self.engine is not None:
                self.faults_stop()
        finally:
            if self.engine is not None:
                self.stop()
            self.server.close()

    # What is expected.

    @rule(kind=kinds, name=names, number=numbers)
    def expect(self, kind, name, number):
        if kind == "Gadget":
            self.expected[DEFINITIONS, f"gadgets.{GROUP}"] = definition(GROUP)
        self.expected[kind, name] = make(kind, name, self.team, number)

    @rule(kind=kinds, name=names)
    def no_longer_expect(self, kind, name):
        self.expected.pop((kind, name), None)

    @rule(team=teams)
    def change_the_selector(self, team):
        """What is expected moves along."""
        self.team = team
        for key, obj in self.expected.items():
            if "labels" in obj["metadata"]:
                self.expected[key] = {**obj, "metadata": {**obj["metadata"], "labels": {"team": team}}}

    # What others do.

    @rule(kind=kinds, name=names, number=numbers, team=teams)
    def others_create(self, kind, name, number, team):
        self._as_others("create", PATHS[kind], make(kind, name, team, number))

    @rule(kind=kinds, name=names)
    def others_delete(self, kind, name):
        self._as_others("delete", f"{PATHS[kind]}/{name}")

    @rule(kind=kinds, name=names, where=st.sampled_from(["/metadata/annotations", "/metadata/labels/x", "content"]))
    def others_edit(self, kind, name, where):
        value = f"theirs-{next(self.unique)}"
        if where == "content":
            where = {"ConfigMap": "/data/k", "Deployment": "/spec/replicas", "Gadget": "/spec/size"}[kind]
            value = value if kind == "ConfigMap" else 100 + next(self.unique)
        elif where == "/metadata/annotations":
            value = {"note": value}
        self._as_others("patch", f"{PATHS[kind]}/{name}", {"op": "add", "path": where, "value": value})

    @rule(kind=kinds, name=names, team=teams)
    def others_move(self, kind, name, team):
        move = {"op": "add", "path": "/metadata/labels", "value": {"team": team}}
        self._as_others("patch", f"{PATHS[kind]}/{name}", move)

    @rule()
    def others_delete_the_definition(self):
        self._as_others("delete", f"{PATHS[DEFINITIONS]}/gadgets.{GROUP}")

    def _as_others(self, verb, *arguments):
        try:
            getattr(self.server.admin, verb)(*arguments)
        except Refused as refused:
            if refused.status not in {404, 409, 422}:  # It is not there, or is there already.
                raise

    # What breaks.

    @rule(
        effect=st.sampled_from(sorted(EFFECTS)), verb=st.sampled_from(["list", "watch", "get", "write"]), times=numbers
    )
    def break_requests(self, effect, verb, times):
        self.server.faults.add(EFFECTS[effect](self.server), verb, times=times + 1)

    @rule(effect=st.sampled_from(sorted(WRITE_EFFECTS)), times=numbers)
    def break_writes(self, effect, times):
        self.server.faults.add(WRITE_EFFECTS[effect](self.server), "write", times=times + 1)

    @rule()
    def cut_connections(self):
        self.server.cut_connections()

    @rule()
    def compact(self):
        self.server.compact()

    @rule()
    def back_up(self):
        self.saved = self.server.backup()

    @precondition(lambda self: self.saved is not None)
    @rule()
    def restore(self):
        """Nobody restores a backup without stopping the API server, and nobody does both in no time."""
        self.server.refuse_connections()
        self._until(lambda: all(self.cache.error(kind) is not None for kind in self.cache.kinds()))
        time.sleep(2 * BRIEF)
        self.server.restore(self.saved)
        self.server.listen()

    @rule()
    def restart(self):
        self.stop()
        self.start()

    # What the engine does.

    @rule()
    def reconcile(self):
        """Under faults it may fail, with its own errors; it never deletes what it should not (I6)."""
        since = self.server.revision
        with contextlib.suppress(ReconcileError):
            self._reconcile()
        self._deletions_were_right(since)

    @rule()
    def faults_stop(self):
        """Reach and stay."""
        self.server.faults.clear()
        self.server.cut_connections()  # A fault of a watch lasts as long as the watch.
        foreign = self._foreign()
        self._catch_up()
        for _ in range(ROUNDS):
            self._catch_up()
            result = self._reconcile()
            if result.counts["unchanged"] == len(self.expected):
                break
        assert result.counts["unchanged"] == len(self.expected), [*result]
        sent = len(self.server.log.writes())
        for _ in range(ROUNDS):
            asked = len(self.server.log)
            assert self._reconcile().counts["unchanged"] == len(self.expected)
        assert self.server.log.writes()[sent:] == []
        assert self.server.log.entries("get", since=asked) == []
        self._is_reached(foreign)

    def _reconcile(self):
        return self.engine.reconcile(
            list(self.expected.values()),
            delete_from_namespace=PLACE,
            delete_selector={"team": self.team},
            kinds=KINDS,
            allow_empty=True,
        )

    def _catch_up(self):
        """Wait until the cache has been told of everything there is to tell."""
        self._until(self._is_told)

    def _until(self, condition):
        eventually(condition, self._errors, timeout=BOUND, pause=0.01)

    def _errors(self):
        return {str(kind): self.cache.error(kind) for kind in self.cache.kinds()}

    def _is_told(self):
        cache, changing = self.cache, self.engine._planner.kinds.definitions._changing
        is_defined = (DEFINITIONS, f"gadgets.{GROUP}") in self._live()
        served = [kind for kind in cache.kinds() if kind.group != GROUP or is_defined]
        if any(until > time.monotonic() for until in changing.values()) or not all(map(cache.has_synced, served)):
            return False
        if any(cache.error(kind) for kind in served):
            return False
        return all(cache.store(kind).seen() == self.server.revision for kind in served)
