"""The blocks of a page of the docs, as tests read them."""

import re
from pathlib import PurePath
from typing import NamedTuple

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)(?P=fence) *$", re.MULTILINE | re.DOTALL
)
_DIRECTIVE = re.compile(r"\{(?P<name>[\w-]+)\} *(?P<argument>.*)")
_OPTION = re.compile(r":([\w-]+):[ \t]*(.*)\n")
_LANGUAGES = {"example": "python", "console": "console"}
_SUFFIXES = {".py": "python", ".yaml": "yaml", ".sh": "bash", ".json": "json"}


class Block(NamedTuple):
    """One fenced block; ``directive`` is empty for a plain one."""

    directive: str
    argument: str
    options: dict[str, str]
    text: str
    line: int

    @property
    def language(self) -> str:
        """Of its text; of a directive, the one in which it is shown."""
        if self.directive == "file":
            return _SUFFIXES.get(PurePath(self.argument).suffix, "")
        return _LANGUAGES.get(self.directive, self.argument)


def blocks(page: str, language: str | None = None) -> list[Block]:
    """All blocks of a page that is given as text, or those of one language."""
    found = [_block(match, page) for match in _FENCE.finditer(page)]
    return [block for block in found if language is None or block.language == language]


def texts(page: str, language: str) -> list[str]:
    """The texts of the blocks of one language."""
    return [block.text for block in blocks(page, language)]


def _block(match: re.Match[str], page: str) -> Block:
    line = page.count("\n", 0, match.start()) + 1
    directive = _DIRECTIVE.fullmatch(match["info"].strip())
    if directive is None:
        return Block("", match["info"].strip(), {}, match["body"], line)
    options, body = {}, match["body"]
    while option := _OPTION.match(body):
        options[option[1]] = option[2].strip()
        body = body[option.end() :]
    return Block(directive["name"], directive["argument"].strip(), options, body, line)
