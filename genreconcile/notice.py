"""A text for a reader that has a code, as errors do: a warning, or what a guard says.

Invariant: it equals its text, and is used like it; the code stays when the words change.
"""

from __future__ import annotations

from typing import Final, Self


class Notice(str):
    """The text, with ``code``, such as GR503, which ``genreconcile explain`` explains. ``str()`` gives the text alone,
    as an encoder needs it that knows no subclass of str.
    """

    __slots__ = ("code",)
    code: str

    def __new__(cls, text: str, code: str) -> Self:
        """See the class."""
        made = super().__new__(cls, text)
        made.code = code
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # As ``__new__`` takes them.
        return str(self), self.code


NOTHING: Final = Notice("", "")
"""Where there is nothing to say."""
