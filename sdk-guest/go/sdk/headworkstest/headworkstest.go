// Package headworkstest is a double of the host, for unit tests without Headworks.
//
//	host := headworkstest.New(t)
//	answer := host.Transform(`{"field": "level"}`, headworkstest.Record{"level": "info"})
//
// It answers as the real host does, except for limits. The plugin is what the package under test has registered.
package headworkstest

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"headworks"
	"headworks/internal/host"
	"headworks/internal/registry"
)

// Record is the fields of a record by name: string, bool, int64, float64, []byte, headworks.JSON or headworks.Null.
type Record map[string]any

// Host is the double. What a plugin did is in its members.
type Host struct {
	Secrets  map[string]string
	State    map[string][]byte
	Counters map[string]uint64
	Gauges   map[string]float64
	// Logged are level and message.
	Logged [][2]string
	// Time stands still.
	Time time.Time
	// Answers are what requests are answered with, in this order; 200 without a body when there are none left.
	Answers  []headworks.Response
	Requests []headworks.Request
	random   *rand.Rand
}

// New puts a double in place until the test ends.
func New(t testing.TB) *Host {
	double := &Host{
		Secrets: map[string]string{}, State: map[string][]byte{}, Counters: map[string]uint64{}, Gauges: map[string]float64{},
		Time: time.Unix(1_700_000_000, 0), random: rand.New(rand.NewSource(0)),
	}
	before := host.Use(asked{double})
	t.Cleanup(func() { host.Use(before) })
	return double
}

// Answer is what a transformer made of records.
type Answer struct {
	Records []Record
	// Origins are, per record, the index of the input record it was made from.
	Origins []int
	// Rejected is, by index of the input record, why it failed.
	Rejected map[int]string
}

// Transform opens the registered transformer and gives it records.
func (h *Host) Transform(config string, records ...Record) (Answer, error) {
	transform, err := registry.OpenTransformer(config)
	if err != nil {
		return Answer{}, err
	}
	held := newRecords(records, h.Time)
	if err := transform(held); err != nil {
		return Answer{}, err
	}
	answer := Answer{Rejected: held.rejected}
	for index, origin := range held.origins {
		if _, failed := held.rejected[origin]; !failed {
			answer.Records, answer.Origins = append(answer.Records, held.rows[index]), append(answer.Origins, origin)
		}
	}
	return answer, nil
}

// Deliver opens the registered forwarder, gives it records and flushes it. The error says where and why delivery ended.
func (h *Host) Deliver(config string, records ...Record) (rejected map[int]string, stopped *headworks.Undelivered, err error) {
	sink, err := registry.OpenForwarder(config)
	if err != nil {
		return nil, nil, err
	}
	rejections, stop := sink.Send(newRecords(records, h.Time))
	rejected = map[int]string{}
	for _, one := range rejections {
		rejected[one.Index] = one.Reason
	}
	if len(records) > 0 && (stop == nil || stop.At > 0) {
		if late := sink.Flush(); late != nil {
			stop = late
			maps.DeleteFunc(rejected, func(index int, _ string) bool { return index >= late.At })
		}
	}
	if stop != nil {
		stopped = &headworks.Undelivered{
			At: stop.At, Reason: stop.Reason, Never: stop.RetryMilliseconds < 0, RetryMilliseconds: uint32(max(0, stop.RetryMilliseconds)),
		}
	}
	return rejected, stopped, nil
}

// Subject is a document for Validate.
type Subject struct{ Kind, Scope, Name, Operation, Document, Previous, Principal string }

// Validate opens the registered validator and answers what it finds wrong: path, severity and message, with blanks between.
func (h *Host) Validate(config string, subject Subject) ([]string, error) {
	validate, err := registry.OpenValidator(config)
	if err != nil {
		return nil, err
	}
	whole := registry.Subject{
		Kind: subject.Kind, Scope: subject.Scope, Name: subject.Name, Operation: subject.Operation,
		Document: subject.Document, Principal: subject.Principal,
	}
	if subject.Previous != "" {
		whole.Previous = &subject.Previous
	}
	found, err := validate(whole)
	var answer []string
	for _, violation := range found {
		severity := "error"
		if violation.Warning {
			severity = "warning"
		}
		answer = append(answer, fmt.Sprintf("%s %s %s", violation.Path, severity, violation.Message))
	}
	return answer, err
}

type asked struct{ *Host }

func (h asked) Log(level, message string) { h.Logged = append(h.Logged, [2]string{level, message}) }
func (h asked) Now() host.Time {
	return host.Time{Seconds: h.Time.Unix(), Nanoseconds: uint32(h.Time.Nanosecond())}
}

func (h asked) Random(length int) []byte {
	bytes := make([]byte, length)
	h.random.Read(bytes)
	return bytes
}

func (h asked) StateGet(key string) ([]byte, bool, error) {
	value, ok := h.State[key]
	return value, ok, nil
}

func (h asked) StateSet(key string, value []byte) error {
	if value == nil {
		delete(h.State, key)
	} else {
		h.State[key] = slices.Clone(value)
	}
	return nil
}

func (h asked) StateReplace(key string, expected, value []byte) (bool, error) {
	present, ok := h.State[key]
	if ok != (expected != nil) || string(present) != string(expected) {
		return false, nil
	}
	return true, h.StateSet(key, value)
}

func (h asked) StateKeys(prefix string) ([]string, error) {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(h.State)), func(key string) bool { return !strings.HasPrefix(key, prefix) })
	return keys[:min(len(keys), 1000)], nil
}

func (h asked) Count(name string, by uint64)     { h.Counters[name] += by }
func (h asked) Gauge(name string, value float64) { h.Gauges[name] = value }

func (h asked) Secret(name string) (string, bool) {
	value, ok := h.Secrets[name]
	return value, ok
}

func (h asked) Send(request host.Request) (host.Response, error) {
	h.Requests = append(h.Requests, request)
	if len(h.Answers) == 0 {
		return host.Response{Status: 200}, nil
	}
	answer := h.Answers[0]
	h.Answers = h.Answers[1:]
	return answer, nil
}
