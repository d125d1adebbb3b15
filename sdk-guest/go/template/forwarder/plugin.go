// Posts each record as JSON.
package main

import (
	"fmt"
	"maps"
	"net/url"

	"headworks"
	"headworks/forwarder"
)

// Config is the configuration of the plugin.
type Config struct {
	URL string `json:"url" pattern:"^https?://[^/]+" doc:"Where each record is posted to, as JSON"`
}

func init() {
	info := headworks.Info{
		Name: "{{name}}", Version: "0.1.0", Summary: "Posts each record as JSON",
		Grants: []string{"http://*:*", "https://*:*"},
	}
	forwarder.Register(info, targets, func(config Config) (forwarder.Sink, error) { return sink(config), nil })
}

func targets(config Config) ([]string, error) {
	where, err := url.Parse(config.URL)
	if err != nil {
		return nil, headworks.InvalidConfig("url: %v", err)
	}
	port := where.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[where.Scheme]
	}
	return []string{fmt.Sprintf("%s://%s:%s", where.Scheme, where.Hostname(), port)}, nil
}

type sink Config

func (s sink) Send(batch *headworks.Batch) error {
	for event := range batch.Events() {
		answer, err := headworks.PostJSON(s.URL, maps.Collect(event.All()))
		if err != nil {
			return err
		}
		switch answer.Status {
		case 200, 201, 202, 204:
		case 400, 413, 422:
			event.Reject(fmt.Sprintf("the target answers %d", answer.Status))
		default:
			reason := fmt.Sprintf("the target answers %d", answer.Status)
			return &headworks.Undelivered{At: event.Index(), Reason: reason, RetryMilliseconds: 5000}
		}
	}
	return nil
}

func (sink) Flush() error { return nil }

func main() {}
