"""Names of images, as ``github.com/distribution/reference`` reads them.

Invariant: what is no name has no tag.
"""

from __future__ import annotations

import re

_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LONGEST = 255
_DIGESTS = {"sha256": 64, "sha384": 96, "sha512": 128}


def tag_of(image: str) -> str:
    """The tag; latest where there is neither tag nor digest; "" where there is a digest alone, or no image's name."""
    domain, slash, rest = image.partition("/")
    is_domain = slash and (any(sign in domain for sign in ".:") or domain == "localhost" or domain.lower() != domain)
    if _IDENTIFIER.fullmatch(image) or not _is_lower(rest if is_domain else image):
        return ""
    match = _NAME.fullmatch(image if is_domain else f"docker.io/{image}")
    if match is None or len(match["path"]) > _LONGEST or not _is_digest(match["digest"]):
        return ""
    return match["tag"] or ("" if match["digest"] else "latest")


def _is_lower(rest: str) -> bool:
    name = rest.partition(":")[0]
    return name == name.lower()


def _is_digest(digest: str | None) -> bool:
    if digest is None:
        return True
    algorithm, _, value = digest.partition(":")
    return _DIGESTS.get(algorithm) == len(value) and value == value.lower()
