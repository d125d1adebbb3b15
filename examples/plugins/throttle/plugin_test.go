package main

import (
	"testing"

	"headworks/headworkstest"
)

func TestWhatPassedIsRememberedFromCallToCall(t *testing.T) {
	host := headworkstest.New(t)
	record := headworkstest.Record{"host": "a"}
	passed := 0
	for range 3 {
		answer, err := host.Transform(`{"key": ["host"], "most": 3, "window_seconds": 86400}`, record, record)
		if err != nil {
			t.Fatal(err)
		}
		passed += len(answer.Records)
	}
	if passed != 3 || host.Counters["throttled_records_total"] != 3 {
		t.Fatal(passed, host.Counters)
	}
}

func TestAFieldThatIsMissingIsAKindOfItsOwn(t *testing.T) {
	host := headworkstest.New(t)
	answer, err := host.Transform(`{"key": ["host"], "most": 1, "window_seconds": 86400}`,
		headworkstest.Record{}, headworkstest.Record{"host": ""}, headworkstest.Record{"host": "a"}, headworkstest.Record{})
	if err != nil || len(answer.Records) != 3 {
		t.Fatal(answer, err)
	}
}
