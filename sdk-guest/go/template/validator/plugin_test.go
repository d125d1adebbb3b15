package main

import (
	"testing"

	"headworks/headworkstest"
)

func TestLongNamesAreRefused(t *testing.T) {
	host := headworkstest.New(t)
	for name, count := range map[string]int{"mouse": 0, "elephant": 1} {
		found, err := host.Validate(`{"longest": 5}`, headworkstest.Subject{Kind: "pipeline", Name: name, Operation: "create"})
		if err != nil || len(found) != count {
			t.Fatal(name, found, err)
		}
	}
}
