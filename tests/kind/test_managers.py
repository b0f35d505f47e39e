"""Who owns a path: what is read from managedFields, on the server that writes them."""

import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.managers import maker_of_object, owners_of
from genreconcile.pointer import split_pointer

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools/golden"))
import managers as recorder  # noqa: E402 - it lies beside the package

CASES = yaml.safe_load(recorder.CASES.read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"][:40])
def test_the_server_records_owners_as_they_are_read(control_plane, namespace, case):
    live = recorder.play(gr.connect(kubeconfig=str(control_plane.kubeconfig)), namespace, case)
    for path, owners in case["owners"].items():
        tokens = [int(token) if token.isdigit() else token for token in split_pointer(path)]
        assert ["/".join(filter(None, owner[:3])) for owner in owners_of(live, tokens)] == owners, path
    maker = maker_of_object(live)
    assert (maker and maker.manager) == case.get("maker", maker and maker.manager)
