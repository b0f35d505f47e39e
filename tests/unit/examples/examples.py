"""The examples as their authors' tests find them."""

import importlib.util
from pathlib import Path

import yaml

from genreconcile.testing import FakeCluster

FOLDER = Path(__file__).parents[3] / "examples/operators"


def module(place):
    """The module of a file, such as ``tenants/tenant.py``."""
    spec = importlib.util.spec_from_file_location(f"example_{Path(place).stem}", FOLDER / place)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def objects(*places):
    return [obj for place in places for obj in yaml.safe_load_all((FOLDER / place).read_text())]


def cluster(*examples, namespace="shop", samples=True):
    """A cluster with the kinds of these examples, and the samples of the last one."""
    files = [f"{example}/crd.yaml" for example in examples]
    return FakeCluster(objects(*files, *([f"{examples[-1]}/sample.yaml"] if samples else [])), namespace=namespace)


def conditions(obj):
    return {one["type"]: one["status"] for one in obj.get("status", {}).get("conditions") or ()}
