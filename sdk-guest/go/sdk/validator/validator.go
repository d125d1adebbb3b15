// Package validator registers plugins that judge documents before they are saved.
package validator

import (
	"encoding/json"
	"errors"

	"headworks"
	"headworks/internal/registry"
)

// Subject is a document that somebody wants to save or delete.
type Subject struct {
	Kind, Scope, Name string
	// Operation is create, update or delete.
	Operation string
	// Document is the document as JSON: the new one, or the one to delete.
	Document json.RawMessage
	// Previous is what the document replaces; nil where it replaces nothing.
	Previous json.RawMessage
	// Principal is who asks.
	Principal string
}

// Violation is what is wrong with a document. Path is a JSON pointer, empty for the whole document.
type Violation struct {
	Path, Message string
	// Warning says that it is only reported, and the document saved.
	Warning bool
}

// Validate answers everything that is wrong; nothing when the document may be saved. The error says why it cannot be judged.
type Validate func(subject Subject) ([]Violation, error)

// Register registers the plugin of this program; call it in init.
func Register[C any](info headworks.Info, open func(config C) (Validate, error)) {
	registry.Who = registry.Description{
		Name: info.Name, Version: info.Version, Summary: info.Summary, Grants: info.Grants,
		ConfigSchema: headworks.SchemaOf[C](),
	}
	registry.OpenValidator = func(text string) (registry.Validate, error) {
		config, err := headworks.ParseConfig[C](text)
		if err != nil {
			return nil, err
		}
		var validate Validate
		if err = registry.Guard(func() error { validate, err = open(config); return err }); err != nil {
			return nil, err
		}
		if validate == nil {
			return nil, errors.New("open answered no function")
		}
		return func(subject registry.Subject) (answer []registry.Violation, err error) {
			err = registry.Guard(func() error {
				found, err := validate(subjectOf(subject))
				for _, violation := range found {
					answer = append(answer, registry.Violation(violation))
				}
				return err
			})
			return answer, err
		}, nil
	}
}

func subjectOf(subject registry.Subject) Subject {
	answer := Subject{
		Kind: subject.Kind, Scope: subject.Scope, Name: subject.Name, Operation: subject.Operation,
		Document: json.RawMessage(subject.Document), Principal: subject.Principal,
	}
	if subject.Previous != nil {
		answer.Previous = json.RawMessage(*subject.Previous)
	}
	return answer
}
