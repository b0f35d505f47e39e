"""Runs of the command line against a fake Reconciler."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace

import pytest

import genreconcile
from genreconcile.cli import main
from unit.cli.fake_reconciler import FakeReconciler, Terminal


@pytest.fixture
def reconciler(monkeypatch):
    fake = FakeReconciler()
    monkeypatch.setattr(genreconcile, "connect", fake.connect)
    monkeypatch.setattr(genreconcile, "Reconciler", fake)
    return fake


@pytest.fixture(autouse=True)
def _logging_is_restored():
    loggers = [logging.getLogger(name) for name in ("genreconcile", "urllib3.connectionpool")]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.fixture
def manifest(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("apiVersion: example.dev/v1\nkind: Widget\nmetadata: {name: a}\n")
    return str(file)


@pytest.fixture
def run(capsys):
    """Run with arguments → code, out, err."""

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def program(run, reconciler, manifest):
    """The Reconciler, and a run with one file."""
    return SimpleNamespace(reconciler=reconciler, run=lambda command, *rest: run(command, "-f", manifest, *rest))


@pytest.fixture
def answer(monkeypatch):
    """A terminal whose user types the answer."""

    def type_in(text):
        monkeypatch.setattr(sys, "stdin", Terminal(text))
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    return type_in
