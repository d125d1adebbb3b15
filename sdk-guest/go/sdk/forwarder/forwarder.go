// Package forwarder registers plugins that deliver records to somewhere else.
package forwarder

import (
	"headworks"
	"headworks/internal/host"
	"headworks/internal/registry"
)

// Sink is an opened forwarder. Errors are *headworks.Undelivered, or whatever headworks.Send answered; anything else is
// final. Use Event.Reject for what the target will never take.
type Sink interface {
	// Send delivers a batch, or keeps some of it back until Flush.
	Send(batch *headworks.Batch) error
	// Flush delivers what Send kept back: called after each Send, before anybody is told that it was delivered. The At of an
	// Undelivered counts from the first record of that Send. The server has the records from there on again, and does not use
	// this sink any more.
	Flush() error
}

// Register registers the plugin of this program; call it in init. targets says what a configuration needs to reach, such as
// https://example.com:443.
func Register[C any](info headworks.Info, targets func(config C) ([]string, error), open func(config C) (Sink, error)) {
	registry.Who = registry.Description{
		Name: info.Name, Version: info.Version, Summary: info.Summary, Grants: info.Grants,
		ConfigSchema: headworks.SchemaOf[C](),
	}
	registry.Targets = func(text string) (answer []string, err error) {
		config, err := headworks.ParseConfig[C](text)
		if err == nil {
			err = registry.Guard(func() error { answer, err = targets(config); return err })
		}
		return answer, err
	}
	registry.OpenForwarder = func(text string) (registry.Sink, error) {
		config, err := headworks.ParseConfig[C](text)
		if err != nil {
			return registry.Sink{}, err
		}
		var opened Sink
		if err = registry.Guard(func() error { opened, err = open(config); return err }); err != nil {
			return registry.Sink{}, err
		}
		return registry.Sink{
			Send: func(records host.Records) ([]registry.Rejection, *registry.Stop) {
				rejected, err := headworks.Deliver(records, opened.Send)
				return rejected, stop(err)
			},
			Flush: func() *registry.Stop { return stop(registry.Guard(opened.Flush)) },
		}, nil
	}
}

func stop(err error) *registry.Stop {
	if err == nil {
		return nil
	}
	undelivered := headworks.AsUndelivered(err)
	wait := int64(undelivered.RetryMilliseconds)
	if undelivered.Never {
		wait = -1
	}
	return &registry.Stop{At: undelivered.At, Reason: undelivered.Reason, RetryMilliseconds: wait}
}
