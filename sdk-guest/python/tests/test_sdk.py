"""The SDK against the double of the host: what the conformance vectors cannot see."""

import dataclasses
import enum
import json
import logging
import unittest
from typing import Any, Literal

import headworks
from headworks import Batch, InvalidConfig, Undelivered, http, metrics, setting, state
from headworks.config import parse, schema
from headworks.logs import Handler
from headworks.testing import Failed, Host, Response


class Mode(enum.Enum):
    FAST = "fast"
    EXACT = "exact"


@dataclasses.dataclass
class Table:
    name: str
    size: int = 3


@dataclasses.dataclass
class Config:
    field: str = setting(description="A field", minLength=1)
    ratio: float = setting(0.5, minimum=0, maximum=1)
    mode: Mode = Mode.FAST
    kind: Literal["a", "b"] = "a"
    tables: list[Table] = setting([])
    limits: dict[str, int] = setting({})
    note: str | None = None


class Configurations(unittest.TestCase):
    def test_a_configuration_is_read_with_its_defaults(self) -> None:
        config = parse(Config, '{"field": "x", "ratio": 1, "tables": [{"name": "t"}], "mode": "exact", "limits": {"a": 2}}')
        self.assertEqual(config, Config("x", 1.0, Mode.EXACT, "a", [Table("t", 3)], {"a": 2}, None))

    def test_mistakes_are_named_with_their_place(self) -> None:
        cases = {
            '{"field": ""}': "field: expected a text of at least 1 characters",
            '{"field": "x", "ratio": 2}': "ratio: expected a number of at most 1",
            '{"field": "x", "ratio": true}': "ratio: expected a number, not true",
            '{"field": "x", "kind": "c"}': 'kind: expected "a" or "b"',
            '{"field": "x", "mode": "slow"}': 'mode: expected "fast" or "exact"',
            '{"field": "x", "tables": [{"name": "a"}, {"size": 1}]}': "tables[1].name: this setting is required",
            '{"field": "x", "limits": {"a": "b"}}': "limits.a: expected a whole number",
            '{"field": "x", "note": 5}': "note: expected a text",
            "{": "the configuration is not JSON",
        }
        for text, wanted in cases.items():
            with self.subTest(text), self.assertRaises(InvalidConfig) as caught:
                parse(Config, text)
            self.assertIn(wanted, str(caught.exception))

    def test_the_schema_says_what_is_read(self) -> None:
        whole = json.loads(schema(Config))
        self.assertEqual(whole["required"], ["field"])
        self.assertIs(whole["additionalProperties"], False)
        properties = whole["properties"]
        self.assertEqual(properties["field"], {"type": "string", "description": "A field", "minLength": 1})
        self.assertEqual(properties["ratio"], {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5})
        self.assertEqual(properties["mode"], {"enum": ["fast", "exact"], "default": "fast"})
        self.assertEqual(properties["tables"]["items"]["required"], ["name"])
        self.assertEqual(properties["note"], {"anyOf": [{"type": "string"}, {"type": "null"}]})


class Counter(headworks.Transformer, name="counter", version="0.1.0"):
    def transform(self, batch: Batch) -> None:
        metrics.count("seen_records_total", len(batch))
        state.save("last", {"count": len(batch)})
        logging.getLogger("counter").info("two\nlines")
        for event in batch:
            if event["n"] == "1":
                event.reject("no ones")


class Post(headworks.Forwarder, name="post", version="0.1.0"):
    config: Config

    def send(self, batch: Batch) -> None:
        for index, event in enumerate(batch):
            if not http.post("https://example.com", json=dict(event)).ok:
                raise Undelivered("refused", at=index, retry_after=None)


class Plugins(unittest.TestCase):
    def test_services_reach_the_double(self) -> None:
        logger = logging.getLogger("counter")
        logger.addHandler(Handler())
        logger.setLevel(logging.INFO)
        with Host() as host:
            answer = host.transform(Counter, None, [{"n": "1"}, {"n": "2"}])
        self.assertEqual((answer.records, answer.origins, answer.rejected), ([{"n": "2"}], [1], {0: "no ones"}))
        self.assertEqual((host.counters, host.state), ({"seen_records_total": 2}, {"last": b'{"count":2}'}))
        self.assertEqual(host.logged, [("info", "two"), ("info", "lines")])

    def test_an_exception_names_the_line_of_the_author(self) -> None:
        with Host() as host, self.assertRaises(Failed) as caught:
            host.transform(Counter, None, [{}])
        self.assertRegex(str(caught.exception), r"^KeyError: 'n' \(test_sdk.py, line \d+\)$")
        self.assertTrue(any("Traceback" in line for _, line in host.logged))

    def test_what_is_not_delivered_is_reported(self) -> None:
        config = {"field": "x"}
        with Host(answers=[Response(200), Response(500)]) as host:
            report = host.deliver(Post, config, [{"a": "1"}, {"a": "2"}])
        assert report.stopped
        self.assertEqual((report.stopped.at, report.stopped.reason, report.stopped.retry_after), (1, "refused", None))
        with Host(answers=[http.NetworkError("late", "too late"), http.NetworkError("denied", "no")]) as host:  # type: ignore[list-item]
            kept = host.deliver(Post, config, [{"a": "1"}]).stopped
            lost = host.deliver(Post, config, [{"a": "1"}]).stopped
        assert kept and lost
        self.assertEqual((kept.reason, kept.retry_after, lost.retry_after), ("too late", 1.0, None))

    def test_what_is_kept_back_is_flushed(self) -> None:
        class Keeper(headworks.Forwarder, name="keeper", version="0.1.0"):
            def send(self, batch: Any) -> None:
                self.kept = [event["a"] for event in batch]
                if len(self.kept) > 2:
                    raise headworks.Undelivered("full", at=2)

            def flush(self) -> None:
                if not http.post("https://example.com", json=self.kept).ok:
                    raise headworks.Undelivered("refused", at=1)

        for records, answers, wanted in (
            ([{"a": "1"}], [200], None),
            ([{"a": "1"}, {"a": "2"}], [500], (1, "refused")),
            ([{"a": "1"}, {"a": "2"}, {"a": "3"}], [200], (2, "full")),
            ([{"a": "1"}, {"a": "2"}, {"a": "3"}], [500], (1, "refused")),
        ):
            with Host(answers=[Response(status) for status in answers]) as host:
                stopped = host.deliver(Keeper, None, records).stopped
            self.assertEqual(len(host.requests), 1)
            self.assertEqual(stopped and (stopped.at, stopped.reason), wanted)

    def test_columns_of_the_wrong_length_and_values_of_no_kind_are_refused(self) -> None:
        class Wrong(headworks.Transformer, name="wrong", version="0.1.0"):
            def transform(self, batch: Any) -> None:
                batch["x"] = ["only one"]

        class Odd(headworks.Transformer, name="odd", version="0.1.0"):
            def transform_event(self, event: Any) -> None:
                event["x"] = object()

        with Host() as host:
            with self.assertRaisesRegex(Failed, "one value for each of 2 records, not 1 values"):
                host.transform(Wrong, None, [{}, {}])
            with self.assertRaisesRegex(Failed, "a field cannot hold a object"):
                host.transform(Odd, None, [{}])


if __name__ == "__main__":
    unittest.main()
