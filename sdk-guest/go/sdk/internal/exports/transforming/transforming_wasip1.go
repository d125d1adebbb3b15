package export_headworks_plugin_transforming

import (
	"errors"
	"runtime"

	"headworks/internal/bindings/batches"
	bindings "headworks/internal/bindings/transforming"
	"headworks/internal/component"
	"headworks/internal/registry"
	witTypes "headworks/internal/wit/types"
)

// Instance is an opened transformer. The generated code counts on its first two members.
type Instance struct {
	pinner    runtime.Pinner
	handle    int32
	transform registry.Transform
}

// OnDrop is called when the host is done with the instance.
func (self *Instance) OnDrop() {}

// InstanceOpen opens a transformer.
func InstanceOpen(config string) witTypes.Result[*Instance, bindings.OpenError] {
	if registry.OpenTransformer == nil {
		return refused(errors.New("no transformer is registered: call transformer.Register in init"))
	}
	transform, err := registry.OpenTransformer(config)
	if err != nil {
		return refused(err)
	}
	return witTypes.Ok[*Instance, bindings.OpenError](&Instance{transform: transform})
}

func refused(err error) witTypes.Result[*Instance, bindings.OpenError] {
	var invalid *registry.InvalidConfig
	if errors.As(err, &invalid) {
		return witTypes.Err[*Instance](bindings.MakeOpenErrorInvalidConfig(invalid.Message))
	}
	return witTypes.Err[*Instance](bindings.MakeOpenErrorFailed(err.Error()))
}

// Transform maps a batch.
func (self *Instance) Transform(records *batches.Batch) witTypes.Result[*batches.Batch, string] {
	if err := self.transform(component.Records{Batch: records}); err != nil {
		records.Drop()
		return witTypes.Err[*batches.Batch](err.Error())
	}
	return witTypes.Ok[*batches.Batch, string](records)
}
