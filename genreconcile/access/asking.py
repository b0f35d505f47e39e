"""Asks the server about rights: SelfSubjectAccessReview for one, SelfSubjectRulesReview for a namespace.

Invariant: a review that the server does not answer is None, and no error: the requests themselves will tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from genreconcile.access.right import Right
from genreconcile.access.rules import Rules
from genreconcile.cluster import Cluster
from genreconcile.data import Access, shipped
from genreconcile.data.shapes import Review
from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from genreconcile.gojson import dumps, loads
from genreconcile.log import logger

_AT_ONCE: Final = 8

_log = logger("genreconcile.access")

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Asker:
    """Sends reviews, some at once. All methods raise Unauthorized and Unreachable."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def allowed(self, rights: Iterable[Right]) -> dict[Right, bool | None]:
        """Whether each right is granted, None where the server does not answer."""
        return _at_once(self._allowed, sorted(rights))

    def rules(self, namespaces: Iterable[str]) -> dict[str, Rules | None]:
        """The rules of each namespace, None where the server does not answer."""
        return _at_once(self._rules, sorted(namespaces))

    def _allowed(self, right: Right) -> bool | None:
        status = self._review(shipped(Access).review, {"resourceAttributes": _attributes(right)})
        return None if status is None else bool(status.get("allowed"))

    def _rules(self, namespace: str) -> Rules | None:
        status = self._review(shipped(Access).rules_review, {"namespace": namespace})
        return None if status is None else Rules.of(status)

    def _review(self, review: Review, spec: dict[str, Any]) -> dict[str, Any] | None:
        try:
            answer = loads(self._cluster.request("POST", review.path, body=dumps(review.object.to_object(spec=spec))))
        except (Unauthorized, Unreachable):
            raise
        except ClusterError as error:
            _log.warning("rights: not checked: %s", error)
            return None
        return answer.get("status") or {}


def _at_once(ask: Callable[[Asked], Answer], questions: Sequence[Asked]) -> dict[Asked, Answer]:
    if not questions:
        return {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="genreconcile-access") as pool:
        return dict(zip(questions, pool.map(ask, questions), strict=True))


def _attributes(right: Right) -> dict[str, Any]:
    found = {"verb": right.verb, "group": right.group, "resource": right.plural}
    return found | {key: text for key, text in (("namespace", right.namespace), ("name", right.name)) if text}


def is_review(path: str) -> bool:
    """Whether this is the path of a question for rights, which stores nothing."""
    asked = shipped(Access)
    return path in {asked.review.path, asked.rules_review.path}
