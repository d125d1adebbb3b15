// Package export_headworks_plugin_plugin is the export headworks:plugin/plugin.
package export_headworks_plugin_plugin

import (
	bindings "headworks/internal/bindings/plugin"
	_ "headworks/internal/component" // puts the host in place
	"headworks/internal/registry"
)

// Describe says who the plugin is.
func Describe() bindings.Description {
	who := registry.Who
	return bindings.Description{
		Name: who.Name, Version: who.Version, Summary: who.Summary, ConfigSchema: who.ConfigSchema, Grants: who.Grants,
	}
}
