// Replaces what tells who a person is by a pseudonym: the same for the same value, and of no use without the secret.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"

	"headworks"
	"headworks/transformer"
)

// Config is the configuration of the plugin.
type Config struct {
	Fields []string `json:"fields" default:"[]" doc:"Fields whose whole value is replaced"`
	Texts  []string `json:"texts" default:"[\"message\"]" doc:"Fields in whose text addresses and users are replaced"`
	Kinds  []string `json:"kinds" default:"[\"email\", \"ipv4\", \"user\"]" doc:"What is replaced in texts"`
}

var patterns = map[string]*regexp.Regexp{
	"email": regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`),
	"ipv4":  regexp.MustCompile(`\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b`),
	// As sshd, sudo and su name users.
	"user": regexp.MustCompile(`(?i)\b(?:invalid user|user|for|ruser=|user=)\s*([a-z_][a-z0-9_.-]*)\b`),
}

// Words that follow "user" or "for" and name no person.
var words = map[string]bool{"invalid": true, "unknown": true, "from": true, "illegal": true, "root": true, "user": true, "on": true}

const length = 10

type masker struct {
	Config
	key []byte
}

func init() {
	info := headworks.Info{
		Name: "pseudonyms", Version: "0.1.0", Summary: "Replaces what tells who a person is by pseudonyms",
		Grants: []string{"secret:pseudonym-key"},
	}
	transformer.Register(info, open)
}

func open(config Config) (transformer.Transform, error) {
	for index, kind := range config.Kinds {
		if patterns[kind] == nil {
			return nil, headworks.InvalidConfig("kinds[%d]: there is no kind %q; there are email, ipv4 and user", index, kind)
		}
	}
	key, ok := headworks.Secret("pseudonym-key")
	if !ok || len(key) < 16 {
		return nil, headworks.InvalidConfig("the secret pseudonym-key has to be granted and at least 16 bytes long")
	}
	return (&masker{config, []byte(key)}).transform, nil
}

func (m *masker) transform(batch *headworks.Batch) error {
	for _, field := range m.Fields {
		m.column(batch, field, func(text string) string { return m.pseudonym("field", text) })
	}
	for _, field := range m.Texts {
		m.column(batch, field, m.masked)
	}
	return nil
}

func (m *masker) column(batch *headworks.Batch, field string, change func(string) string) {
	cells := batch.Column(field)
	for index, cell := range cells {
		if cell.OK {
			cells[index].Text = change(cell.Text)
		}
	}
	batch.SetColumn(field, cells)
}

func (m *masker) masked(text string) string {
	for _, kind := range m.Kinds {
		var made strings.Builder
		end := 0
		for _, match := range patterns[kind].FindAllStringSubmatchIndex(text, -1) {
			from, to := match[len(match)-2], match[len(match)-1]
			if words[strings.ToLower(text[from:to])] {
				continue
			}
			made.WriteString(text[end:from] + m.pseudonym(kind, text[from:to]))
			end = to
		}
		text = made.String() + text[end:]
	}
	return text
}

// pseudonym is the same for the same value, whatever its case.
func (m *masker) pseudonym(kind, value string) string {
	sum := hmac.New(sha256.New, m.key)
	sum.Write([]byte(kind + "\x00" + strings.ToLower(value)))
	return kind + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum.Sum(nil))[:length])
}

func main() {}
