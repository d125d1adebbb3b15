"""Reviews the graph of a pipeline before it is saved: what a person would notice only when records are missing."""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

import headworks
from headworks import InvalidConfig, Subject, Violation, setting


@dataclasses.dataclass
class Config:
    streams: str = setting("", "A regular expression that the names of streams have to match as a whole; empty allows all")
    most_nodes: int = setting(50, "The most nodes of a pipeline", minimum=1)


class Review(headworks.Validator, name="pipeline-review", version="0.1.0", summary="Reviews the graphs of pipelines"):
    config: Config

    def open(self) -> None:
        try:
            self.streams = re.compile(self.config.streams) if self.config.streams else None
        except re.error as problem:
            raise InvalidConfig(f"streams: {problem}") from None

    def validate(self, subject: Subject) -> Iterable[Violation]:
        if subject.kind != "pipeline" or subject.operation == "delete":
            return
        flow = subject.document.get("flow") or {}
        nodes, edges = flow.get("nodes") or [], flow.get("edges") or []
        if len(nodes) > self.config.most_nodes:
            yield headworks.error("/flow/nodes", f"there are {len(nodes)} nodes, and at most {self.config.most_nodes} are allowed")
        yield from self.reached(nodes, edges)
        yield from self.named(nodes)

    def reached(self, nodes: list[Any], edges: list[Any]) -> Iterator[Violation]:
        """Nodes that no source leads to, and nodes that lead nowhere."""
        following: dict[str, list[str]] = {}
        for edge in edges:
            following.setdefault(edge["source"], []).append(edge["target"])
        pending = [node["id"] for node in nodes if node["type"] == "source"]
        seen = set(pending)
        while pending:
            for target in following.get(pending.pop(), []):
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        for index, node in enumerate(nodes):
            path = f"/flow/nodes/{index}"
            if node["id"] not in seen:
                yield headworks.warning(path, f"no source leads to the node {node['id']}")
            elif node["type"] in ("transform", "switch", "source") and not following.get(node["id"]):
                yield headworks.warning(path, f"nothing follows the node {node['id']}: what it makes is lost")

    def named(self, nodes: list[Any]) -> Iterator[Violation]:
        for index, node in enumerate(nodes):
            stream = node.get("data", {}).get("stream")
            if self.streams and node["type"] == "router" and not self.streams.fullmatch(stream or ""):
                message = f"the stream {stream} is not named as {self.config.streams} asks for"
                yield headworks.error(f"/flow/nodes/{index}/data/stream", message)
