"""What componentize-py builds a transformer from. The author's module is `plugin`."""

from headworks import _component

_component.install(_component.Component())

import plugin as author  # noqa: E402, F401  the author's module, after the host is in place
import transforming  # noqa: E402, F401  the exported resource

from headworks._exports import Plugin  # noqa: E402, F401  the exported function
