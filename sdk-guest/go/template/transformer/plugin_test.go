package main

import (
	"testing"

	"headworks/headworkstest"
)

func TestTheFieldIsUpperCased(t *testing.T) {
	answer, err := headworkstest.New(t).Transform(`{"field": "level"}`, headworkstest.Record{"level": "info"})
	if err != nil || answer.Records[0]["level"] != "INFO" {
		t.Fatal(answer, err)
	}
}
