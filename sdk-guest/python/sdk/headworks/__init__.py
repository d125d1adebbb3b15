"""Plugins for Headworks: transformers, forwarders and validators in Python.

    import headworks

    class Upper(headworks.Transformer, name="upper", version="0.1.0", summary="Upper-cases the level"):
        def transform_event(self, event):
            event["level"] = event.get("level", "info").upper()
"""

from . import http
from .batch import Batch, Event
from .config import InvalidConfig, setting
from .plugin import Forwarder, Subject, Transformer, Undelivered, Validator, Violation, error, warning
from .services import State, StateError, metrics, now, random_bytes, secret, state
from .values import NULL, Json

__all__ = [
    "NULL",
    "Batch",
    "Event",
    "Forwarder",
    "InvalidConfig",
    "Json",
    "State",
    "StateError",
    "Subject",
    "Transformer",
    "Undelivered",
    "Validator",
    "Violation",
    "error",
    "http",
    "metrics",
    "now",
    "random_bytes",
    "secret",
    "setting",
    "state",
    "warning",
]
