// Package component is the host as a component sees it: the generated bindings behind the interfaces of package host.
package component

import (
	"log/slog"

	"headworks"
	"headworks/internal/bindings/batches"
	"headworks/internal/bindings/clock"
	"headworks/internal/bindings/log"
	"headworks/internal/bindings/metrics"
	"headworks/internal/bindings/random"
	"headworks/internal/bindings/secrets"
	"headworks/internal/bindings/state"
	"headworks/internal/host"
	witTypes "headworks/internal/wit/types"
)

// Sender sends requests; the forwarder's world sets it.
var Sender = func(host.Request) (host.Response, error) {
	return host.Response{}, &host.NetworkError{Kind: "denied", Message: "only forwarders send requests"}
}

func init() {
	host.Use(component{})
	slog.SetDefault(headworks.Log)
}

var levels = map[string]log.Level{
	"trace": log.Level_Trace, "debug": log.Level_Debug, "info": log.Level_Info, "warn": log.Level_Warn, "error": log.Level_Error,
}

type component struct{}

func (component) Log(level, message string) { log.Write(levels[level], message) }

func (component) Now() host.Time {
	now := clock.Now()
	return host.Time{Seconds: now.Seconds, Nanoseconds: now.Nanoseconds}
}

func (component) Random(length int) []byte { return random.Bytes(uint32(length)) }

func stateError(err state.StateError) error {
	if err.Tag() == state.StateError_Full {
		return &host.StateError{Message: err.Full(), Full: true}
	}
	return &host.StateError{Message: err.Failed()}
}

func optional(value []byte) witTypes.Option[[]uint8] {
	if value == nil {
		return witTypes.None[[]uint8]()
	}
	return witTypes.Some(value)
}

func (component) StateGet(key string) ([]byte, bool, error) {
	answer := state.Get(key)
	if answer.IsErr() {
		return nil, false, stateError(answer.Err())
	}
	value := answer.Ok()
	return value.SomeOr(nil), value.IsSome(), nil
}

func (component) StateSet(key string, value []byte) error {
	if answer := state.Set(key, optional(value)); answer.IsErr() {
		return stateError(answer.Err())
	}
	return nil
}

func (component) StateReplace(key string, expected, value []byte) (bool, error) {
	answer := state.Replace(key, optional(expected), optional(value))
	if answer.IsErr() {
		return false, stateError(answer.Err())
	}
	return answer.Ok(), nil
}

func (component) StateKeys(prefix string) ([]string, error) {
	answer := state.Keys(prefix)
	if answer.IsErr() {
		return nil, stateError(answer.Err())
	}
	return answer.Ok(), nil
}

func (component) Count(name string, by uint64)     { metrics.Count(name, by) }
func (component) Gauge(name string, value float64) { metrics.Gauge(name, value) }

func (component) Secret(name string) (string, bool) {
	value := secrets.Get(name)
	return value.SomeOr(""), value.IsSome()
}

func (component) Send(request host.Request) (host.Response, error) { return Sender(request) }

// Records is the batch resource of a call.
type Records struct{ Batch *batches.Batch }

func (r Records) Len() int        { return int(r.Batch.Len()) }
func (r Records) Names() []string { return r.Batch.Names() }

func (r Records) Times() []host.Time {
	times := r.Batch.Times()
	answer := make([]host.Time, len(times))
	for index, time := range times {
		answer[index] = host.Time{Seconds: time.Seconds, Nanoseconds: time.Nanoseconds}
	}
	return answer
}

func (r Records) TextColumn(name string) []host.Cell {
	column := r.Batch.TextColumn(name)
	cells := make([]host.Cell, len(column))
	for index, text := range column {
		cells[index] = host.Cell{Text: text.SomeOr(""), OK: text.IsSome()}
	}
	return cells
}

func (r Records) SetTextColumn(name string, cells []host.Cell) {
	column := make([]witTypes.Option[string], len(cells))
	for index, cell := range cells {
		if cell.OK {
			column[index] = witTypes.Some(cell.Text)
		}
	}
	r.Batch.SetTextColumn(name, column)
}

func (r Records) Column(name string) []any {
	column := r.Batch.Column(name)
	values := make([]any, len(column))
	for index, value := range column {
		if value.IsSome() {
			values[index] = lift(value.Some())
		}
	}
	return values
}

func (r Records) SetColumn(name string, values []any) {
	column := make([]witTypes.Option[batches.Value], len(values))
	for index, value := range values {
		column[index] = lowered(value)
	}
	r.Batch.SetColumn(name, column)
}

func (r Records) IsText(name string) bool {
	const text = 4 // the number of this kind in flat lists
	for _, kind := range r.Batch.TakeFields([]string{name}).Kinds {
		if kind != text {
			return false
		}
	}
	return true
}

func (r Records) Set(index int, name string, value any) {
	r.Batch.Set(uint32(index), name, lowered(value))
}
func (r Records) Fill(name string, value any)     { r.Batch.Fill(name, lower(value)) }
func (r Records) Rename(name, to string)          { r.Batch.Rename(name, to) }
func (r Records) RemoveColumn(name string)        { r.Batch.RemoveColumn(name) }
func (r Records) Reject(index int, reason string) { r.Batch.Reject(uint32(index), reason) }

func (r Records) Select(indexes []int) {
	wanted := make([]uint32, len(indexes))
	for at, index := range indexes {
		wanted[at] = uint32(index)
	}
	r.Batch.Select(wanted)
}

func lift(value batches.Value) any {
	switch value.Tag() {
	case batches.Value_Boolean:
		return value.Boolean()
	case batches.Value_Integer:
		return value.Integer()
	case batches.Value_Float:
		return value.Float()
	case batches.Value_Text:
		return value.Text()
	case batches.Value_Bytes:
		return value.Bytes()
	case batches.Value_Json:
		return headworks.JSON(value.Json())
	}
	return headworks.Null{}
}

func lowered(value any) witTypes.Option[batches.Value] {
	if value == nil {
		return witTypes.None[batches.Value]()
	}
	return witTypes.Some(lower(value))
}

func lower(value any) batches.Value {
	switch value := value.(type) {
	case bool:
		return batches.MakeValueBoolean(value)
	case int64:
		return batches.MakeValueInteger(value)
	case float64:
		return batches.MakeValueFloat(value)
	case string:
		return batches.MakeValueText(value)
	case []byte:
		return batches.MakeValueBytes(value)
	case headworks.JSON:
		return batches.MakeValueJson(string(value))
	}
	return batches.MakeValueNull()
}
