// Package registry holds the plugin that the author's code has registered, and makes errors of its panics.
package registry

import (
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"runtime/debug"
	"strings"

	"headworks/internal/host"
)

// Description is who the plugin is.
type Description struct {
	Name, Version, Summary, ConfigSchema string
	Grants                               []string
}

// InvalidConfig is a configuration that cannot be used. The text is shown to its author as it is.
type InvalidConfig struct{ Message string }

func (e *InvalidConfig) Error() string { return e.Message }

// Stop says where and why delivery ended. RetryMilliseconds is negative where it is of no use to try again.
type Stop struct {
	At                int
	Reason            string
	RetryMilliseconds int64
}

// Rejection is a record that the target will never take.
type Rejection struct {
	Index  int
	Reason string
}

// Subject is a document as it comes from the host.
type Subject struct {
	Kind, Scope, Name, Operation, Document string
	Previous                               *string
	Principal                              string
}

// Violation is what is wrong with a document.
type Violation struct {
	Path, Message string
	Warning       bool
}

// Transform maps records.
type Transform func(host.Records) error

// Sink is an opened forwarder.
type Sink struct {
	Send  func(host.Records) ([]Rejection, *Stop)
	Flush func() *Stop
}

// Validate judges a document.
type Validate func(Subject) ([]Violation, error)

// What the author's code has registered; those of other worlds are nil.
var (
	Who             Description
	OpenTransformer func(config string) (Transform, error)
	OpenForwarder   func(config string) (Sink, error)
	Targets         func(config string) ([]string, error)
	OpenValidator   func(config string) (Validate, error)
)

// Guard calls work and makes an error of a panic: it names the line of the author's code, and the stack goes to the log.
func Guard(work func() error) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = explained(problem)
		}
	}()
	return work()
}

func explained(problem any) error {
	message := fmt.Sprint(problem)
	log := host.Current()
	log.Log("error", "panic: "+message)
	for _, line := range strings.Split(strings.TrimSpace(string(debug.Stack())), "\n") {
		log.Log("error", line)
	}
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		if name := frame.Function; name != "" && !strings.HasPrefix(name, "runtime.") && !strings.HasPrefix(name, "headworks") {
			return fmt.Errorf("panic: %s (%s, line %d)", message, path.Base(frame.File), frame.Line)
		}
		if !more {
			return fmt.Errorf("panic: %s", message)
		}
	}
}

// Text is a document of a configuration; nothing at all is an empty object.
func Text(config string) string {
	if strings.TrimSpace(config) == "" {
		return "{}"
	}
	return config
}

// Valid says whether a text is JSON at all.
func Valid(text string) error {
	var any json.RawMessage
	if err := json.Unmarshal([]byte(text), &any); err != nil {
		return &InvalidConfig{"the configuration is not JSON: " + err.Error()}
	}
	return nil
}
