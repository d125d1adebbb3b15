"""The clock and the entropy of the standard library, answered by the host.

Inside a component CPython has neither: its WASI imports are stubs that trap. This module has to run before anything else
imports the functions it replaces. What it does not replace still traps; it never answers with something made up.
"""

from __future__ import annotations

import datetime
import os
import random
import sys
import time
import uuid
from typing import Any

from . import _host, logs


def _now_ns() -> int:
    seconds, nanoseconds = _host.current().now()
    return seconds * 1_000_000_000 + nanoseconds


def _now() -> float:
    return _now_ns() / 1e9


def _bytes(length: int) -> bytes:
    return _host.current().random(length)


def _broken_down(original: Any) -> Any:
    def call(seconds: float | None = None) -> time.struct_time:
        return original(_now() if seconds is None else seconds)

    return call


class _Time(datetime.datetime):
    """`datetime` with the host's clock."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return cls.fromtimestamp(_now(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.fromtimestamp(_now(), datetime.timezone.utc).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


class _Date(datetime.date):
    """`date` with the host's clock."""

    @classmethod
    def today(cls) -> Any:
        return cls.fromtimestamp(_now())


_Time.__name__ = _Time.__qualname__ = "datetime"
_Date.__name__ = _Date.__qualname__ = "date"


def install() -> None:
    """Replaces the functions. The time of day also stands in for the monotonic clock: the host offers no other."""
    time.time, time.time_ns = _now, _now_ns
    time.monotonic = time.perf_counter = _now
    time.monotonic_ns = time.perf_counter_ns = _now_ns
    time.gmtime, time.localtime = _broken_down(time.gmtime), _broken_down(time.localtime)
    plain_ctime, plain_strftime = time.ctime, time.strftime
    time.ctime = lambda seconds=None: plain_ctime(_now() if seconds is None else seconds)
    time.strftime = lambda form, moment=None: plain_strftime(form, time.gmtime() if moment is None else moment)
    datetime.datetime, datetime.date = _Time, _Date  # type: ignore[misc]
    os.urandom = _bytes
    random._urandom = _bytes  # type: ignore[attr-defined]
    uuid.os.urandom = _bytes  # type: ignore[attr-defined]
    sys.stdout = sys.stderr = logs.Output()


_seeded = False


def seed() -> None:
    """Seeds `random` once for an instance: the state that was built into the component is the same in all of them."""
    global _seeded
    if not _seeded:
        random.seed(_bytes(32))
        _seeded = True
