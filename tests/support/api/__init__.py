"""One API server for tests: in memory at its core, and reached in memory or over HTTP, with faults and scripts over it.

::

    backends   Api (genreconcile.testing.fake): answers as the real server does
               Upstream (proxy.py): a real API server
               Script (script.py): answers that a test has written down, over another backend or over none
               Reviews (reviews.py): reviews of rights, over another backend or over none
    between    Passage (passage.py): a log and faults (effects.py, streams.py) over any backend
    faces      MemoryCluster (genreconcile.testing.fake): the engine's Cluster in this process; ScriptedCluster is one
               over a Script
               Front (front.py): HTTP, and the network before it; ScriptedServer is one over an Api,
               ProxiedServer one over an Upstream

Invariant: a backend turns a ``wire.Request`` into a ``wire.Answer`` and knows no face; a face knows no kind. What the
server does not do it refuses: nothing is answered by half.
"""
