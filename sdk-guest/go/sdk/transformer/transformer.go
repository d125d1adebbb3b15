// Package transformer registers plugins that map records to records.
package transformer

import (
	"errors"

	"headworks"
	"headworks/internal/host"
	"headworks/internal/registry"
)

// Transform changes a batch. An error fails every record of it; use Event.Reject for one record.
type Transform func(batch *headworks.Batch) error

// Register registers the plugin of this program; call it in init. open is called with each configuration; what is
// expensive belongs there. An error of headworks.InvalidConfig is shown to the configuration's author as it is.
func Register[C any](info headworks.Info, open func(config C) (Transform, error)) {
	registry.Who = registry.Description{
		Name: info.Name, Version: info.Version, Summary: info.Summary, Grants: info.Grants,
		ConfigSchema: headworks.SchemaOf[C](),
	}
	registry.OpenTransformer = func(text string) (transform registry.Transform, err error) {
		config, err := headworks.ParseConfig[C](text)
		if err != nil {
			return nil, err
		}
		var opened Transform
		if err = registry.Guard(func() error { opened, err = open(config); return err }); err != nil {
			return nil, err
		}
		if opened == nil {
			return nil, errors.New("open answered no function")
		}
		return func(records host.Records) error { return headworks.Transform(records, opened) }, nil
	}
}
