"""Record anew how objects are while real controllers work on them, for the tests that need no server.

    PYTHONPATH=.:tests python tools/readiness/lives.py

Needs the control plane with its controllers, and Go.
"""

import json

from genreconcile.testing import ControlPlane
from support import kstatus, lives

with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane, lives.recording(plane) as recording:
    lives.live_them(recording)

found = list(lives.states(recording.told))
answers = kstatus.ask([lives.long_ago(live) for _, live in found])
lines = [
    {"at": at.isoformat(), "object": live, "kstatus": answer, "wait": lives.judged(at, live).state}
    for (at, live), answer in zip(found, answers, strict=True)
]
lives.RECORDED.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines), "utf-8")
print(f"{lives.RECORDED}: {len(lines)} states")
