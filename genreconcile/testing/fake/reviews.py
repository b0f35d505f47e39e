"""Reviews of rights: whoever asks is an administrator.

Invariant: what is asked of somebody else is refused, not answered.
"""

from __future__ import annotations

from typing import Any, Final

from genreconcile.testing.fake.places import data
from genreconcile.testing.fake.wire import Answer, Request, Unsupported, json_answer

_GROUPS: Final = tuple(data("reviews")["groups"])
_ACCESS: Final[str] = data("reviews")["access"]
_RULES: Final[str] = data("reviews")["rules"]
_ALL: Final = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_EVERYWHERE: Final = {"verbs": ["*"], "nonResourceURLs": ["*"]}


class Reviews:
    """Answers to reviews of one's own rights."""

    def answer(self, request: Request) -> Answer | None:
        """The answer to a review, None for other requests. Raises Unsupported."""
        target = request.target
        if target.group not in _GROUPS:
            return None
        if request.method == "POST" and target.resource in {_ACCESS, _RULES}:
            review = request.json()
            return json_answer({**review, "status": _allowed() if target.resource == _ACCESS else _rules()}, 201)
        raise Unsupported(f"{target.resource} of {target.group}")


def _allowed() -> dict[str, Any]:
    return {"allowed": True}


def _rules() -> dict[str, Any]:
    return {"resourceRules": [_ALL], "nonResourceRules": [_EVERYWHERE], "incomplete": False}
