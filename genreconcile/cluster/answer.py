r"""Errors from the server's answers, without the values that these may echo.

Invariant: neither message nor details of an error hold a value of an object. A 422 may echo a whole object, also one
that holds passwords; CVE-2021-23135 is what came of showing it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from genreconcile.cluster.causes import no_answer, speaks_tls
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
from genreconcile.immutable import IMMUTABLE, says_immutable

if TYPE_CHECKING:
    from genreconcile.cluster.exchange import Response

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
_ADVICE_BY_CAUSE = {"NamespaceTerminating": "wait until the namespace is gone, and create it anew"}
_LONGEST_MESSAGE = 2000
_LONGEST_BODY = 4 * 1024 * 1024

# k8s.io/apimachinery/pkg/util/validation/field: errors of these kinds carry no value, all others do.
_HEADS_WITHOUT_VALUE = frozenset({"Required value", "Forbidden", "Too long", "Internal error"})
_VALUE = re.compile(r'(?P<value>"(?:[^"\\]|\\.)*"|-?\d[\w.]*|true|false|null)(?:: (?P<detail>.*))?$', re.DOTALL)
# What an admission policy says; its author decides what it quotes, so that only masking helps.
_POLICY = re.compile(r"(?P<denied>\w+ '[^']*' (?:with binding '[^']*' )?denied request): (?P<words>.*)", re.DOTALL)
_ECHO = re.compile(r"(?:(?:Invalid|Duplicate|Unsupported) value|Not found): |error found in #")


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn what reading an answer raises into a ClusterError; ``name`` is the request."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, msgspec.MsgspecError) as error:
        cause = type(error).__name__  # Its text may quote the answer.
        text = f"{name}: the answer is not readable: {cause}; it was cut short, or came from a proxy: look in between"
        raise ClusterError(text) from None


def answer_error(name: str, response: Response, hide: Callable[[str], str] | None = None) -> ClusterError:
    """The error for an answer that is not 2xx; ``name`` is the request. Reads and closes the response.

    ``hide`` takes what was written out of a text.
    """
    body = b""
    with contextlib.suppress(Unreachable), no_answer(name):  # The status stands; only its explanation is missing.
        body = response.read(_LONGEST_BODY)
    response.close()
    if mistaken := speaks_tls(name, response.status, body):
        return mistaken
    try:
        status = json.loads(body)
    except ValueError:  # A proxy's page, say.
        status = {}
    if not isinstance(status, dict) or status.get("apiVersion") != "v1":
        status = {}
    return status_error(name, {**status, "code": response.status}, response.headers.get("retry-after"), hide)


def status_error(
    name: str, status: Mapping[str, Any], retry_after: str | None = None, hide: Callable[[str], str] | None = None
) -> ClusterError:
    """The error for a ``metav1.Status``, of an answer or of a watch's ERROR event; ``name`` is the request.

    ``retry_after`` is the header's text; without it ``details.retryAfterSeconds`` counts. ``hide`` is as above.
    """
    status = _hidden(status, hide) if hide is not None else status
    code = status.get("code")
    code = code if isinstance(code, int) else 0
    reason = str(status.get("reason") or "")
    details = _safe_details(status.get("details"), is_masked=hide is not None)
    if code in {403, 422} and says_immutable(str(status.get("message") or "")):
        details[IMMUTABLE] = True
    cause = _causes_text(details) or _safe_text(str(status.get("message") or "")) or "no explanation"
    message = f"{name}: {code} {reason}: {cause}{_advice(code, details)}"
    if code == 429:
        return Throttled(message, reason=reason, details=details, retry_after=_seconds(retry_after, details))
    return _ERRORS.get(code, ClusterError)(message, status=code, reason=reason, details=details)


def _advice(code: int, details: Mapping[str, Any]) -> str:
    by_cause = (_ADVICE_BY_CAUSE.get(str(cause.get("reason"))) for cause in details.get("causes") or ())
    advice = next(filter(None, by_cause), _ADVICE.get(code))
    return f"; {advice}" if advice else ""


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: _hidden(item, hide) for key, item in value.items()}
    return [_hidden(item, hide) for item in value] if isinstance(value, list) else value


def _seconds(header: str | None, details: Mapping[str, object]) -> float | None:
    text = header if header and header.isdigit() else str(details.get("retryAfterSeconds", ""))
    return float(text) if text.isdigit() else None


def _safe_details(details: object, *, is_masked: bool) -> dict[str, object]:
    if not isinstance(details, Mapping):
        return {}
    rest = {key: value for key, value in details.items() if key != "causes"}
    causes = [cause for cause in details.get("causes") or () if isinstance(cause, Mapping)]
    safe = [{**cause, "message": _safe_cause(str(cause.get("message")), is_masked=is_masked)} for cause in causes]
    return {**rest, "causes": safe} if safe else rest


def _causes_text(details: Mapping[str, Any]) -> str:
    lines = [f"{cause.get('field') or 'object'}: {cause['message']}" for cause in details.get("causes") or ()]
    return "; ".join(dict.fromkeys(lines))[:_LONGEST_MESSAGE]


def _safe_cause(text: str, *, is_masked: bool) -> str:
    """The text of a ``field.Error`` without its value: ``Invalid value: 0: must be positive`` loses the ``0``.

    A value that is no quoted string or number cannot be told from what follows it: then only the first words stay. The
    words of a policy stay where what was sent is masked already.
    """
    policy = _POLICY.match(text) if is_masked else None
    if policy is not None:
        return f"{policy['denied']}: {_safe_text(policy['words'])}"
    head, _, rest = text.partition(": ")
    if head in _HEADS_WITHOUT_VALUE or not rest:
        return _safe_text(text)
    found = _VALUE.match(rest)
    if found is None:
        return head
    quoted = found["value"]
    value = re.escape(quoted.strip('"'))
    detail = (found["detail"] or "").replace(f": {quoted}", "")  # CRDs repeat it at the end.
    if not detail or re.search(rf"(?<!\w){value}(?!\w)", detail):
        return head
    return f"{head}: {_safe_text(detail)}"


def _safe_text(text: str) -> str:
    """The text up to where an echo may begin."""
    found = _ECHO.search(text)
    return text[: found.end() if found else None].rstrip(" :#")[:_LONGEST_MESSAGE]
