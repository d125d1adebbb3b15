import unittest

from headworks.testing import Host
from plugin import Review


class Tests(unittest.TestCase):
    def test_a_loop_that_nobody_enters_is_not_reached(self) -> None:
        nodes = [{"id": name, "type": "transform", "data": {}} for name in "ab"]
        edges = [{"source": "a", "target": "b"}, {"source": "b", "target": "a"}]
        with Host() as host:
            found = host.validate(Review, {}, {"flow": {"nodes": nodes, "edges": edges}})
        self.assertEqual([each.path for each in found], ["/flow/nodes/0", "/flow/nodes/1"])

    def test_a_document_without_a_graph_is_no_reason_to_fail(self) -> None:
        with Host() as host:
            self.assertEqual(host.validate(Review, {}, {}), [])
            self.assertEqual(host.validate(Review, {}, {"flow": {"nodes": None}}), [])
