"""Record anew what kstatus says of the generated statuses, for the tests that need no Go.

    PYTHONPATH=.:tests python tools/readiness/record.py

Needs Go; the version of kstatus stands in tests/kind/differential/kstatus/go.mod.
"""

from support import kstatus

SEED, COUNT = 1, 12_600

kstatus.record(SEED, COUNT)
print(f"{kstatus.RECORDED}: {COUNT} answers")
