// Does what sdk-guest/conformance/vectors.json asks for, with every part of the SDK.
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"headworks"
	"headworks/transformer"
)

// Step is one thing to do.
type Step struct {
	Do       string  `json:"do"`
	Field    string  `json:"field,omitempty"`
	To       string  `json:"to,omitempty"`
	Value    any     `json:"value,omitempty"`
	Indexes  []int   `json:"indexes,omitempty"`
	Key      string  `json:"key,omitempty"`
	Expected string  `json:"expected,omitempty"`
	If       *string `json:"if,omitempty"`
	Is       string  `json:"is,omitempty"`
}

// Config is what to do.
type Config struct {
	Steps []Step `json:"steps"`
}

func init() {
	info := headworks.Info{
		Name: "conformance", Version: "0.1.0", Summary: "Does what the vectors ask for", Grants: []string{"secret:token"},
	}
	transformer.Register(info, open)
}

func (s Step) text() string {
	text, _ := s.Value.(string)
	return text
}

// value is the value with its kind: JSON has no whole numbers.
func (s Step) value() any {
	if number, ok := s.Value.(float64); ok && number == math.Trunc(number) {
		return int64(number)
	}
	return s.Value
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "none"
	case string:
		return "text"
	case int64:
		return "integer"
	case float64:
		return "float"
	case bool:
		return "boolean"
	case headworks.JSON:
		return "json"
	case []byte:
		return "bytes"
	}
	return "null"
}

func clock() string {
	first, second := time.Now(), time.Now()
	if first.Year() >= 2025 && !second.Before(first) && second.Sub(first) < 5*time.Second {
		return "ok"
	}
	return fmt.Sprint(first, second)
}

func entropy() string {
	one, other := make([]byte, 16), make([]byte, 16)
	rand.Read(one)
	rand.Read(other)
	if !bytes.Equal(one, other) && !bytes.Equal(one, make([]byte, 16)) {
		return "ok"
	}
	return fmt.Sprint(one, other)
}

func full() string {
	var problem *headworks.StateError
	err := headworks.SetState("large", make([]byte, 1<<17))
	switch {
	case err == nil:
		return "kept"
	case errors.As(err, &problem) && problem.Full:
		return "full"
	}
	return err.Error()
}

func found(key string) string {
	value, ok, err := headworks.GetState(key)
	if err != nil {
		panic(err)
	}
	if !ok {
		return "none"
	}
	return string(value)
}

func secret(name string) string {
	if value, ok := headworks.Secret(name); ok {
		return value
	}
	return "none"
}

func replaced(key string, expected, value []byte) string {
	done, err := headworks.ReplaceState(key, expected, value)
	if err != nil {
		panic(err)
	}
	return strconv.FormatBool(done)
}

type batchStep func(batch *headworks.Batch, step Step) error

func filled(text func(step Step) string) batchStep {
	return func(batch *headworks.Batch, step Step) error {
		batch.Fill(step.Field, text(step))
		return nil
	}
}

