package main

import (
	"testing"

	"headworks"
	"headworks/headworkstest"
)

func TestRecordsArePosted(t *testing.T) {
	host := headworkstest.New(t)
	host.Answers = []headworks.Response{{Status: 204}, {Status: 422}}
	rejected, stopped, err := host.Deliver(`{"url": "https://example.com/in"}`,
		headworkstest.Record{"message": "one"}, headworkstest.Record{"message": "two"})
	if err != nil || stopped != nil || rejected[1] == "" {
		t.Fatal(rejected, stopped, err)
	}
	if body := string(host.Requests[0].Body); body != `{"message":"one"}` {
		t.Fatal(body)
	}
}
