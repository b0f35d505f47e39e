"""Spans of OpenTelemetry, where the program that runs operators has set tracing up.

Invariant: without it nothing is imported, and a span costs a look into a dict. A span names the controller, and kind,
namespace and name of objects, and holds no value of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from genreconcile.objects import ObjectKey

_API: Final = "opentelemetry.trace"
_NAME: Final = "genreconcile"


def span(name: str, controller: str, key: ObjectKey | None = None) -> AbstractContextManager[Any]:
    """A span around what is done for a parent, or for a set without one. An exception that goes through is recorded by
    its type alone: its text may hold a value.

    Who wants spans imports ``opentelemetry.trace`` and sets a provider, or runs the program by
    ``opentelemetry-instrument``.
    """
    trace = sys.modules.get(_API)
    return nullcontext() if trace is None else _spanned(trace, name, _attributes(controller, key))


@contextmanager
def _spanned(trace: Any, name: str, attributes: dict[str, str]) -> Iterator[None]:
    tracer = trace.get_tracer(_NAME)
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(trace.Status(trace.StatusCode.ERROR))
            raise


def _attributes(controller: str, key: ObjectKey | None) -> dict[str, str]:
    found = {"genreconcile.controller": controller}
    if key is not None:
        named = {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
        found |= {f"k8s.object.{part}": text for part, text in named.items() if text}
    return found
