"""A folder of manifests that is kept: what changes in it is carried out, what drifts is repaired, what leaves it goes.

The same without Python: genreconcile run -f DIR --applyset configmaps/shop -n shop
"""

import os

import genreconcile as gr

kept = gr.folder(
    os.environ.get("MANIFESTS", "manifests"),
    name="shop",
    namespace="shop",
    owner="configmaps/shop",  # Lists what is in the set, so that what leaves the folder is deleted, of whatever kind.
    max_deletions=10,
)

if __name__ == "__main__":
    gr.run(kept)