var batchSteps = map[string]batchStep{
	"upper": func(batch *headworks.Batch, step Step) error {
		cells := batch.Column(step.Field)
		for index := range cells {
			cells[index].Text = strings.ToUpper(cells[index].Text)
		}
		batch.SetColumn(step.Field, cells)
		return nil
	},
	"kind": func(batch *headworks.Batch, step Step) error {
		values := batch.Values(step.Field)
		for index, value := range values {
			values[index] = kindOf(value)
		}
		batch.SetValues(step.To, values)
		return nil
	},
	"select": func(batch *headworks.Batch, step Step) error { batch.Select(step.Indexes); return nil },
	"fill":   func(batch *headworks.Batch, step Step) error { batch.Fill(step.Field, step.value()); return nil },
	"rename": func(batch *headworks.Batch, step Step) error { batch.Rename(step.Field, step.To); return nil },
	"delete": func(batch *headworks.Batch, step Step) error { batch.Remove(step.Field); return nil },
	"batch-names": func(batch *headworks.Batch, step Step) error {
		batch.Fill(step.Field, strings.Join(slices.Sorted(slices.Values(batch.Names())), ","))
		return nil
	},
	"count": func(batch *headworks.Batch, step Step) error {
		batch.Fill(step.Field, strconv.Itoa(batch.Len()))
		return nil
	},
	"clock":     filled(func(Step) string { return clock() }),
	"random":    filled(func(Step) string { return entropy() }),
	"state-get": filled(func(step Step) string { return found(step.Key) }),
	"state-set": func(_ *headworks.Batch, step Step) error {
		return headworks.SetState(step.Key, []byte(step.text()))
	},
	"state-delete": func(_ *headworks.Batch, step Step) error { return headworks.SetState(step.Key, nil) },
	"state-keys": func(batch *headworks.Batch, step Step) error {
		keys, err := headworks.StateKeys(step.Key)
		batch.Fill(step.Field, strings.Join(keys, ","))
		return err
	},
	"state-replace": filled(func(step Step) string { return replaced(step.Key, []byte(step.Expected), []byte(step.text())) }),
	"state-create":  filled(func(step Step) string { return replaced(step.Key, nil, []byte(step.text())) }),
	"state-full":    filled(func(Step) string { return full() }),
	"secret":        filled(func(step Step) string { return secret(step.Key) }),
	"observe": func(_ *headworks.Batch, step Step) error {
		headworks.Count("conformance_steps_total", 2)
		headworks.Gauge("conformance_level_ratio", 0.5)
		slog.Warn(step.text(), "umlaut", "ü")
		log.Print(step.text())
		fmt.Println(step.text())
		return nil
	},
	"fail":  func(_ *headworks.Batch, step Step) error { return errors.New(step.text()) },
	"crash": func(batch *headworks.Batch, step Step) error { return errors.New(step.Field[9:]) },
}

var eventSteps = map[string]func(event headworks.Event, step Step){
	"event-upper": func(event headworks.Event, step Step) {
		if text, ok := event.Get(step.Field); ok {
			event.Set(step.Field, strings.ToUpper(text))
		}
	},
	"text": func(event headworks.Event, step Step) {
		if text, ok := event.Get(step.Field); ok {
			event.Set(step.To, text)
		}
	},
	"time": func(event headworks.Event, step Step) {
		answer := event.Time().String()
		if since := time.Since(event.Time()); since < 24*time.Hour && since > -24*time.Hour {
			answer = "ok"
		}
		event.Set(step.Field, answer)
	},
	"copy":      func(event headworks.Event, step Step) { event.Copy().Set(step.Field, "1") },
	"set":       func(event headworks.Event, step Step) { event.Set(step.Field, step.value()) },
	"set-null":  func(event headworks.Event, step Step) { event.Set(step.Field, headworks.Null{}) },
	"set-bytes": func(event headworks.Event, step Step) { event.Set(step.Field, []byte{0xff, 0x41}) },
	"remove":    func(event headworks.Event, step Step) { event.Remove(step.Field) },
	"names": func(event headworks.Event, step Step) {
		event.Set(step.Field, strings.Join(slices.Sorted(slices.Values(event.Names())), ","))
	},
	"drop":   func(event headworks.Event, _ Step) { event.Drop() },
	"reject": func(event headworks.Event, step Step) { event.Reject(step.text()) },
	"chars": func(event headworks.Event, step Step) {
		event.Set(step.To, strconv.Itoa(len([]rune(event.Text(step.Field)))))
	},
	"reverse": func(event headworks.Event, step Step) {
		runes := []rune(event.Text(step.Field))
		slices.Reverse(runes)
		event.Set(step.To, string(runes))
	},
}

func open(config Config) (transformer.Transform, error) {
	for index, step := range config.Steps {
		if batchSteps[step.Do] == nil && eventSteps[step.Do] == nil {
			return nil, headworks.InvalidConfig("steps[%d].do: there is no step %s", index, step.Do)
		}
	}
	return func(batch *headworks.Batch) error {
		for _, step := range config.Steps {
			if work := batchSteps[step.Do]; work != nil {
				if err := work(batch, step); err != nil {
					return err
				}
				continue
			}
			for _, event := range slices.Collect(batch.Events()) {
				if step.If == nil || event.Text(*step.If) == step.Is {
					eventSteps[step.Do](event, step)
				}
			}
		}
		return nil
	}, nil
}

func main() {}
