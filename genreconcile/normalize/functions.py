"""The functions for ``function`` rules: defaults that follow from other fields by more than a copy.

A function takes the expected object or map that holds the rule's key, and the rule's arguments; it returns the default,
or MISSING where there is none.

Invariant: pure and total: input of a wrong type gives MISSING.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from genreconcile.kinds.types import MISSING

Function = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]


# The grammar of github.com/distribution/reference, as the server reads an image: [domain/]path[:tag][@digest].
_HOST_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?(?P<path>{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}))?",
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LONGEST_PATH = 255
_LONGEST_KEPT = 512


def image_pull_policy(holder: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """``Always`` for the tag ``latest``, written or implied, else ``IfNotPresent``; ``of`` names the image's field.

    A text that is no image reference implies no tag. Source: SetDefaults_Container in pkg/apis/core/v1/defaults.go,
    ParseImageName in pkg/util/parsers.
    """
    image = holder.get(str(arguments.get("of", "image")), "")
    if not isinstance(image, str):
        return MISSING
    return "Always" if is_latest(image) else "IfNotPresent"


def is_latest(image: str) -> bool:
    """Whether a text is an image reference with the tag ``latest``, written or implied by no tag and no digest."""
    return _kept_is_latest(image) if len(image) <= _LONGEST_KEPT else _is_latest(image)


def _is_latest(image: str) -> bool:
    found = None if _IDENTIFIER.fullmatch(image) else _REFERENCE.fullmatch(_with_domain(image))
    if found is None or len(found["path"]) > _LONGEST_PATH:
        return False
    return found["tag"] == "latest" or not (found["tag"] or found["digest"])


_kept_is_latest = functools.lru_cache(maxsize=4096)(_is_latest)


def _with_domain(image: str) -> str:
    """The full reference, whose path the length limit counts: ``docker.io/library/nginx`` for ``nginx``."""
    domain, slash, rest = image.partition("/")
    is_domain = domain == "localhost" or "." in domain or ":" in domain or domain != domain.lower()
    if not slash or not is_domain:
        domain, rest = "docker.io", image
    elif domain == "index.docker.io":
        domain = "docker.io"
    return f"{domain}/library/{rest}" if domain == "docker.io" and "/" not in rest else f"{domain}/{rest}"


def text(holder: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """The argument ``template`` with the holder's field ``of`` for ``{}``; in lower case with ``lower: true``."""
    value = holder.get(str(arguments.get("of")))
    if not isinstance(value, str) or not value:
        return MISSING
    result = str(arguments.get("template", "{}")).replace("{}", value)
    # Go lowers each character to one; Python lowers U+0130 to two.
    return result.replace("\u0130", "i").lower() if arguments.get("lower") else result


FUNCTIONS: Final[Mapping[str, Function]] = {"image-pull-policy": image_pull_policy, "text": text}
