package headworks

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// JSON is a JSON document in a field.
type JSON string

// Null is a field that is there and holds nothing.
type Null struct{}

// checked is a value that a field can hold: string, bool, int64, float64, []byte, JSON, Null, or nil for no field. Other
// numbers are widened, everything else becomes a JSON document. It panics for what is none.
func checked(value any) any {
	switch value := value.(type) {
	case nil, string, bool, int64, float64, JSON, Null:
		return value
	case []byte:
		if value == nil {
			return nil
		}
		return value
	case int:
		return int64(value)
	case int32:
		return int64(value)
	case uint32:
		return int64(value)
	case float32:
		return float64(value)
	case uint64:
		if value > math.MaxInt64 {
			panic(fmt.Sprintf("%d does not fit in 63 bits; keep it as text", value))
		}
		return int64(value)
	case fmt.Stringer:
		return value.String()
	}
	document, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("a field cannot hold a %T: %v", value, err))
	}
	return JSON(document)
}

// rendered is a value as the host renders it where text is asked for.
func rendered(value any) Cell {
	switch value := value.(type) {
	case nil:
		return Cell{}
	case string:
		return Text(value)
	case JSON:
		return Text(string(value))
	case bool:
		return Text(strconv.FormatBool(value))
	case int64:
		return Text(strconv.FormatInt(value, 10))
	case float64:
		switch {
		case math.IsInf(value, 1):
			return Text("inf")
		case math.IsInf(value, -1):
			return Text("-inf")
		}
		return Text(strconv.FormatFloat(value, 'f', -1, 64))
	case []byte:
		return Text(strings.ToValidUTF8(string(value), "\ufffd"))
	}
	return Text("")
}

// Render is a value as the host renders it where text is asked for; no cell for nil. It is for the packages of this SDK.
func Render(value any) Cell { return rendered(value) }
