"""Servers never outlive the process that started them. Here they are ``sleep`` and shell scripts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from genreconcile.testing import ControlPlaneError, supervisor
from genreconcile.testing.supervision import Supervision
from support.eventually import eventually

BOUND = 10.0


@pytest.fixture
def supervision(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = Supervision()
    yield made
    made.stop()


def runs(pid):
    """Whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        # No Linux, or gone between the two.
        return not Path("/proc/self").exists()


def start(supervision, name, script="exec sleep 600"):
    """Start a shell script that tells its process id; return that."""
    supervision.start(name, ["sh", "-c", f"echo $$; {script}"])
    log = supervision.logs / f"{name}.log"
    eventually(lambda: log.exists() and log.read_text().endswith("\n"), timeout=BOUND)
    return int(log.read_text().split()[0])


def test_stop_ends_the_servers_and_removes_the_state(supervision):
    pids = [start(supervision, "one"), start(supervision, "two")]
    assert all(runs(pid) for pid in pids)

    supervision.stop()

    assert not any(runs(pid) for pid in pids)
    assert not supervision.state.exists()
    assert not supervision.kept.exists()


def test_last_started_is_ended_first(supervision, tmp_path):
    note = "trap 'echo {0} >> {1}; exit' TERM; echo ready; while :; do sleep 0.05; done"
    for name in ("etcd", "kube-apiserver"):
        start(supervision, name, note.format(name, tmp_path / "order"))
        log = supervision.logs / f"{name}.log"
        eventually(lambda log=log: "ready" in log.read_text(), timeout=BOUND)

    supervision.stop()

    assert (tmp_path / "order").read_text().split() == ["kube-apiserver", "etcd"]


def test_state_directory_is_private(supervision):
    assert supervision.state.stat().st_mode & 0o077 == 0


