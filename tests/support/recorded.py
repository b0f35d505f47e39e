"""OpenAPI v3 documents as a real API server gave them: of built-in kinds, and of the custom kind that tests use.

Invariant: read once; a test changes none of them.
"""

import json
from pathlib import Path

import genreconcile as gr
from genreconcile.testing import fake

BUILT_IN = Path(fake.__file__).parent / "data/openapi"
"""The folder of the documents of built-in kinds."""
WIDGETS = Path(__file__).parents[1] / "unit/openapi/apis_example.genreconcile.dev_v1.json"
SCHEMA = gr.Schema(
    {
        file.stem.replace("_", "/"): json.loads(file.read_text("utf-8"))
        for file in (*sorted(BUILT_IN.glob("*.json")), WIDGETS)
    }
)
