package export_headworks_plugin_validating

import (
	"errors"
	"runtime"

	bindings "headworks/internal/bindings/validating"
	"headworks/internal/registry"
	witTypes "headworks/internal/wit/types"
)

// Rule is an opened validator. The generated code counts on its first two members.
type Rule struct {
	pinner   runtime.Pinner
	handle   int32
	validate registry.Validate
}

// OnDrop is called when the host is done with the rule.
func (self *Rule) OnDrop() {}

// RuleOpen opens a validator.
func RuleOpen(config string) witTypes.Result[*Rule, bindings.OpenError] {
	if registry.OpenValidator == nil {
		return refused(errors.New("no validator is registered: call validator.Register in init"))
	}
	validate, err := registry.OpenValidator(config)
	if err != nil {
		return refused(err)
	}
	return witTypes.Ok[*Rule, bindings.OpenError](&Rule{validate: validate})
}

func refused(err error) witTypes.Result[*Rule, bindings.OpenError] {
	var invalid *registry.InvalidConfig
	if errors.As(err, &invalid) {
		return witTypes.Err[*Rule](bindings.MakeOpenErrorInvalidConfig(invalid.Message))
	}
	return witTypes.Err[*Rule](bindings.MakeOpenErrorFailed(err.Error()))
}

var operations = map[bindings.Operation]string{
	bindings.Operation_Create: "create", bindings.Operation_Update: "update", bindings.Operation_Delete: "delete",
}

// Validate judges a document.
func (self *Rule) Validate(subject bindings.Subject) witTypes.Result[[]bindings.Violation, string] {
	asked := registry.Subject{
		Kind: subject.Kind, Scope: subject.Scope, Name: subject.Name, Operation: operations[subject.Operation],
		Document: subject.Document, Principal: subject.Principal,
	}
	if subject.Previous.IsSome() {
		previous := subject.Previous.Some()
		asked.Previous = &previous
	}
	found, err := self.validate(asked)
	if err != nil {
		return witTypes.Err[[]bindings.Violation](err.Error())
	}
	answer := make([]bindings.Violation, len(found))
	for index, violation := range found {
		answer[index] = bindings.Violation{Path: violation.Path, Message: violation.Message, Severity: bindings.Severity_Error}
		if violation.Warning {
			answer[index].Severity = bindings.Severity_Warning
		}
	}
	return witTypes.Ok[[]bindings.Violation, string](answer)
}
