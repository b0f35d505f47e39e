"""Hides the values of Secrets, of the other fields that ``mask.yaml`` lists, and of those that rules call sensitive.

Invariant: a value at, below or (in a patch) around a listed field comes out masked, however malformed it is; equal
values get equal masks and different values different ones, so that changes stay visible; and every text that looks like
a mask is one. Masks of two processes do not compare: the key is random, so that a mask cannot be tried against guesses.
"""

from genreconcile.mask.fields import EVERYTHING, Fields, Kind, fields_of
from genreconcile.mask.request import hiding_answer
from genreconcile.mask.text import Hiding, mask_text, without_words
from genreconcile.mask.values import mask, mask_object, mask_patch, mask_value

__all__ = [
    "EVERYTHING",
    "Fields",
    "Hiding",
    "Kind",
    "fields_of",
    "hiding_answer",
    "mask",
    "mask_object",
    "mask_patch",
    "mask_text",
    "mask_value",
    "without_words",
]
