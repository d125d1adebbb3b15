// Upper-cases a field.
package main

import (
	"strings"

	"headworks"
	"headworks/transformer"
)

// Config is the configuration of the plugin.
type Config struct {
	Field string `json:"field" doc:"The field to upper-case"`
}

func init() {
	transformer.Register(headworks.Info{Name: "{{name}}", Version: "0.1.0", Summary: "Upper-cases a field"}, open)
}

func open(config Config) (transformer.Transform, error) {
	return func(batch *headworks.Batch) error {
		cells := batch.Column(config.Field)
		for index := range cells {
			cells[index].Text = strings.ToUpper(cells[index].Text)
		}
		batch.SetColumn(config.Field, cells)
		return nil
	}, nil
}

func main() {}
