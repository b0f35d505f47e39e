"""Logs as JSON: one object in a line, with the constant text apart from what changes."""

import io
import json
import logging

import pytest

from genreconcile.cli import logs
from genreconcile.errors import OF_USERS_CODE

SECRET = "hunter2"


@pytest.fixture
def lines():
    """The lines that were logged as JSON so far."""
    logger = logging.getLogger("genreconcile")
    before, stream = (logger.handlers, logger.level, logger.propagate), io.StringIO()
    logs.set_up(1, "json")
    logger.handlers[0].setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.handlers, logger.level, logger.propagate = before


def test_a_record_has_its_template_and_its_arguments(lines):
    extra = {"code": "GR712"}
    logging.getLogger("genreconcile.controllers").warning("%s: tried %d times\nin %s", "ä", 3, None, extra=extra)
    (line,) = lines()
    time = line.pop("time")
    assert (len(time), time[10], time[-1]) == (24, "T", "Z")
    assert line == {
        "level": "WARNING",
        "logger": "genreconcile.controllers",
        "message": "ä: tried 3 times\nin None",
        "template": "%s: tried %d times\nin %s",
        "code": "GR712",
        "arguments": ["ä", 3, "None"],
    }


@pytest.mark.parametrize("is_users", [True, False])
def test_a_trace_stands_apart_and_quotes_what_users_raise_alone(lines, is_users):
    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("genreconcile").exception("%s: failed", "one", extra={OF_USERS_CODE: is_users})
    (line,) = lines()
    assert (line["message"], line["template"]) == ("one: failed", "%s: failed")
    assert "ValueError" in line["trace"]
    assert (SECRET in line["trace"]) is is_users
    assert SECRET not in line["message"]


def test_what_is_not_logged_in_text_is_not_logged_in_json(lines):
    logging.getLogger("genreconcile.cluster").debug("GET /api/v1/secrets")
    assert lines() == []
