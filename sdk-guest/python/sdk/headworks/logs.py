"""Where `logging`, `print` and tracebacks of a plugin go: to its log in Headworks."""

from __future__ import annotations

import io
import logging

from . import _host

_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"), (logging.DEBUG, "debug"))


class Handler(logging.Handler):
    """Hands records of `logging` to the host."""

    def emit(self, record: logging.LogRecord) -> None:
        level = next((name for number, name in _LEVELS if record.levelno >= number), "trace")
        try:
            for line in self.format(record).splitlines() or [""]:
                _host.current().log(level, line)
        except Exception:
            self.handleError(record)


class Output(io.TextIOBase):
    """Hands what is printed to the host, line by line."""

    def __init__(self) -> None:
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        lines = (self._begun + text).split("\n")
        self._begun = lines.pop()
        for line in lines:
            _host.current().output(line.encode("utf-8", "replace") + b"\n")
        return len(text)

    def flush(self) -> None:
        if self._begun:
            begun, self._begun = self._begun, ""
            _host.current().output(begun.encode("utf-8", "replace"))


def install() -> None:
    """Makes the root logger write to the host, everything from `INFO` on."""
    root = logging.getLogger()
    root.handlers[:] = [Handler()]
    root.setLevel(logging.INFO)
