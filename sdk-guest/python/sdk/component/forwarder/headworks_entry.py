"""What componentize-py builds a forwarder from. The author's module is `plugin`."""

from headworks import _component

_component.install(_component.Forwarding())

import plugin as author  # noqa: E402, F401  the author's module, after the host is in place
import forwarding  # noqa: E402, F401  the exported resource

from forwarding import Forwarding  # noqa: E402, F401  the exported functions
from headworks._exports import Plugin  # noqa: E402, F401
