"""A Prometheus server on loopback that scrapes programs, and what its HTTP API answers.

Invariant: it scrapes and judges every second; its storage is in the folder that it is given, and nothing of it outlives
``close``.
"""

import json
import re
import socket
import subprocess
import urllib.error
import urllib.request
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
import yaml

from support import gotools
from support.eventually import eventually

VERSION = "0.316.0"
"""Of the Go module, which is that of Prometheus 3.16.0."""
SCRAPE = 1
"""Seconds from one scrape to the next."""


def program(name):
    """``prometheus`` or ``promtool``, built the first time; the test is skipped where it cannot be.

    Without the service discoveries, whose modules are most of it.
    """
    try:
        return gotools.program(name, f"github.com/prometheus/prometheus/cmd/{name}", VERSION, "-tags", "remove_all_sd")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{name} cannot be built: {error}")


def free_port():
    """A port of loopback that nobody has at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Span(NamedTuple):
    """Seconds since 1970."""

    start: float
    end: float


def instance(job):
    """What the label says of the one process of a job."""
    return f"{job}-0"


def _target(job, port):
    return {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance(job)}}


class Prometheus:
    """Scrapes ``jobs``, ports of loopback by name, and itself, as in every cluster other programs are scraped too.

    ``rules`` are paths of files of rules.
    """

    def __init__(self, binary, folder, jobs, rules):
        self.port, self._log = free_port(), folder / "prometheus.log"
        ports = {**jobs, "prometheus": self.port}
        config = {
            "global": {"scrape_interval": f"{SCRAPE}s", "scrape_timeout": f"{SCRAPE}s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [
                {"job_name": job, "static_configs": [_target(job, port)]} for job, port in ports.items()
            ],
        }
        path = folder / "prometheus.yaml"
        path.write_text(yaml.safe_dump(config))
        command = [binary, f"--config.file={path}", f"--storage.tsdb.path={folder / 'tsdb'}", "--log.level=warn"]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log
            )

    def __enter__(self):
        eventually(self._is_ready, self.said)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def said(self):
        return self._log.read_text()

    def _is_ready(self):
        assert self._process.poll() is None, self.said()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=30) as answer:
                return answer.status == 200
        except OSError:
            return False

    def ask(self, path, **parameters):
        """``data`` of an answer; AssertionError with what it says where it is an error."""
        query = urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}", timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def rules(self, group):
        """Those of a group, each with its health, and the alerts that there are of it."""
        found = [one for one in self.ask("rules")["groups"] if one["name"] == group]
        return [rule for one in found for rule in one["rules"]]

    def firing(self, group):
        """The alerts of a group that fire now, by name."""
        return {
            rule["name"]: [alert for alert in rule["alerts"] if alert["state"] == "firing"]
            for rule in self.rules(group)
            if rule["state"] == "firing"
        }

    def series(self, expression):
        """Labels and value of each that an expression has now."""
        found = self.ask("query", query=expression)["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def history(self, expression, span, step=SCRAPE):
        """Labels, and the values by time, of each that an expression had in a span."""
        found = self.ask("query_range", query=expression, start=span.start, end=span.end, step=step)["result"]
        return [(one["metric"], {at: float(value) for at, value in one["values"]}) for one in found]

    def label_values(self, label, selector):
        return self.ask(f"label/{label}/values", **{"match[]": selector})


class Shown:
    """A dashboard as Grafana asks for it, with All chosen wherever there is a choice."""

    def __init__(self, dashboard, prometheus, span):
        self._prometheus, self._span = prometheus, span
        self._values = {"__rate_interval": f"{4 * SCRAPE}s", "__range": f"{round(span.end - span.start)}s"}
        self.choices = {}
        """What is there to choose from, by variable."""
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                self._add(variable)

    def _add(self, variable):
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
        found = self._prometheus.label_values(label, self.filled(selector))
        self.choices[variable["name"]] = found
        every = "(" + "|".join(map(re.escape, found)) + ")"
        self._values[variable["name"]] = variable.get("allValue") or every.replace("\\", "\\\\")

    def filled(self, expression):
        """An expression with a value for each variable; KeyError for one that is not known."""
        return re.sub(r"\$(\w+)", lambda found: self._values[found[1]], expression)

    def history(self, target):
        """What a panel's target shows."""
        return self._prometheus.history(self.filled(target["expr"]), self._span)