def test_servers_see_nothing_of_the_callers_environment(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("ETCD_NAME", "surprise")
    monkeypatch.setenv("HTTPS_PROXY", "http://surprise")
    supervision = Supervision()

    start(supervision, "env", "env; exec sleep 600")
    eventually(lambda: "TMPDIR" in (supervision.logs / "env.log").read_text(), timeout=BOUND)
    text = (supervision.logs / "env.log").read_text()
    supervision.stop()

    assert "surprise" not in text


def test_a_server_can_be_killed_and_started_again(supervision):
    other, pid = start(supervision, "other"), start(supervision, "one")

    with supervision.down(["one"]):
        assert not runs(pid)
        assert supervision.alive()
        assert runs(other)
    log = supervision.logs / "one.log"
    eventually(lambda: len(log.read_text().splitlines()) == 2, timeout=BOUND)

    again = int(log.read_text().splitlines()[1])
    assert runs(again)
    supervision.stop()
    assert not runs(again)


def test_a_server_that_is_not_there_cannot_be_killed(supervision):
    start(supervision, "one")

    with (
        pytest.raises(ControlPlaneError, match="two: not killed: no such server; there are one"),
        supervision.down(["two"]),
    ):
        pass


def test_nothing_can_be_killed_after_the_end(supervision):
    supervision.start("broken", ["sh", "-c", "exit 1"])
    eventually(lambda: not supervision.alive(), timeout=BOUND)

    with pytest.raises(ControlPlaneError, match="broken: not killed: a server has ended"), supervision.down(["broken"]):
        pass


def test_logs_are_kept_on_request(supervision):
    start(supervision, "one", "echo hello; exec sleep 600")

    supervision.stop(keep_logs=True)

    assert "hello" in (supervision.kept / "one.log").read_text()
    assert not supervision.state.exists()


def test_a_server_that_ends_takes_all_down(supervision):
    other = start(supervision, "other")
    supervision.start("broken", ["sh", "-c", "echo no such flag; exit 1"])

    eventually(lambda: not supervision.alive(), timeout=BOUND)

    assert not runs(other)
    error = supervision.failure("control plane: start failed", "a server ended")
    assert str(error).startswith(
        f"control plane: start failed: a server ended; the logs are kept in {supervision.kept}\n"
    )
    assert "--- broken.log\nno such flag" in str(error)


def test_missing_program_takes_all_down(supervision):
    other = start(supervision, "other")
    supervision.start("missing", ["/nowhere/etcd"])

    eventually(lambda: not supervision.alive(), timeout=BOUND)

    assert not runs(other)
    assert "/nowhere/etcd" in str(supervision.failure("x", "y"))


def test_commands_after_the_end_do_no_harm(supervision):
    supervision.start("missing", ["/nowhere/etcd"])
    eventually(lambda: not supervision.alive(), timeout=BOUND)

    supervision.start("other", ["sleep", "600"])
    supervision.stop(keep_logs=True)
    supervision.stop()


def test_last_commands_run(supervision, tmp_path):
    supervision.at_end(["touch", str(tmp_path / "deleted")])

    supervision.stop()

    assert (tmp_path / "deleted").exists()


def test_failing_last_commands_do_not_keep_the_state(supervision, tmp_path):
    supervision.at_end(["/nowhere/kind", "delete"])
    supervision.at_end(["touch", str(tmp_path / "deleted")])

    supervision.stop()

    assert (tmp_path / "deleted").exists()
    assert not supervision.state.exists()


PARENT = """
    import os, signal, sys, tempfile, time
    from genreconcile.testing.supervision import Supervision

    # Ignored by whoever is started with nohup.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

    tempfile.tempdir = sys.argv[1]
    supervision = Supervision()
    supervision.start("one", ["sh", "-c", "echo $$; exec sleep 600"])
    log = supervision.logs / "one.log"
    while not log.exists() or not log.read_text():
        time.sleep(0.02)
    if os.fork() == 0:
        # A child that holds the supervisor's pipe open.
        time.sleep(600)
    print(supervision._process.pid, log.read_text(), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_killed_parent_leaves_nothing(tmp_path, number):
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        pid, server = map(int, parent.stdout.readline().split())
        assert runs(pid)
        assert runs(server)
        parent.send_signal(number)
        parent.wait(30)

        try:
            eventually(lambda: not runs(pid), timeout=BOUND)
            assert not runs(server)
            assert list(tmp_path.iterdir()) == []
        finally:
            # The forked child, which is alone in this process group by now.
            os.killpg(parent.pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child with its parent")
def test_killed_supervisor_takes_the_servers_along(supervision):
    server = start(supervision, "one")

    supervision._process.kill()
    supervision._process.wait()

    eventually(lambda: not runs(server), timeout=BOUND)
    shutil.rmtree(supervision.state)


def test_terminated_supervisor_cleans_up(supervision):
    server = start(supervision, "one")

    supervision._process.terminate()

    eventually(lambda: not supervision.alive(), timeout=BOUND)
    assert not runs(server)
    assert not supervision.state.exists()


def test_ctrl_c_does_not_reach_the_supervisor(supervision):
    assert os.getpgid(supervision._process.pid) != os.getpgrp()


def test_deaf_server_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE", 0.2)
    (tmp_path / "state/logs").mkdir(parents=True)
    one = supervisor.Supervisor(tmp_path / "state", tmp_path / "kept", os.getpid())
    one._command({"start": "deaf", "argv": ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]})
    eventually(lambda: "ready" in (tmp_path / "state/logs/deaf.log").read_text(), timeout=BOUND)

    one._end()

    assert one._servers["deaf"].returncode == -signal.SIGKILL
    assert not (tmp_path / "state").exists()


def test_supervisor_needs_only_the_standard_library():
    code = f"import runpy, sys; runpy.run_path({supervisor.__file__!r}); print(*sys.modules)"

    # Packages that the environment itself loads at each start of Python are not the supervisor's.
    assert packages(code) - packages("import sys; print(*sys.modules)") <= sys.stdlib_module_names


def packages(code):
    """The packages that a Python prints."""
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}
