// Limits the length of names.
package main

import (
	"fmt"

	"headworks"
	"headworks/validator"
)

// Config is the configuration of the plugin.
type Config struct {
	Longest int `json:"longest" default:"40" minimum:"1" doc:"The most characters of a name"`
}

func init() {
	validator.Register(headworks.Info{Name: "{{name}}", Version: "0.1.0", Summary: "Limits the length of names"}, open)
}

func open(config Config) (validator.Validate, error) {
	return func(subject validator.Subject) ([]validator.Violation, error) {
		length := len([]rune(subject.Name))
		if length <= config.Longest {
			return nil, nil
		}
		message := fmt.Sprintf("the name has %d characters, and at most %d are allowed", length, config.Longest)
		return []validator.Violation{{Message: message}}, nil
	}, nil
}

func main() {}
