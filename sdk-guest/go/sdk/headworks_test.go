package headworks_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"headworks"
	"headworks/forwarder"
	"headworks/headworkstest"
	"headworks/transformer"
)

type table struct {
	Name string `json:"name"`
	Size int    `json:"size" default:"3"`
}

type config struct {
	Field  string         `json:"field" minLength:"1" doc:"A field"`
	Ratio  float64        `json:"ratio" default:"0.5" minimum:"0" maximum:"1"`
	Mode   string         `json:"mode" default:"fast" enum:"fast|exact"`
	Tables []table        `json:"tables" default:"[]"`
	Limits map[string]int `json:"limits" default:"{}"`
	Note   *string        `json:"note,omitempty"`
}

func TestAConfigurationIsReadWithItsDefaults(t *testing.T) {
	read, err := headworks.ParseConfig[config](`{"field": "x", "ratio": 1, "tables": [{"name": "t"}], "limits": {"a": 2}}`)
	wanted := config{Field: "x", Ratio: 1, Mode: "fast", Tables: []table{{"t", 3}}, Limits: map[string]int{"a": 2}}
	if err != nil || !reflect.DeepEqual(read, wanted) {
		t.Fatal(read, err)
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	for text, wanted := range map[string]string{
		`{"field": ""}`:                                         "field: expected a text of at least 1 characters",
		`{"field": "x", "ratio": 2}`:                            "ratio: expected a number of at most 1",
		`{"field": "x", "ratio": true}`:                         "ratio: expected a number, not true",
		`{"field": "x", "mode": "slow"}`:                        `mode: expected "fast" or "exact"`,
		`{"field": "x", "tables": [{"name": "a"}, {"size":1}]}`: "tables[1].name: this setting is required",
		`{"field": "x", "limits": {"a": "b"}}`:                  "limits.a: expected a whole number",
		`{"field": "x", "note": 5}`:                             "note: expected a text",
		`{`:                                                     "the configuration is not JSON",
	} {
		if _, err := headworks.ParseConfig[config](text); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTheSchemaSaysWhatIsRead(t *testing.T) {
	schema := headworks.SchemaOf[config]()
	for _, part := range []string{
		`"required":["field"]`, `"additionalProperties":false`, `{"description":"A field","minLength":1,"type":"string"}`,
		`{"default":0.5,"maximum":1,"minimum":0,"type":"number"}`, `"enum":["fast","exact"]`,
	} {
		if !strings.Contains(schema, part) {
			t.Errorf("%s lacks %s", schema, part)
		}
	}
}

func register(transform transformer.Transform) {
	info := headworks.Info{Name: "test", Version: "0.1.0"}
	transformer.Register(info, func(struct{}) (transformer.Transform, error) { return transform, nil })
}

func TestServicesReachTheDoubleAndRejectedRecordsAreAnswered(t *testing.T) {
	register(func(batch *headworks.Batch) error {
		headworks.Count("seen_records_total", uint64(batch.Len()))
		headworks.Log.Warn("two\nlines", "n", 1)
		for event := range batch.Events() {
			if event.Text("n") == "1" {
				event.Reject("no ones")
			}
		}
		return headworks.SaveState("last", map[string]int{"count": batch.Len()})
	})
	host := headworkstest.New(t)
	answer, err := host.Transform("", headworkstest.Record{"n": "1"}, headworkstest.Record{"n": "2"})
	wanted := headworkstest.Answer{
		Records: []headworkstest.Record{{"n": "2"}}, Origins: []int{1}, Rejected: map[int]string{0: "no ones"},
	}
	if err != nil || !reflect.DeepEqual(answer, wanted) {
		t.Fatal(answer, err)
	}
	if host.Counters["seen_records_total"] != 2 || string(host.State["last"]) != `{"count":2}` {
		t.Fatal(host)
	}
	if !reflect.DeepEqual(host.Logged, [][2]string{{"warn", "two"}, {"warn", "lines n=1"}}) {
		t.Fatal(host.Logged)
	}
}

func TestAPanicIsAnError(t *testing.T) {
	register(func(batch *headworks.Batch) error { panic("no way") })
	host := headworkstest.New(t)
	if _, err := host.Transform("", headworkstest.Record{}); err == nil || !strings.HasPrefix(err.Error(), "panic: no way") {
		t.Fatal(err)
	}
	if len(host.Logged) < 2 {
		t.Fatal(host.Logged)
	}
}

// keeper keeps at most two records back.
type keeper struct{ late *headworks.Undelivered }

func (k keeper) Send(batch *headworks.Batch) error {
	if batch.Len() > 2 {
		return &headworks.Undelivered{At: 2, Reason: "full"}
	}
	return nil
}

func (k keeper) Flush() error {
	if k.late != nil {
		return k.late
	}
	return nil
}

func TestWhatIsKeptBackIsFlushed(t *testing.T) {
	refused := &headworks.Undelivered{At: 1, Reason: "refused"}
	for _, one := range []struct {
		records int
		late    *headworks.Undelivered
		reason  string
	}{{1, nil, ""}, {2, refused, "refused"}, {3, nil, "full"}, {3, refused, "refused"}} {
		info := headworks.Info{Name: "keeper", Version: "0.1.0"}
		targets := func(struct{}) ([]string, error) { return nil, nil }
		forwarder.Register(info, targets, func(struct{}) (forwarder.Sink, error) { return keeper{one.late}, nil })
		records := make([]headworkstest.Record, one.records)
		_, stopped, err := headworkstest.New(t).Deliver("", records...)
		reason := ""
		if stopped != nil {
			reason = stopped.Reason
		}
		if err != nil || reason != one.reason {
			t.Error(one, stopped, err)
		}
	}
}

func TestErrorsOfTheNetworkSayWhetherTryingAgainIsOfUse(t *testing.T) {
	for kind, never := range map[string]bool{"late": false, "unreachable": false, "denied": true, "invalid": true} {
		made := headworks.AsUndelivered(&headworks.NetworkError{Kind: kind, Message: "no"})
		if made.Never != never || made.Reason != "no" {
			t.Error(kind, made)
		}
	}
	if made := headworks.AsUndelivered(errors.New("broken")); !made.Never {
		t.Error(made)
	}
}

func TestNumbersAreRenderedAsTheHostRendersThem(t *testing.T) {
	for value, wanted := range map[float64]string{2.5: "2.5", 1: "1", 1e21: "1000000000000000000000", 1.5e-7: "0.00000015"} {
		if got := headworks.Render(value); got.Text != wanted {
			t.Error(got, wanted)
		}
	}
	if got := headworks.Render(math.Inf(-1)); got.Text != "-inf" {
		t.Error(got)
	}
}
