"""Values of fields: which Python type stands for which kind, and how each reads as text.

Log pipelines carry text only; the other kinds are for jobs. In Python: `str` is text, `bool`, `int` and `float` are what
they are, `bytes` are bytes, `NULL` is the null that was put there on purpose, and `Json` (or a `dict` or `list`) is a JSON
document. `None` is always "the record has no such field".
"""

from __future__ import annotations

import json
from typing import Any, Final


class _Null:
    """The type of `NULL`."""

    def __repr__(self) -> str:
        return "NULL"

    def __bool__(self) -> bool:
        return False


NULL: Final = _Null()
"""A field that is there and holds nothing."""


class Json(str):
    """A JSON document as text."""

    def load(self) -> Any:
        """What the document says."""
        return json.loads(self)


def checked(value: object) -> object:
    """A value that a field can hold: dictionaries and lists become JSON documents.

    Raises `TypeError` for anything a field cannot hold, `OverflowError` for integers beyond 64 bits.
    """
    if value is None or value is NULL or isinstance(value, (str, bool, float, bytes)):
        return value
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise OverflowError(f"{value} does not fit in 64 bits; keep it as text")
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (dict, list, tuple)):
        return Json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    raise TypeError(f"a field cannot hold a {type(value).__name__}: use str() on it")


def as_text(value: object) -> str | None:
    """A value as the host renders it where text is asked for."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is NULL else str(value)


def _float_text(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    text = repr(value)
    if "e" in text:
        text = f"{value:.400f}".rstrip("0") if abs(value) < 1 else f"{value:.0f}"
    return text.removesuffix(".0")
