// Package host is what the SDK asks of whoever runs the plugin: Headworks itself in a component, a double of it in unit
// tests. It owns the one reference to that host; nothing else in the SDK knows which of the two it talks to.
package host

// Cell is a field of a record as text; OK says whether the record has it.
type Cell struct {
	Text string
	OK   bool
}

// Time is seconds since 1970 and the nanoseconds within that second.
type Time struct {
	Seconds     int64
	Nanoseconds uint32
}

// Records are the records of one call, as the host keeps them. Values are of the types of the package headworks; nil is a
// field that the record lacks.
type Records interface {
	Len() int
	Names() []string
	Times() []Time
	TextColumn(name string) []Cell
	Column(name string) []any
	IsText(name string) bool
	Set(index int, name string, value any)
	SetTextColumn(name string, cells []Cell)
	SetColumn(name string, values []any)
	Fill(name string, value any)
	Rename(name, to string)
	RemoveColumn(name string)
	Select(indexes []int)
	Reject(index int, reason string)
}

// Request is an HTTP request as it leaves the plugin.
type Request struct {
	Method, URL         string
	Headers             [][2]string
	Body                []byte
	HTTP2               bool
	Redirects           uint8
	TimeoutMilliseconds uint32
	Proxy               string
	TLS                 *TLS
}

// TLS says how a connection is encrypted where the usual will not do.
type TLS struct {
	ServerName, Roots string
	Insecure          bool
}

// Response is an answer.
type Response struct {
	Status  int
	Headers [][2]string
	Body    []byte
}

// NetworkError is a request that was not answered.
type NetworkError struct{ Kind, Message string }

func (e *NetworkError) Error() string { return e.Message }

// StateError is state that could not be read or kept.
type StateError struct {
	Message string
	Full    bool
}

func (e *StateError) Error() string { return e.Message }

// Host is everything but the records.
type Host interface {
	Log(level, message string)
	Now() Time
	Random(length int) []byte
	StateGet(key string) ([]byte, bool, error)
	// A nil value removes the key.
	StateSet(key string, value []byte) error
	StateReplace(key string, expected, value []byte) (bool, error)
	StateKeys(prefix string) ([]string, error)
	Count(name string, by uint64)
	Gauge(name string, value float64)
	Secret(name string) (string, bool)
	Send(Request) (Response, error)
}

var current Host

// Use makes a host the one that is asked, and answers the one before.
func Use(host Host) (before Host) {
	before, current = current, host
	return before
}

// Current is the host that is asked. It panics outside a component and outside a test that has set up headworkstest.
func Current() Host {
	if current == nil {
		panic("there is no host here: in a unit test, use headworkstest.New")
	}
	return current
}
