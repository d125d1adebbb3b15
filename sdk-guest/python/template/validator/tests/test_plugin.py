import unittest

from headworks.testing import Host
from plugin import Names


class Tests(unittest.TestCase):
    def test_long_names_are_refused(self) -> None:
        with Host() as host:
            self.assertEqual(host.validate(Names, {"longest": 5}, {}, name="mouse"), [])
            found = host.validate(Names, {"longest": 5}, {}, name="elephant")
        self.assertEqual([each.severity for each in found], ["error"])
