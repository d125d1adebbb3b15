"""Where addresses are: looks them up in a table of networks that is in the configuration."""

import dataclasses
import ipaddress
import re
from typing import Any

import headworks
from headworks import Batch, InvalidConfig, metrics, setting

_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F.]*)(?![\w.:])")
_CACHED = 10_000


@dataclasses.dataclass
class Network:
    network: str = setting(description="Such as 192.0.2.0/24 or 2001:db8::/32")
    country: str = setting(description="Such as CH")
    city: str | None = None


@dataclasses.dataclass
class Config:
    networks: list[Network] = setting(description="The table; where networks contain each other, the smaller one counts")
    source: str = setting("message", "The field with the address: an address, or a text with one in it")
    target: str = setting("geo", "The new fields are named TARGET_country and TARGET_city")


class GeoIp(headworks.Transformer, name="geoip", version="0.1.0", summary="Adds country and city of an address"):
    config: Config

    def open(self) -> None:
        # By version and length of the prefix, the longest first: network address → row of the table.
        tables: dict[tuple[int, int], dict[int, Network]] = {}
        for index, row in enumerate(self.config.networks):
            try:
                network = ipaddress.ip_network(row.network)
            except ValueError as problem:
                raise InvalidConfig(f"networks[{index}].network: {problem}") from None
            key = (network.version, network.prefixlen)
            tables.setdefault(key, {})[int(network.network_address)] = row
        self.tables = sorted(tables.items(), key=lambda item: -item[0][1])
        self.cache: dict[str, Network | None] = {}

    def transform(self, batch: Batch) -> None:
        found = [self.look_up(text) for text in batch[self.config.source]]
        metrics.count("located_records_total", sum(row is not None for row in found))
        batch[f"{self.config.target}_country"] = [row and row.country for row in found]
        batch[f"{self.config.target}_city"] = [row and row.city for row in found]

    def look_up(self, text: str | None) -> Network | None:
        """The row of the first address of a text that has one; a time of day may look like an address."""
        for match in _ADDRESS.finditer(text or ""):
            address = match.group()
            if address not in self.cache:
                if len(self.cache) >= _CACHED:
                    self.cache.clear()
                self.cache[address] = self.find(address)
            if self.cache[address] is not None:
                return self.cache[address]
        return None

    def find(self, text: str) -> Network | None:
        try:
            address: Any = ipaddress.ip_address(text)
        except ValueError:
            return None
        for (version, length), table in self.tables:
            if version == address.version:
                rest = address.max_prefixlen - length
                row = table.get(int(address) >> rest << rest)
                if row is not None:
                    return row
        return None
