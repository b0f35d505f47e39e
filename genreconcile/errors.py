"""The errors that genreconcile raises; every one is a ReconcileError.

A message reads ``<object>: <what failed>: <cause>; <what to do>`` and never holds a Secret's values. Each has a
``code``, such as GR422, which stays when the words change; ``data/errors.yaml`` says what to do about each.

::

    ReconcileError
     ├── LoadError              the expected set cannot be read, or is ambiguous: nothing was written
     ├── RuleError              a rules file is wrong: file, rule and key are named
     ├── InputError             one expected object is wrong: ``path`` says where
     │    └── NoMember          it cannot be a member of its owner set
     ├── CacheError
     │    ├── NotReadable       what a controller's function has asked for is not known now
     │    └── NotSynced         a kind's initial list has not arrived
     ├── PlanRefused            a guard refused to delete, or an owner set is not ours
     ├── ChildConflict          an expected child is there already, and is not ours
     └── ClusterError           the API server answered with an error, or could not be reached
          ├── Conflict          409
          │    └── ParentChanged not sent: the parent of the child is gone, or another object has its name
          ├── Forbidden         403
          ├── Gone              410
          ├── Invalid           400, 422
          ├── NotFound          404
          ├── NotLeading        not sent: another replica leads
          ├── Throttled         429
          ├── TooLarge          an object that the server, or etcd, refuses for its size
          ├── Unauthorized      401
          └── Unreachable       no answer
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any, Final

from genreconcile.notice import Notice

FAULT: Final = "GR001"
"""The code of what is a fault of this package."""


class ReconcileError(Exception):
    """Base of all errors of this package. Errors of equal type, message and attributes are equal, copies included."""

    code: str = ""
    """What ``genreconcile explain`` explains, such as GR422; "" where users raise an error of this class themselves."""

    def __init__(self, *args: object, code: str = "") -> None:
        super().__init__(*args)
        if code:
            self.code = code

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and (str(self), vars(self)) == (str(other), vars(other))

    def __hash__(self) -> int:
        return hash((type(self), str(self)))

    is_free_of_values = False
    """Whether the message holds no value of any object, and so needs no mask."""


class LoadError(ReconcileError):
    """The expected set cannot be read or is ambiguous. Nothing was written."""


class RuleError(ReconcileError):
    """A rules file is wrong. The message names file, rule and key."""


TOLD: Final = 10
"""The number of an object's errors whose messages are quoted."""


class InputError(ReconcileError):
    """One expected object is wrong; ``path`` is the JSON pointer of the place, "" for the whole object."""

    def __init__(self, message: str, path: str = "", *, is_free_of_values: bool = False, code: str = "") -> None:
        super().__init__(message, code=code)
        self.path = path
        self.is_free_of_values = is_free_of_values

    @classmethod
    def of(cls, errors: Sequence[InputError]) -> InputError:
        """One error for all, with the messages of the first ``TOLD``, and the path and the code of the first."""
        is_free = all(error.is_free_of_values for error in errors)
        more = [f"and {len(errors) - TOLD:,} more"] if len(errors) > TOLD else []
        text = "; ".join([*map(str, errors[:TOLD]), *more])
        return cls(text, errors[0].path, is_free_of_values=is_free, code=errors[0].code)


class NoMember(InputError):
    """An expected object cannot be a member of its owner set: it is where members may not be, is the set's own parent,
    or names a set itself.
    """

    code = "GR806"


class CacheError(ReconcileError):
    """The cache cannot answer."""


class NotSynced(CacheError):
    """A kind's initial list has not arrived, or failed; ``str()`` names the kind and the last error."""

    code = "GR701"


class NotReadable(CacheError):
    """What a controller's function has asked for is not known now, whether or not it exists; ``str()`` says why.

    ``reason`` is CacheLimit, Forbidden, NotServed, NotSynced, NotWatched, Stale or Unreadable.
    """

    code = "GR902"

    def __init__(self, message: str, reason: str = "", *, code: str = "") -> None:
        super().__init__(message, code=code)
        self.reason = reason


class PlanRefused(ReconcileError):
    """A guard refused the deletions of a plan. Creates and patches were carried out; ``result`` is their Result.

    Or the owner set is not ours, or its record is not readable: nothing was written, and ``result`` is None.
    """

    def __init__(self, message: str, result: Any = None, *, code: str = "") -> None:
        super().__init__(message, code=code)
        self.result = result


