"""What the package offers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import genreconcile.testing
from genreconcile.testing import ControlPlane, ControlPlaneError, __main__, control_plane, planes, templates


def test_exports():
    assert genreconcile.testing.__all__ == ["ControlPlane", "ControlPlaneError", "FakeCluster"]


@pytest.mark.parametrize("module", ["cryptography", "filelock", "kubernetes", "pytest"])
def test_import_is_light(module):
    code = f"import genreconcile.testing, sys; sys.exit({module!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "genreconcile.testing.planes", None)

    with pytest.raises(ControlPlaneError, match=r"run pip install 'genreconcile\[testing\]'"):
        ControlPlane().start()


@pytest.mark.parametrize("use", ["kubeconfig", "server", "logs"])
def test_use_before_start_is_an_error(use):
    with pytest.raises(ControlPlaneError, match="not running; use it in a with block"):
        getattr(ControlPlane(), use)


def test_stop_before_start_does_nothing():
    assert ControlPlane().stop() is None


def test_failure_after_the_start_ends_it(monkeypatch):
    class Plane:
        client = None
        stopped = False

        def stop(self, *, keep_logs):
            self.stopped = not keep_logs

    plane = Plane()
    monkeypatch.setattr(control_plane, "_open", lambda _: plane)
    monkeypatch.setattr(control_plane, "running_version", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        ControlPlane().start()
    assert plane.stopped


def test_each_template_is_a_new_object():
    one = templates.load("namespace", name="one")

    assert one["metadata"] == {"name": "one", "labels": {"genreconcile.testing/owned": "true"}}
    assert "name" not in templates.load("namespace")["metadata"]


def test_command_prepares_what_is_wished(monkeypatch):
    seen = []
    monkeypatch.setattr(planes, "prepare_ahead", seen.append)

    assert __main__.main(["--version", "1.36.3", "--kwok"]) == 0
    assert (seen[0].version, seen[0].kwok, seen[0].scheduler) == ("1.36.3", True, False)


def test_command_names_the_extra_that_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "genreconcile.testing.planes", None)

    assert __main__.main([]) == 1
    assert "run pip install 'genreconcile[testing]'" in capsys.readouterr().err


def test_the_command_can_be_imported_without_the_extra():
    code = "import sys; sys.modules['cryptography'] = None; import genreconcile.testing.__main__"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_command_shows_an_error(monkeypatch, capsys):
    monkeypatch.setenv("GENRECONCILE_TEST_KUBECONFIG", "/nowhere")

    assert __main__.main([]) == 1
    assert "/nowhere: cannot be read" in capsys.readouterr().err
