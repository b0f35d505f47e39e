"""The deployments of ``deploy/``: Helm and kustomize, which render them, and the engine, which applies them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.cli import main
from kind.operator_world import PROGRAM
from support import gotools

ROOT = Path(__file__).parents[2]
CHART, KUSTOMIZE = ROOT / "deploy/chart", ROOT / "deploy/kustomize"
VERSIONS = {"3": "3.19.0", "4": "4.3.2"}
"""Of Helm, by its major version: those that are maintained."""
MONITORS = [("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules")]


def helm(major="4"):
    """The program, built the first time; the test is skipped where it cannot be."""
    try:
        return gotools.program("helm", f"helm.sh/helm/v{major}/cmd/helm", VERSIONS[major])
    except subprocess.CalledProcessError as error:
        pytest.skip(f"helm cannot be built: {error}")


def lint(program, values, *options):
    return _run([program, "lint", CHART, "--values", "-", *options], yaml.safe_dump(values))


def template(program, release, namespace, values, chart=CHART):
    """The objects that the chart renders; CalledProcessError where it refuses."""
    command = [program, "template", release, chart, "--namespace", namespace, "--values", "-"]
    return objects(_run(command, yaml.safe_dump(values)).stdout)


def kustomize(folder):
    return objects(_run(["kubectl", "kustomize", folder]).stdout)


def rbac(plane, *arguments):
    """What ``genreconcile rbac`` prints for an administrator."""
    return _run([PROGRAM, "rbac", "--kubeconfig", plane.kubeconfig, *arguments]).stdout


def objects(text):
    return [obj for obj in yaml.safe_load_all(text) if obj]


def _run(command, text=""):
    run = subprocess.run([*map(str, command)], input=text, capture_output=True, text=True, timeout=120, check=False)
    if run.returncode:
        raise AssertionError(run.stdout + run.stderr)
    return run


def of(kind, found):
    """The object of a kind."""
    (one,) = [obj for obj in found if obj["kind"] == kind]
    return one


def applied(cluster, expected, **settings):
    """What the engine does to apply the objects: (operation, kind, name) of each; nothing is left to do then."""
    with gr.Reconciler(cluster, field_manager="deployer") as reconciler:
        plan = reconciler.plan(expected, **settings)
        reconciler.apply(plan).raise_for_failures()
        again = reconciler.plan(expected, **settings)
        assert [change for change in again if change.operation != "none"] == []
        return [(one.operation, one.key.kind, one.key.name) for one in plan if one.operation != "none"]


def definition(kind, plural):
    """A kind of the Prometheus operator, as far as the chart needs it."""
    group = "monitoring.coreos.com"
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def run(arguments, log):
    """The command line, in a process that was forked for it."""
    with Path(log).open("w") as out:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(out.fileno(), stream.fileno())
    sys.argv = ["genreconcile", *arguments]
    sys.exit(main())
