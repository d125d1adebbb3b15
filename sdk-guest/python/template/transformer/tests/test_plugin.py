import unittest

from headworks.testing import Host
from plugin import Upper


class Tests(unittest.TestCase):
    def test_the_field_is_upper_cased(self) -> None:
        with Host() as host:
            answer = host.transform(Upper, {"field": "level"}, [{"level": "info"}, {"message": "no level"}])
        self.assertEqual(answer.records, [{"level": "INFO"}, {"message": "no level"}])
