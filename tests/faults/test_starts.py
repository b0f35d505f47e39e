"""A program whose server does not answer when it starts (40): it waits, says so, and works once there is an answer."""

import contextlib
import functools
import http.client
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import genreconcile as gr
from faults.operating import NAME, children, condition, controller, define, state, tally, undefine, wishes
from faults.oracles import QUICK
from faults.test_parents import DOWN, maps
from genreconcile.cache import Cache
from genreconcile.controllers import awaiting, program, shards
from genreconcile.controllers.signals import Signals
from support.api.effects import Refuse
from support.eventually import LONG, eventually

pytestmark = pytest.mark.by("controller")
ROOT = Path(__file__).parents[2]
OPERATOR = """
import json
import genreconcile as gr

@gr.controller("faults.example.com/v1/Wish", name="faults")
def wishes(parent, ctx):
    yield from json.loads(parent["spec"]["objects"])
"""


def throttled(ground):
    fault = ground.faults.add(Refuse(429, retry_after=0), times=None)
    return lambda: ground.faults.remove(fault)


AWAY = {**DOWN, "429": throttled}


class Started:
    """``gr.run`` in a thread, with all that ends it."""

    def __init__(self, ground, monkeypatch, **settings):
        for module in (program, shards):
            monkeypatch.setattr(module, "Cache", functools.partial(Cache, pace=QUICK))
        signals = Signals()
        monkeypatch.setattr(program, "Signals", lambda: signals)
        self.end, self.error = signals.end, None
        self.cluster = ground.connect(timeout=1.0)
        settings = {"namespaces": [ground.namespace], "events": False, "listen": "127.0.0.1:0", **settings}
        self._run = functools.partial(gr.run, controller(), cluster=self.cluster, **settings)
        self.thread = threading.Thread(target=self._live)

    def _live(self):
        try:
            self._run()
        except gr.ReconcileError as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):  # It has ended, and its pipe is closed.
            self.end()
        self.thread.join()
        self.cluster.close()


def told(caplog, text):
    return [record.getMessage() for record in caplog.records if text in record.getMessage()]


def probe(caplog, path):
    """The status of a probe."""
    (said,) = eventually(lambda: told(caplog, "listening on port"))
    connection = http.client.HTTPConnection("127.0.0.1", int(said.rpartition(" ")[2]))
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("how", AWAY)
def test_s40_a_server_that_does_not_answer_at_the_start(ground, how, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "genreconcile.controllers")
    define(ground)
    state(ground, maps(ground, "a", "b", k="1"))
    end = AWAY[how](ground)
    with Started(ground, monkeypatch) as started:
        eventually(lambda: told(caplog, "the server is waited for"), lambda: started.error)
        assert (probe(caplog, "/healthz"), probe(caplog, "/readyz")) == (200, 503)
        end()
        eventually(lambda: children(ground) == {"a", "b"}, lambda: started.error)
        eventually(lambda: condition(ground) == ("True", "Reconciled"))
        eventually(lambda: probe(caplog, "/readyz") == 200)
        assert len(told(caplog, "the server is waited for")) == 1
        assert len(told(caplog, ": answers, after ")) == 1
    assert started.error is None
    assert tally(ground) == {"a": (1, 0), "b": (1, 0)}


