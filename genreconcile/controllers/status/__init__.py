"""The status that a controller writes on its parent.

Invariant: whatever another field manager wrote stays as it is, and a status that is as it should be is not written.
"""

from genreconcile.controllers.status.draft import Draft, Run, draft
from genreconcile.controllers.status.news import News
from genreconcile.controllers.status.restless import Restless
from genreconcile.controllers.status.room import Room
from genreconcile.controllers.status.verdict import Verdict
from genreconcile.controllers.status.writer import INTEREST, StatusWriter, Written

__all__ = ["INTEREST", "Draft", "News", "Restless", "Room", "Run", "StatusWriter", "Verdict", "Written", "draft"]
