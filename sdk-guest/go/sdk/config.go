package headworks

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"headworks/internal/registry"
)

// InvalidConfig is an error of an open function that says what is wrong with the configuration. The text is shown to the
// configuration's author as it is.
func InvalidConfig(format string, arguments ...any) error {
	return &registry.InvalidConfig{Message: fmt.Sprintf(format, arguments...)}
}

// A configuration is a struct. Besides `json`, these tags are known: `doc` (what the setting means), `default` (as JSON, or
// the text itself), `minimum`, `maximum`, `minLength`, `minItems`, `pattern`, `enum` (texts with | between them).
// A setting without default is required, unless its json tag says omitempty.

// SchemaOf is the JSON Schema (2020-12) of a configuration. It is for the packages of this SDK.
func SchemaOf[C any]() string {
	schema := schemaOf(reflect.TypeFor[C]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	text, err := json.Marshal(schema)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// ParseConfig reads a configuration. It is for the packages of this SDK.
func ParseConfig[C any](text string) (config C, err error) {
	text = registry.Text(text)
	if err = registry.Valid(text); err != nil {
		return config, err
	}
	var document any
	if err = json.Unmarshal([]byte(text), &document); err != nil {
		return config, err
	}
	if document, err = checkedConfig(reflect.TypeFor[C](), document, "", ""); err != nil {
		return config, err
	}
	whole, err := json.Marshal(document)
	if err == nil {
		err = json.Unmarshal(whole, &config)
	}
	if err != nil {
		return config, InvalidConfig("%v", err)
	}
	return config, nil
}

type setting struct {
	reflect.StructField
	name     string
	required bool
	fallback json.RawMessage
}

func settingsOf(kind reflect.Type) (settings []setting) {
	for _, field := range reflect.VisibleFields(kind) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		one := setting{StructField: field, name: name}
		if text, ok := field.Tag.Lookup("default"); ok {
			one.fallback = json.RawMessage(text)
			if field.Type.Kind() == reflect.String {
				one.fallback, _ = json.Marshal(text)
			}
			if !json.Valid(one.fallback) {
				panic(fmt.Sprintf("the default of %s is not JSON: %s", field.Name, text))
			}
		} else {
			one.required = !strings.Contains(options, "omitempty")
		}
		settings = append(settings, one)
	}
	return settings
}

func schemaOf(kind reflect.Type) map[string]any {
	switch kind.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64, reflect.Uint8:
		return map[string]any{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(kind.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(kind.Elem())}
	case reflect.Pointer:
		return schemaOf(kind.Elem())
	case reflect.Struct:
		return structSchema(kind)
	case reflect.Interface:
		return map[string]any{}
	}
	panic(fmt.Sprintf("a configuration cannot have a member of type %s", kind))
}

func structSchema(kind reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, setting := range settingsOf(kind) {
		member := schemaOf(setting.Type)
		if doc := setting.Tag.Get("doc"); doc != "" {
			member["description"] = doc
		}
		if setting.fallback != nil {
			member["default"] = setting.fallback
		}
		for _, name := range []string{"minimum", "maximum", "minLength", "minItems"} {
			if limit, ok := setting.Tag.Lookup(name); ok {
				member[name] = json.RawMessage(limit)
			}
		}
		if pattern, ok := setting.Tag.Lookup("pattern"); ok {
			member["pattern"] = pattern
		}
		if choices, ok := setting.Tag.Lookup("enum"); ok {
			member["enum"] = strings.Split(choices, "|")
		}
		if setting.required {
			required = append(required, setting.name)
		}
		properties[setting.name] = member
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func wrong(path, wanted string, value any) error {
	text, _ := json.Marshal(value)
	if runes := []rune(string(text)); len(runes) > 60 {
		text = []byte(string(runes[:57]) + "...")
	}
	if path == "" {
		path = "the configuration"
	}
	return InvalidConfig("%s: expected %s, not %s", path, wanted, text)
}

func join(path, name string) string {
	return strings.TrimPrefix(path+"."+name, ".")
}

// checkedConfig checks a document and answers it with the defaults filled in.
func checkedConfig(kind reflect.Type, value any, path string, tag reflect.StructTag) (any, error) {
	switch kind.Kind() {
	case reflect.Pointer:
		if value == nil {
			return nil, nil
		}
		return checkedConfig(kind.Elem(), value, path, tag)
	case reflect.Struct:
		return checkedStruct(kind, value, path)
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			return nil, wrong(path, "an array", value)
		}
		if least, err := strconv.Atoi(tag.Get("minItems")); err == nil && len(items) < least {
			return nil, wrong(path, fmt.Sprintf("an array of at least %d items", least), value)
		}
		for index, item := range items {
			var err error
			if items[index], err = checkedConfig(kind.Elem(), item, fmt.Sprintf("%s[%d]", path, index), ""); err != nil {
				return nil, err
			}
		}
	case reflect.Map:
		members, ok := value.(map[string]any)
		if !ok {
			return nil, wrong(path, "an object", value)
		}
		for name, member := range members {
			var err error
			if members[name], err = checkedConfig(kind.Elem(), member, join(path, name), ""); err != nil {
				return nil, err
			}
		}
	case reflect.Interface:
	default:
		return value, checkedBasic(kind, value, path, tag)
	}
	return value, nil
}

func checkedStruct(kind reflect.Type, value any, path string) (any, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, wrong(path, "an object", value)
	}
	settings := settingsOf(kind)
	for name := range members {
		if !slices.ContainsFunc(settings, func(each setting) bool { return each.name == name }) {
			known := make([]string, len(settings))
			for index, each := range settings {
				known[index] = each.name
			}
			return nil, InvalidConfig("%s: there is no such setting; there are %s", join(path, name), strings.Join(known, ", "))
		}
	}
	for _, setting := range settings {
		place := join(path, setting.name)
		member, given := members[setting.name]
		switch {
		case given:
			var err error
			if members[setting.name], err = checkedConfig(setting.Type, member, place, setting.Tag); err != nil {
				return nil, err
			}
		case setting.fallback != nil:
			members[setting.name] = setting.fallback
		case setting.required:
			return nil, InvalidConfig("%s: this setting is required", place)
		}
	}
	return members, nil
}

func checkedBasic(kind reflect.Type, value any, path string, tag reflect.StructTag) error {
	switch kind.Kind() {
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			return wrong(path, "a text", value)
		}
		if least, err := strconv.Atoi(tag.Get("minLength")); err == nil && len([]rune(text)) < least {
			return wrong(path, fmt.Sprintf("a text of at least %d characters", least), value)
		}
		if pattern := tag.Get("pattern"); pattern != "" && !regexp.MustCompile(pattern).MatchString(text) {
			return wrong(path, "a text that matches "+pattern, value)
		}
		if choices := tag.Get("enum"); choices != "" && !slices.Contains(strings.Split(choices, "|"), text) {
			return wrong(path, `"`+strings.ReplaceAll(choices, "|", `" or "`)+`"`, value)
		}
		return nil
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			return wrong(path, "true or false", value)
		}
		return nil
	}
	number, ok := value.(float64)
	whole := kind.Kind() != reflect.Float64 && kind.Kind() != reflect.Float32
	if whole && (!ok || number != math.Trunc(number)) {
		return wrong(path, "a whole number", value)
	}
	if !ok {
		return wrong(path, "a number", value)
	}
	if least, err := strconv.ParseFloat(tag.Get("minimum"), 64); err == nil && number < least {
		return wrong(path, "a number of at least "+tag.Get("minimum"), value)
	}
	if most, err := strconv.ParseFloat(tag.Get("maximum"), 64); err == nil && number > most {
		return wrong(path, "a number of at most "+tag.Get("maximum"), value)
	}
	return nil
}
