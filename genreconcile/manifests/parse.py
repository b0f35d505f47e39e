"""YAML and JSON text → documents.

Invariant: memory and depth are bounded by the length of the text, whatever it holds, and no message quotes a value.
The grammar is libyaml's; what its events mean is ``build.py``'s.
Scalars, and keys, mean what they mean to kubectl (sigs.k8s.io/yaml, YAML 1.1 with exceptions): ``yes`` and ``y`` are
true, ``0644`` is 420, ``1e3`` is a number, ``12:30`` and dates are strings. Tags other than those of JSON's types are
refused, and so are keys and anchors that come twice: kubectl passes over all of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from genreconcile.depth import require_flat
from genreconcile.errors import LoadError
from genreconcile.manifests.build import Builder, RefusedError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]  # the same interface, only slower

_MAX_NODES_OF_TEXT = 4_000_000  # Objects and lists of a JSON text.
_LONGEST_KEY = 80
# A quotation of three characters or more; a shorter one is a character that the scanner expected or found, and what is
# between two such characters is no quotation.
_QUOTED = re.compile(r"\s*((?<!'.)'[^']{3,}.*|\"[^\"]{3,}.*)", re.DOTALL)


def documents(text: str, name: str, *, strict_json: bool = False) -> Iterator[tuple[Any, int]]:
    """Each document with the number of its first line; empty ones are left out. Raises LoadError.

    A text that begins with a brace is read as JSON, and where that fails and ``strict_json`` is not set, as YAML.
    """
    if strict_json or text.lstrip().startswith("{"):
        found, problem = _json_or_problem(text, name)
        if not problem:
            return iter(found)
        if strict_json:
            raise LoadError(problem, code="GR204")
    return _yaml(text, name)


def _json_or_problem(text: str, name: str) -> tuple[list[tuple[Any, int]], str]:
    """The documents and "", or none and the problem of a text that is no JSON at all. Raises LoadError for a text that
    YAML cannot read either. The problem is not raised here, for the JSONDecodeError holds the text, and would be
    chained.
    """
    try:
        return list(_json(text, name)), ""
    except json.JSONDecodeError as error:
        return [], f"{name}:{error.lineno}: not readable: {error.msg}; correct the JSON"


def _json(text: str, name: str) -> Iterator[tuple[Any, int]]:
    if text.count("{") + text.count("[") > _MAX_NODES_OF_TEXT:
        raise LoadError(
            f"{name}: not readable: more than {_MAX_NODES_OF_TEXT} objects and lists; split it", code="GR205"
        )
    first = start = _skip_space(text, 0)
    while start < len(text):
        line = text.count("\n", 0, start) + 1
        problem = ""
        try:
            if start == first:
                require_flat(text)
            value, end = _JSON.raw_decode(text, start)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:
            problem = _json_problem(error)
        if problem:
            raise LoadError(f"{name}:{line}: not readable: {problem}; correct the JSON", code="GR204")
        yield value, line
        start = _skip_space(text, end)


def _skip_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


class _BadJSONError(ValueError):
    """JSON that Python reads, and that must not reach Kubernetes."""


def _json_problem(error: Exception) -> str:
    if isinstance(error, _BadJSONError):
        return str(error)
    return "nested too deeply" if isinstance(error, RecursionError) else "a number is too long"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _BadJSONError(f"the key {twice[:_LONGEST_KEY]!r} comes twice in one mapping")
    return result


def _no_constant(name: str) -> None:
    raise _BadJSONError(f"{name} is no JSON")


_SPACE = re.compile(r"[ \t\n\r]*")
_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _yaml(text: str, name: str) -> Iterator[tuple[Any, int]]:
    line, problem = 1, ""
    try:
        loader = _Loader(text)
        try:
            for value, line in Builder(loader.get_event).documents():
                if value is not None:
                    yield value, line
        finally:
            loader.dispose()
    except RefusedError as error:
        line, problem = error.line, error.problem
    except yaml.YAMLError as error:
        line, problem = _line(error, line), _yaml_problem(error)
    # PyYAML's own, where there is no libyaml; the error's text would quote the value.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        problem = "a value does not fit its type"
    if problem:  # Not in a handler: these errors hold the text, and must not be chained.
        raise LoadError(f"{name}:{line}: not readable: {problem}; correct the YAML", code="GR204")


def _line(error: yaml.YAMLError, default: int) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else default


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"{error.reason} at position {error.position}"
    problem: str = getattr(error, "problem", None) or "no YAML"
    # libyaml's own bound may be lower than ours.
    if "nesting depth" in problem:
        return "nested too deeply"
    # PyYAML quotes tags and aliases: a password may begin with ! or *.
    return _QUOTED.sub("", problem)
