"""The export `headworks:plugin/plugin`, the same in every world."""

from wit_world.exports.plugin import Description

from . import plugin


class Plugin:
    def describe(self) -> Description:
        who = plugin.defined()._description
        return Description(who.name, who.version, who.summary, who.config_schema, who.grants)
