// Lets so many records of a kind pass in a window of time. What passed is in the plugin's state: all instances count together,
// and a restart forgets nothing.
package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"headworks"
	"headworks/transformer"
)

// Config is the configuration of the plugin.
type Config struct {
	Key    []string `json:"key" minItems:"1" doc:"The fields whose values make a kind"`
	Most   int      `json:"most" default:"100" minimum:"1" doc:"The most records of a kind in a window"`
	Window int      `json:"window_seconds" default:"60" minimum:"1" maximum:"86400" doc:"How long a window is"`
	Count  string   `json:"count_field,omitempty" doc:"The field of the next record that passes, for how many did not before it"`
}

// window is what is remembered of a kind.
type window struct {
	Start   int64 `json:"start"`
	Passed  int   `json:"passed"`
	Dropped int   `json:"dropped"`
}

const attempts = 10

func init() {
	info := headworks.Info{Name: "throttle", Version: "0.1.0", Summary: "Lets so many records of a kind pass in a window of time"}
	transformer.Register(info, open)
}

func open(config Config) (transformer.Transform, error) {
	return func(batch *headworks.Batch) error {
		kinds, order := map[string][]headworks.Event{}, []string{}
		for event := range batch.Events() {
			kind := kindOf(event, config.Key)
			if kinds[kind] == nil {
				order = append(order, kind)
			}
			kinds[kind] = append(kinds[kind], event)
		}
		for _, kind := range order {
			if err := config.throttle(kind, kinds[kind]); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// kindOf is a key of the state: short, whatever the values are.
func kindOf(event headworks.Event, fields []string) string {
	sum := fnv.New64a()
	for _, field := range fields {
		text, ok := event.Get(field)
		fmt.Fprintf(sum, "%t%d:%s", ok, len(text), text)
	}
	return "kind-" + strconv.FormatUint(sum.Sum64(), 16)
}

// throttle drops the events that are too many. Other instances may count the same kind at the same time: what was read has
// to be what is replaced.
func (c Config) throttle(kind string, events []headworks.Event) error {
	for range attempts {
		before, _, err := headworks.GetState(kind)
		if err != nil {
			return err
		}
		var seen window
		if before != nil {
			if err := json.Unmarshal(before, &seen); err != nil {
				return err
			}
		}
		dropped := seen.Dropped
		if start := time.Now().Unix() / int64(c.Window) * int64(c.Window); seen.Start != start {
			seen = window{Start: start, Dropped: seen.Dropped}
		}
		passing := max(0, min(len(events), c.Most-seen.Passed))
		seen.Passed += passing
		if passing > 0 {
			seen.Dropped = 0
		}
		seen.Dropped += len(events) - passing
		after, err := json.Marshal(seen)
		if err != nil {
			return err
		}
		replaced, err := headworks.ReplaceState(kind, before, after)
		if err != nil {
			return err
		}
		if replaced {
			c.drop(events, passing, dropped)
			return nil
		}
	}
	return fmt.Errorf("the count of %s changed %d times while it was read", kind, attempts)
}

func (c Config) drop(events []headworks.Event, passing, before int) {
	if c.Count != "" && passing > 0 && before > 0 {
		events[0].Set(c.Count, strconv.Itoa(before))
	}
	for _, event := range events[passing:] {
		event.Drop()
	}
	if dropped := len(events) - passing; dropped > 0 {
		headworks.Count("throttled_records_total", uint64(dropped))
	}
}

func main() {}
