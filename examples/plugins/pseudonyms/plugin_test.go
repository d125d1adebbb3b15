package main

import (
	"strings"
	"testing"

	"headworks/headworkstest"
)

func masked(t *testing.T, key, text string) string {
	t.Helper()
	host := headworkstest.New(t)
	host.Secrets["pseudonym-key"] = key
	answer, err := host.Transform("", headworkstest.Record{"message": text})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Records[0]["message"].(string)
}

func TestPseudonymsDependOnTheSecretAndTheValueOnly(t *testing.T) {
	one := masked(t, "0123456789abcdef", "mail from Ann@example.com and ann@example.com")
	words := strings.Fields(one)
	if words[2] != words[4] || strings.Contains(one, "example.com") {
		t.Fatal(one)
	}
	if other := masked(t, "0123456789abcdeF", "mail from Ann@example.com and ann@example.com"); other == one {
		t.Fatal("another secret gives the same pseudonyms")
	}
}

func TestWordsAreNotUsers(t *testing.T) {
	text := "check pass; user unknown"
	if got := masked(t, "0123456789abcdef", text); got != text {
		t.Fatal(got)
	}
}

func TestWithoutASecretThereIsNothing(t *testing.T) {
	if _, err := headworkstest.New(t).Transform("", headworkstest.Record{}); err == nil {
		t.Fatal("opened")
	}
}