class ChildConflict(ReconcileError):
    """An expected child is there already, and is no member of its parent's set: it was not touched.

    The message names who has it; ``holder`` is that alone, "" where nobody has it.
    """

    code = "GR807"

    def __init__(self, message: str, holder: str = "", *, code: str = "") -> None:
        super().__init__(message, code=code)
        self.holder = holder


_TOO_MANY: Final = 429
_OF_SERVER: Final = 500
_NEVER: Final = (501, 505)
"""What the server does not know how to answer."""


class ClusterError(ReconcileError):
    """The API server answered with an error.

    ``status`` is the HTTP code (0: no answer), ``reason`` the machine-readable reason of the answer's
    ``metav1.Status`` ("" where there is none), ``details`` its ``details`` (a dict, possibly empty).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        details: dict[str, object] | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.reason = reason
        self.details: dict[str, object] = details or {}

    @property
    def may_pass(self) -> bool:
        """Whether the server may answer the same question later although nobody corrects anything here."""
        return self.status == _TOO_MANY or (self.status >= _OF_SERVER and self.status not in _NEVER)


class Conflict(ClusterError):
    """409: the object changed, or exists already (``reason`` is ``Conflict`` or ``AlreadyExists``)."""

    code = "GR409"


class ParentChanged(Conflict):
    """Not sent: the parent for which the write was meant is gone, is being deleted, or was made anew."""

    code = "GR808"


class Forbidden(ClusterError):
    """403: not allowed by RBAC or by an admission plugin."""

    code = "GR403"


class Gone(ClusterError):
    """410: a resourceVersion or continue token has expired."""

    code = "GR410"


class Invalid(ClusterError):
    """400 or 422: the object or the patch was refused."""

    code = "GR422"


class NotFound(ClusterError):
    """404: no such object, namespace or resource."""

    code = "GR404"

    def names(self, name: str) -> bool:
        """Whether the object of this name is missing, rather than its kind, which another version may serve."""
        return self.details.get("name") == name


class NotLeading(ClusterError):
    """Not sent, for ``may_write`` says that another replica leads; or the Lease of a program is lost."""

    code = "GR905"


class Throttled(ClusterError):
    """429: asked to slow down; ``retry_after`` in seconds, None where the server named none."""

    code = "GR429"

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        reason: str = "",
        details: dict[str, object] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, reason=reason, details=details)
        self.retry_after = retry_after


class TooLarge(ClusterError):
    """413, or 500 from etcd: the object to be written is too large. The message names its largest parts.

    The same write is not sent again.
    """

    code = "GR413"

    is_free_of_values = True


class Unauthorized(ClusterError):
    """401: no valid credentials."""

    code = "GR401"


class Unreachable(ClusterError):
    """No answer: connection refused, TLS failure, timeout. A write may or may not have happened.

    ``is_passing``: it is the server or the network that does not answer now, rather than what the kubeconfig says.
    """

    def __init__(  # noqa: PLR0913 - all but the first by name
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        details: dict[str, object] | None = None,
        is_passing: bool = False,
        code: str = "",
    ) -> None:
        super().__init__(message, status=status, reason=reason, details=details, code=code)
        self.is_passing = is_passing

    @property
    def may_pass(self) -> bool:
        """See ``ClusterError``."""
        return self.is_passing


def code_of(told: object, otherwise: str = "") -> str:
    """The code of an error or of a notice; ``otherwise`` where it has none, as what is told by others."""
    return (told.code if isinstance(told, ReconcileError | Notice) else "") or otherwise


def with_code(text: str, code: str) -> str:
    """A text for a reader, with its code, if there is one: ``... [GR422]``."""
    return f"{text} [{code}]" if code else text


def shown(told: object) -> str:
    """An error or a notice as a text for a reader, with its code."""
    return with_code(str(told), code_of(told))


OF_USERS_CODE: Final = "is_of_users_code"
"""The attribute of log records, by ``extra``, whose error comes from the user's own function: its text is his."""


def trace(error: BaseException) -> str:
    """The tracebacks of an error and its causes, the root cause first, for a log.

    Only messages of this package's own errors are quoted: those of others may hold anything, a Secret's values or the
    headers of a request included.
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.insert(0, link)
        link = link.__cause__ or link.__context__
    return "\n".join(map(_described, chain))


def _described(error: BaseException) -> str:
    text = f": {shown(error)}" if isinstance(error, ReconcileError) else ""
    return f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}{text}"
