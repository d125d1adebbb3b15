package export_headworks_plugin_forwarding

import (
	"errors"
	"runtime"

	"headworks/internal/bindings/batches"
	bindings "headworks/internal/bindings/forwarding"
	"headworks/internal/component"
	_ "headworks/internal/component/sending" // requests
	"headworks/internal/registry"
	witTypes "headworks/internal/wit/types"
)

// Sink is an opened forwarder. The generated code counts on its first two members.
type Sink struct {
	pinner runtime.Pinner
	handle int32
	opened registry.Sink
}

// OnDrop is called when the host is done with the sink.
func (self *Sink) OnDrop() {}

func refusal(err error) bindings.OpenError {
	var invalid *registry.InvalidConfig
	if errors.As(err, &invalid) {
		return bindings.MakeOpenErrorInvalidConfig(invalid.Message)
	}
	return bindings.MakeOpenErrorFailed(err.Error())
}

// Targets says what a configuration needs to reach.
func Targets(config string) witTypes.Result[[]string, bindings.OpenError] {
	if registry.Targets == nil {
		return witTypes.Err[[]string](refusal(errors.New("no forwarder is registered: call forwarder.Register in init")))
	}
	targets, err := registry.Targets(config)
	if err != nil {
		return witTypes.Err[[]string](refusal(err))
	}
	return witTypes.Ok[[]string, bindings.OpenError](targets)
}

// SinkOpen opens a forwarder.
func SinkOpen(config string) witTypes.Result[*Sink, bindings.OpenError] {
	if registry.OpenForwarder == nil {
		return witTypes.Err[*Sink](refusal(errors.New("no forwarder is registered: call forwarder.Register in init")))
	}
	opened, err := registry.OpenForwarder(config)
	if err != nil {
		return witTypes.Err[*Sink](refusal(err))
	}
	return witTypes.Ok[*Sink, bindings.OpenError](&Sink{opened: opened})
}

// Send delivers a batch.
func (self *Sink) Send(records *batches.Batch) bindings.Report {
	defer records.Drop()
	rejected, stop := self.opened.Send(component.Records{Batch: records})
	report := bindings.Report{Stopped: witTypes.None[bindings.Stop]()}
	for _, one := range rejected {
		report.Rejected = append(report.Rejected, bindings.Rejection{Index: uint32(one.Index), Reason: one.Reason})
	}
	if stop != nil {
		report.Stopped = witTypes.Some(stopped(stop))
	}
	return report
}

// Flush delivers what was kept back.
func (self *Sink) Flush() witTypes.Result[witTypes.Unit, bindings.Stop] {
	if stop := self.opened.Flush(); stop != nil {
		return witTypes.Err[witTypes.Unit](stopped(stop))
	}
	return witTypes.Ok[witTypes.Unit, bindings.Stop](witTypes.Unit{})
}

func stopped(stop *registry.Stop) bindings.Stop {
	retry := bindings.MakeRetryNever()
	if stop.RetryMilliseconds >= 0 {
		retry = bindings.MakeRetryAfterMilliseconds(uint32(stop.RetryMilliseconds))
	}
	return bindings.Stop{At: uint32(stop.At), Reason: stop.Reason, Retry: retry}
}
