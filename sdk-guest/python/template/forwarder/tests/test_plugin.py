import unittest

from headworks.testing import Host, Response
from plugin import Post

CONFIG = {"url": "https://example.com/in"}


class Tests(unittest.TestCase):
    def test_records_are_posted(self) -> None:
        with Host(answers=[Response(204), Response(422)]) as host:
            report = host.deliver(Post, CONFIG, [{"message": "one"}, {"message": "two"}])
        self.assertEqual([request.body for request in host.requests], [b'{"message":"one"}', b'{"message":"two"}'])
        self.assertEqual(report.rejected, [(1, "the target answers 422")])
        self.assertIsNone(report.stopped)
