package headworks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"headworks/internal/host"
)

// StateError is state that could not be read or kept. Full says that a key, a value or all of them together exceed a limit.
type StateError = host.StateError

// GetState is a value of this plugin in this tenant, and whether it is there. Values are shared by all instances and
// versions of the plugin, and survive a restart. The error is a *StateError, as of all functions of state.
func GetState(key string) (value []byte, ok bool, err error) { return host.Current().StateGet(key) }

// SetState keeps a value. A nil value removes the key.
func SetState(key string, value []byte) error { return host.Current().StateSet(key, value) }

// ReplaceState sets a value if the present one is expected (nil: there is none), and answers whether it was.
func ReplaceState(key string, expected, value []byte) (bool, error) {
	return host.Current().StateReplace(key, expected, value)
}

// StateKeys are the keys that begin with a text, in ascending order, at most a thousand.
func StateKeys(prefix string) ([]string, error) { return host.Current().StateKeys(prefix) }

// LoadState reads a value as JSON into what target points to, and answers whether it is there.
func LoadState(key string, target any) (ok bool, err error) {
	value, ok, err := GetState(key)
	if err != nil || !ok {
		return false, err
	}
	return true, json.Unmarshal(value, target)
}

// SaveState keeps a value, written as JSON.
func SaveState(key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return SetState(key, text)
}

// Count adds to a counter of the plugin. A name is lower-case words with underscores, with its unit at the end.
func Count(name string, by uint64) { host.Current().Count(name, by) }

// Gauge sets a gauge of the plugin.
func Gauge(name string, value float64) { host.Current().Gauge(name, value) }

// Secret is a secret of the tenant; not ok where it is not granted (secret:NAME) or not set.
func Secret(name string) (value string, ok bool) { return host.Current().Secret(name) }

// Log writes to the plugin's log. It is what log/slog uses inside a component too; what package log and the print functions
// write arrives there as well.
var Log = slog.New(handler{})

type handler struct {
	attributes string
	group      string
}

func (handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(_ context.Context, record slog.Record) error {
	var text strings.Builder
	text.WriteString(record.Message)
	text.WriteString(h.attributes)
	record.Attrs(func(attribute slog.Attr) bool {
		fmt.Fprintf(&text, " %s%s=%s", h.group, attribute.Key, attribute.Value)
		return true
	})
	level := "trace"
	switch {
	case record.Level >= slog.LevelError:
		level = "error"
	case record.Level >= slog.LevelWarn:
		level = "warn"
	case record.Level >= slog.LevelInfo:
		level = "info"
	case record.Level >= slog.LevelDebug:
		level = "debug"
	}
	for line := range strings.SplitSeq(text.String(), "\n") {
		host.Current().Log(level, line)
	}
	return nil
}

func (h handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	for _, attribute := range attributes {
		h.attributes += fmt.Sprintf(" %s%s=%s", h.group, attribute.Key, attribute.Value)
	}
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	h.group += name + "."
	return h
}

// Request is an HTTP request of a forwarder.
type Request = host.Request

// Response is an answer, whatever its status.
type Response = host.Response

// TLS says how a connection is encrypted where the usual will not do.
type TLS = host.TLS

// NetworkError is a request that was not answered. Kind is denied, invalid, unreachable, untrusted, late or protocol.
type NetworkError = host.NetworkError

// Send sends a request and waits for the answer, 30 seconds where the request says nothing else. The error is a
// *NetworkError. Forwarders only.
func Send(request Request) (Response, error) {
	if request.TimeoutMilliseconds == 0 {
		request.TimeoutMilliseconds = 30_000
	}
	return host.Current().Send(request)
}

// PostJSON sends a document with POST. Headers are further ones, as pairs.
func PostJSON(url string, document any, headers ...[2]string) (Response, error) {
	body, err := json.Marshal(document)
	if err != nil {
		return Response{}, err
	}
	headers = append([][2]string{{"content-type", "application/json"}}, headers...)
	return Send(Request{Method: "POST", URL: url, Headers: headers, Body: body})
}

// Undelivered is an error of a forwarder: records from At on (an index in the batch) were not delivered.
type Undelivered struct {
	At     int
	Reason string
	// RetryMilliseconds is how long to wait before the next attempt. Never says that trying again is of no use.
	RetryMilliseconds uint32
	Never             bool
}

func (u *Undelivered) Error() string { return u.Reason }

// AsUndelivered makes of any error of a forwarder what the host is told. It is for the packages of this SDK.
func AsUndelivered(err error) *Undelivered {
	var undelivered *Undelivered
	if errors.As(err, &undelivered) {
		return undelivered
	}
	var network *NetworkError
	if errors.As(err, &network) {
		never := network.Kind == "denied" || network.Kind == "invalid"
		return &Undelivered{Reason: network.Message, RetryMilliseconds: 1000, Never: never}
	}
	return &Undelivered{Reason: err.Error(), Never: true}
}

// Info is who a plugin is.
type Info struct {
	// Name is lower-case words with hyphens.
	Name string
	// Version is a semantic version.
	Version string
	// Summary is one line.
	Summary string
	// Grants are what the plugin asks for, such as secret:token.
	Grants []string
}
