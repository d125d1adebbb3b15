import unittest

from headworks.testing import Host, InvalidConfig
from plugin import GeoIp

NETWORKS = [
    {"network": "192.0.2.0/24", "country": "CH"},
    {"network": "192.0.2.128/25", "country": "CH", "city": "Bern"},
    {"network": "2001:db8::/32", "country": "SE"},
]


class Tests(unittest.TestCase):
    def located(self, *texts: str) -> list[tuple[str | None, str | None]]:
        with Host() as host:
            answer = host.transform(GeoIp, {"networks": NETWORKS}, [{"message": text} for text in texts])
        return [(record.get("geo_country"), record.get("geo_city")) for record in answer.records]

    def test_the_smallest_network_counts(self) -> None:
        found = self.located("192.0.2.1", "from 192.0.2.200 port 1", "2001:db8::1", "198.51.100.1", "06:55:46 192.0.2.1")
        self.assertEqual(found, [("CH", None), ("CH", "Bern"), ("SE", None), (None, None), ("CH", None)])

    def test_what_looks_like_an_address_need_not_be_one(self) -> None:
        self.assertEqual(self.located("999.1.1.1", "1.2.3.4.5", "12:34:56", ""), [(None, None)] * 4)

    def test_a_table_with_a_mistake_is_refused(self) -> None:
        with Host() as host, self.assertRaisesRegex(InvalidConfig, r"networks\[0\].network: .* has host bits set"):
            host.open(GeoIp, {"networks": [{"network": "192.0.2.1/24", "country": "CH"}]})
