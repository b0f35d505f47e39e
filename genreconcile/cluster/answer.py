r"""Errors from the server's answers, without the values that an answer may echo.

Invariant: neither message nor details of an error hold a value that the server echoes, nor a secret that was sent. A
422 may echo a whole object, passwords included, and a tool that shows it leaks them (CVE-2021-23135). The reason that
follows a value stays.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from genreconcile.cluster.causes import no_answer, speaks_tls
from genreconcile.cluster.immutable import IMMUTABLE, says_immutable
from genreconcile.cluster.refusal import ADMISSION, PLUGIN, REFUSED_BY, VALIDATION, refused_by, webhook_of
from genreconcile.cluster.words import without_values
from genreconcile.errors import (
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unauthorized,
    Unreachable,
)
from genreconcile.gojson import loads
from genreconcile.sizes import TOO_LARGE, refused_size

if TYPE_CHECKING:
    from genreconcile.cluster.message import Response

_ERRORS: dict[int, type[ClusterError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
}
_ADVICE = {401: "check the credentials", 403: "have it allowed by RBAC, or by the admission policy that is named"}
_TERMINATING = "NamespaceTerminating"
_QUOTA = "exceeded quota: "
_ADVICE_BY_CAUSE = {_TERMINATING: "wait until the namespace is gone, and create it anew"}
_LONGEST_MESSAGE = 2000
_LONGEST_BODY = 4 * 1024 * 1024

# The messages of these field errors hold no values on their first line; a diff with values may follow.
_ALL_WORDS = re.compile(r"(?:Required value|Forbidden|Too long|Too short|Internal error)(?:: |$)")
_WITH_VALUE = re.compile(r"(?:(?:Invalid|Duplicate|Unsupported) value|Not found|Too many|Too few)(?:: |$)")
# The reasons of the causes by which validation may say that a field is immutable.
_UNCHANGEABLE = frozenset({"FieldValueInvalid", "FieldValueForbidden"})
# Codes that tell of the object or the account when the API itself answers; from admission they only mean a refusal.
_NOT_OF_ADMISSION = frozenset({401, 404, 409, 410})

Hide = Callable[[str], str]


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn the errors of reading an answer into a ClusterError; ``name`` is the request."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, msgspec.MsgspecError) as error:
        cause = type(error).__name__  # The error's text may quote the answer.
        text = f"{name}: the answer is not readable: {cause}; it was cut short, or came from a proxy: look in between"
        raise ClusterError(text, code="GR611") from None


def answer_error(name: str, response: Response, hide: Hide | None = None) -> ClusterError:
    """The error for an answer that is not 2xx; ``name`` is the request. Reads and closes the response.

    ``hide`` masks, in a text, the secrets of the request's body.
    """
    body = b""
    with contextlib.suppress(Unreachable), no_answer(name):  # The status stands; only its explanation is missing.
        body = response.read(_LONGEST_BODY)
    response.close()
    if mistaken := speaks_tls(name, response.status, body):
        return mistaken
    try:
        status = loads(body)
    except (ValueError, RecursionError):  # A proxy's page, say.
        status = {}
    if not isinstance(status, dict) or status.get("apiVersion") != "v1":
        status = {}
    return status_error(name, {**status, "code": response.status}, response.headers.get("retry-after"), hide)


def status_error(
    name: str, status: Mapping[str, Any], retry_after: str | None = None, hide: Hide | None = None
) -> ClusterError:
    """The error for a ``metav1.Status``, of an answer or of a watch's ERROR event; ``name`` is the request.

    ``retry_after`` is the header's text; without it ``details.retryAfterSeconds`` counts. For ``hide``, see above.
    """
    code = status.get("code")
    code = code if isinstance(code, int) else 0
    reason, said = str(status.get("reason") or ""), str(status.get("message") or "")
    by = refused_by(reason, said)
    details = _safe_details(status.get("details"), by, hide)
    if by:
        details[REFUSED_BY] = by
    elif size := refused_size(code, said):  # A size in admission's words is no limit of the API server.
        details[TOO_LARGE] = size
    cause = _told(said, details, hide) or "no explanation"
    message = f"{name}: {code} {reason}: {cause}{_advice(code, details)}"
    if code == 429:
        return Throttled(message, reason=reason, details=details, retry_after=_seconds(retry_after, details))
    kind = Forbidden if by == ADMISSION and code in _NOT_OF_ADMISSION else _ERRORS.get(code, ClusterError)
    return kind(message, status=code, reason=reason, details=details, code=_code(code, details, said))


def _code(status: int, details: Mapping[str, Any], said: str) -> str:
    """The code of what is known by more than the status; "" where the class of the error has the right one."""
    causes: Any = details.get("causes") or ()
    if any(cause.get("reason") == _TERMINATING for cause in causes):
        return "GR433"
    if details.get(REFUSED_BY) in {ADMISSION, PLUGIN}:
        return "GR432" if _QUOTA in said else "GR431"
    if TOO_LARGE in details or status == 413:
        return "GR413"
    if any(IMMUTABLE in cause for cause in causes):
        return "GR435"
    return "" if status in _ERRORS else "GR500" if status >= 500 else "GR400"


def _told(said: str, details: Mapping[str, Any], hide: Hide | None) -> str:
    """The explanation: the causes, or the message where there are none. Only the message names a webhook."""
    lines = [f"{cause.get('field') or 'object'}: {cause['message']}" for cause in details.get("causes") or ()]
    webhook = webhook_of(said)
    if not lines:
        text = without_values(said, is_masked=hide is not None)
    else:
        text = "; ".join(dict.fromkeys(lines))
        text = f"{webhook}: {text}" if webhook else text
    return _masked(text, hide)[:_LONGEST_MESSAGE]


def _masked(text: str, hide: Hide | None) -> str:
    return hide(text) if hide is not None else text


def _advice(code: int, details: Mapping[str, Any]) -> str:
    by_cause = (_ADVICE_BY_CAUSE.get(str(cause.get("reason"))) for cause in details.get("causes") or ())
    advice = next(filter(None, by_cause), _ADVICE.get(code))
    return f"; {advice}" if advice else ""


def _hidden(value: Any, hide: Hide | None) -> Any:
    if hide is None:
        return value
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: _hidden(item, hide) for key, item in value.items()}
    return [_hidden(item, hide) for item in value] if isinstance(value, list) else value


def _seconds(header: str | None, details: Mapping[str, object]) -> float | None:
    text = header if header and header.isdigit() else str(details.get("retryAfterSeconds", ""))
    return float(text) if text.isdigit() else None


def _safe_details(details: object, by: str, hide: Hide | None) -> dict[str, object]:
    if not isinstance(details, Mapping):
        return {}
    own = {"causes", REFUSED_BY}
    rest: dict[str, object] = {key: _hidden(value, hide) for key, value in details.items() if key not in own}
    causes = [cause for cause in details.get("causes") or () if isinstance(cause, Mapping)]
    safe = [_safe_cause(cause, by, hide) for cause in causes]
    return {**rest, "causes": safe} if safe else rest


def _safe_cause(cause: Mapping[str, Any], by: str, hide: Hide | None) -> dict[str, Any]:
    """A cause without values, with the key ``IMMUTABLE`` where validation calls the field immutable."""
    text = _safe_text(str(cause.get("message")), is_masked=hide is not None)
    said = {key: value for key, value in cause.items() if key != IMMUTABLE}
    safe: dict[str, Any] = {**_hidden(said, hide), "message": _masked(text, hide)}
    if by == VALIDATION and cause.get("reason") in _UNCHANGEABLE and says_immutable(text):
        safe[IMMUTABLE] = True
    return safe


def _safe_text(text: str, *, is_masked: bool) -> str:
    """A cause's text without values. A text that is no ``field.Error`` is shown only where sent secrets are masked."""
    if _ALL_WORDS.match(text):
        return without_values(text.partition("\n")[0], is_masked=is_masked)[:_LONGEST_MESSAGE]
    if _WITH_VALUE.match(text) or is_masked:
        return without_values(text, is_masked=is_masked)[:_LONGEST_MESSAGE]
    return text.partition(": ")[0]
