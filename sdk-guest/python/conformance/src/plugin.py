"""Does what `sdk-guest/conformance/vectors.json` asks for, with every part of the SDK."""

import dataclasses
import datetime
import logging
import random
import time
from typing import Any

import headworks
from headworks import NULL, Batch, Event, InvalidConfig, Json, StateError, metrics, state


@dataclasses.dataclass
class Config:
    steps: list[Any]


KINDS = {str: "text", int: "integer", float: "float", bool: "boolean", Json: "json", bytes: "bytes", type(NULL): "null"}


def upper(batch: Batch, step: dict[str, Any]) -> None:
    batch[step["field"]] = [text and text.upper() for text in batch[step["field"]]]


def kind(batch: Batch, step: dict[str, Any]) -> None:
    batch[step["to"]] = ["none" if value is None else KINDS[type(value)] for value in batch.values(step["field"])]


def select(batch: Batch, step: dict[str, Any]) -> None:
    batch.select(step["indexes"])


def clock() -> str:
    first, second, own = headworks.now(), headworks.now(), datetime.datetime.now(datetime.timezone.utc)
    near = abs((own - second).total_seconds()) < 5 and abs(time.time() - second.timestamp()) < 5
    return "ok" if first.year >= 2025 and first <= second and near else f"{first} {second} {own}"


def entropy() -> str:
    one, other = headworks.random_bytes(16), headworks.random_bytes(16)
    return "ok" if len(one) == 16 and one != other and random.random() != random.random() else f"{one!r} {other!r}"


def full() -> str:
    try:
        state.set("large", b"x" * (1 << 17))
    except StateError as problem:
        return "full" if problem.full else "failed"
    return "kept"


def none(value: Any) -> Any:
    return "none" if value is None else value


def found(key: str) -> str:
    value = state.get(key)
    return "none" if value is None else value.decode()


def observe(step: dict[str, Any]) -> None:
    metrics.count("conformance_steps_total", 2)
    metrics.gauge("conformance_level_ratio", 0.5)
    logging.getLogger("conformance").warning("%s ü", step["value"])
    print(step["value"])


def fail(step: dict[str, Any]) -> None:
    raise RuntimeError(step["value"])


BATCH = {
    "upper": upper,
    "kind": kind,
    "select": select,
    "fill": lambda batch, step: batch.fill(step["field"], step["value"]),
    "rename": lambda batch, step: batch.rename(step["field"], step["to"]),
    "delete": lambda batch, step: batch.__delitem__(step["field"]),
    "batch-names": lambda batch, step: batch.fill(step["field"], ",".join(sorted(batch.names()))),
    "count": lambda batch, step: batch.fill(step["field"], str(len(batch))),
    "clock": lambda batch, step: batch.fill(step["field"], clock()),
    "random": lambda batch, step: batch.fill(step["field"], entropy()),
    "state-get": lambda batch, step: batch.fill(step["field"], found(step["key"])),
    "state-set": lambda batch, step: state.set(step["key"], step["value"]),
    "state-delete": lambda batch, step: state.set(step["key"], None),
    "state-keys": lambda batch, step: batch.fill(step["field"], ",".join(state.keys(step["key"]))),
    "state-replace": lambda batch, step: batch.fill(
        step["field"], str(state.replace(step["key"], step["expected"], step["value"])).lower()
    ),
    "state-create": lambda batch, step: batch.fill(step["field"], str(state.replace(step["key"], None, step["value"])).lower()),
    "state-full": lambda batch, step: batch.fill(step["field"], full()),
    "secret": lambda batch, step: batch.fill(step["field"], none(headworks.secret(step["key"]))),
    "observe": lambda batch, step: observe(step),
    "fail": lambda batch, step: fail(step),
    "crash": lambda batch, step: [][1],
}


def event_upper(event: Event, step: dict[str, Any]) -> None:
    if step["field"] in event:
        event[step["field"]] = event[step["field"]].upper()


def text(event: Event, step: dict[str, Any]) -> None:
    value = event.get(step["field"])
    if value is not None:
        event[step["to"]] = value


def moment(event: Event, step: dict[str, Any]) -> None:
    near = abs((event.time - headworks.now()).total_seconds()) < 86400 and abs(event.time_ns / 1e9 - time.time()) < 86400
    event[step["field"]] = "ok" if near else str(event.time)


def copied(event: Event, step: dict[str, Any]) -> None:
    event.copy()[step["field"]] = "1"


EVENT = {
    "event-upper": event_upper,
    "text": text,
    "time": moment,
    "copy": copied,
    "set": lambda event, step: event.__setitem__(step["field"], step["value"]),
    "set-null": lambda event, step: event.__setitem__(step["field"], NULL),
    "set-bytes": lambda event, step: event.__setitem__(step["field"], b"\xffA"),
    "remove": lambda event, step: event.remove(step["field"]),
    "names": lambda event, step: event.__setitem__(step["field"], ",".join(sorted(set(event) - {step["field"]}))),
    "drop": lambda event, step: event.drop(),
    "reject": lambda event, step: event.reject(step["value"]),
    "chars": lambda event, step: event.__setitem__(step["to"], str(len(event[step["field"]]))),
    "reverse": lambda event, step: event.__setitem__(step["to"], event[step["field"]][::-1]),
}


class Conformance(
    headworks.Transformer, name="conformance", version="0.1.0", summary="Does what the vectors ask for", grants=["secret:token"]
):
    config: Config

    def open(self) -> None:
        for index, step in enumerate(self.config.steps):
            if not isinstance(step["do"], str):
                raise InvalidConfig(f"steps[{index}].do: expected a text, not {step['do']}")
            if step["do"] not in BATCH and step["do"] not in EVENT:
                raise InvalidConfig(f"steps[{index}].do: there is no step {step['do']}")

    def transform(self, batch: Batch) -> None:
        for step in self.config.steps:
            if step["do"] in BATCH:
                BATCH[step["do"]](batch, step)
                continue
            for event in list(batch):
                if "if" not in step or event.get(step["if"], "") == step["is"]:
                    EVENT[step["do"]](event, step)
