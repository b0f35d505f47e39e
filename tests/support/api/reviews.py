"""Reviews of its own rights that an account asks for, answered by what a test says that it may do.

Invariant: each review is noted, also one that somebody else answers in the end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genreconcile.access import Right
from genreconcile.testing.fake.wire import Answer, Backend, Refusal, Request, json_answer

_GROUP = "/apis/authorization.k8s.io/v1/"
_ACCESS, _RULES = "selfsubjectaccessreviews", "selfsubjectrulesreviews"

RulesOf = Callable[[str], tuple[Sequence[Mapping[str, Any]], bool]]
"""The ``resourceRules`` that hold in a namespace, and whether they are complete."""


class Reviews:
    """A backend. ``may`` decides on a right; without ``rules`` nobody can ask for them. ``over`` answers the rest.

    ``sent`` counts the reviews of each sort, ``attributes`` are the ``resourceAttributes`` of those of access.
    """

    def __init__(self, may: Callable[[Right], bool], rules: RulesOf | None = None, over: Backend | None = None) -> None:
        self._may, self._rules, self._over = may, rules, over
        self.sent: Counter[str] = Counter()
        self.attributes: list[Mapping[str, str]] = []

    @property
    def asked(self) -> list[Right]:
        """The rights that reviews of access were about."""
        return [_right(attributes) for attributes in self.attributes]

    def answer(self, request: Request) -> Answer:
        """See ``Backend``."""
        sort = request.path.removeprefix(_GROUP)
        if request.method != "POST" or sort not in {_ACCESS, _RULES}:
            return self._over.answer(request) if self._over else Refusal(404, "no such path").answer()
        self.sent[sort] += 1
        spec = json.loads(request.body)["spec"]
        return self._of_access(spec["resourceAttributes"]) if sort == _ACCESS else self._of_rules(spec["namespace"])

    def close(self) -> None:
        """See ``Backend``."""
        if self._over:
            self._over.close()

    def _of_access(self, attributes: Mapping[str, str]) -> Answer:
        self.attributes.append(attributes)
        return json_answer({"status": {"allowed": self._may(_right(attributes))}}, 201)

    def _of_rules(self, namespace: str) -> Answer:
        if self._rules is None:
            return Refusal(404, "no such path").answer()
        rules, is_complete = self._rules(namespace)
        return json_answer({"status": {"resourceRules": list(rules), "incomplete": not is_complete}}, 201)


def _right(attributes: Mapping[str, str]) -> Right:
    return Right(
        attributes["verb"],
        attributes["group"],
        attributes["resource"],
        attributes.get("namespace", ""),
        attributes.get("name", ""),
    )