@pytest.mark.only("real", "the scripted server serves no Leases")
@pytest.mark.parametrize("shard_count", [None, 2])
def test_s40_a_server_that_does_not_answer_at_the_start_of_a_program_under_a_lease(
    ground, shard_count, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, "genreconcile")
    define(ground)
    state(ground, maps(ground, "a", k="1"))
    end = DOWN["refused"](ground)
    of_shards = {"shards": shard_count, "shard_identity": 0, "takeover_after": 0} if shard_count else {}
    lease = gr.Lease("wishes", ground.namespace, retry_period=0.2, **of_shards)
    with Started(ground, monkeypatch, lease=lease) as started:
        eventually(lambda: told(caplog, "the server is waited for"), lambda: started.error)
        assert (probe(caplog, "/healthz"), probe(caplog, "/readyz")) == (200, 503)
        assert not told(caplog, "the Lease"), "it runs for the Lease once it could work"
        end()
        eventually(lambda: children(ground) == {"a"}, lambda: started.error)
    assert started.error is None
    assert tally(ground)["a"] == (1, 0)


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("how", ["swallowed", "refused"])
def test_s40_a_signal_ends_a_program_that_waits_for_its_server(ground, how, tmp_path):
    """At once: a request would wait for more than a minute."""
    define(ground)
    end, before = AWAY[how](ground), ground.accepted
    file, log = tmp_path / "wishes.py", tmp_path / "log"
    file.write_text(OPERATOR)
    command = [sys.executable, "-m", "genreconcile", "run", file, "--kubeconfig", ground.kubeconfig(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
    with log.open("w") as said:
        process = subprocess.Popen([*map(str, command)], stderr=said, env=environment)
    try:
        if how == "refused":
            eventually(lambda: "the server is waited for" in log.read_text())
        else:
            eventually(lambda: ground.accepted > before, "a connection")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=LONG) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
        end()
    assert "Traceback" not in log.read_text()


@pytest.mark.quick("scripted")
def test_s40_a_server_that_has_just_come_up_does_not_know_all_its_kinds(ground, monkeypatch, caplog):
    """It answers some seconds before it has read the definitions, and says so at its readiness probe."""
    caplog.set_level(logging.INFO, "genreconcile.controllers")
    undefine(ground)
    unready = ground.faults.add(Refuse(500), path="/readyz", times=None)
    with Started(ground, monkeypatch) as started:
        eventually(lambda: told(caplog, "/readyz: 500"), lambda: started.error)
        define(ground)
        state(ground, maps(ground, "a", k="1"))
        ground.faults.remove(unready)
        eventually(lambda: children(ground) == {"a"}, lambda: started.error)
    assert started.error is None


REFUSED = {
    "403": (Refuse(403, "Forbidden", "is forbidden"), gr.Forbidden, "is forbidden"),
    "401": (Refuse(401, "Unauthorized"), gr.Unauthorized, "check the credentials"),
    "no such kind": (None, gr.CacheError, "the server has no such kind"),
}


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("why", REFUSED)
def test_s40_what_no_wait_makes_better_is_an_error_at_once(ground, why, monkeypatch, caplog):
    effect, kind, text = REFUSED[why]
    if effect is not None:
        define(ground)
        ground.faults.add(effect, times=None)
        of_definition = controller()
    else:
        of_definition = gr.controller(f"{NAME}.example.com/v1/Nothing", name="nothing")(wishes)
    monkeypatch.setattr(sys.modules[__name__], "controller", lambda: of_definition)
    with Started(ground, monkeypatch) as started:
        started.thread.join()
    assert isinstance(started.error, kind), started.error
    assert re.search(text, str(started.error))
    assert not told(caplog, "the server is waited for")


def test_s40_a_wait_is_told_now_and_then(monkeypatch):
    """Not at each try, and with the reason of then."""
    now, asked, said = [0.0], [], []

    def ask(*, again):
        asked.append(again)
        now[0] += 25.0
        if len(asked) <= 6:
            raise gr.ClusterError(f"GET /api: 503: {len(asked)}", status=503)

    monkeypatch.setattr(awaiting._log, "warning", lambda text, *given: said.append(text % given))
    over = threading.Event()
    asking = awaiting.Asking(ask, "https://x", QUICK, on_end=over.set, clock=lambda: now[0])
    asking.start()
    assert over.wait(LONG)
    asking.close()
    assert asked == [False, *[True] * 6]
    assert [text.rpartition(" ")[2] for text in said] == ["1", "4"]
