package headworkstest

import (
	"maps"
	"slices"
	"time"

	"headworks"
	"headworks/internal/host"
)

// records are kept in maps.
type records struct {
	rows     []Record
	times    []host.Time
	origins  []int
	rejected map[int]string
}

func newRecords(given []Record, at time.Time) *records {
	held := &records{rejected: map[int]string{}}
	for index, record := range given {
		held.rows = append(held.rows, maps.Clone(record))
		held.times = append(held.times, host.Time{Seconds: at.Unix(), Nanoseconds: uint32(at.Nanosecond())})
		held.origins = append(held.origins, index)
	}
	return held
}

func (r *records) Len() int           { return len(r.rows) }
func (r *records) Times() []host.Time { return r.times }

func (r *records) Names() []string {
	names := map[string]bool{}
	for _, row := range r.rows {
		for name := range row {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (r *records) TextColumn(name string) []host.Cell {
	cells := make([]host.Cell, len(r.rows))
	for index, row := range r.rows {
		cells[index] = headworks.Render(row[name])
	}
	return cells
}

func (r *records) Column(name string) []any {
	values := make([]any, len(r.rows))
	for index, row := range r.rows {
		values[index] = row[name]
	}
	return values
}

func (r *records) IsText(name string) bool {
	return !slices.ContainsFunc(r.rows, func(row Record) bool {
		switch row[name].(type) {
		case nil, string:
			return false
		}
		return true
	})
}

func (r *records) Set(index int, name string, value any) {
	if value == nil {
		delete(r.rows[index], name)
	} else {
		r.rows[index][name] = value
	}
}

func (r *records) SetTextColumn(name string, cells []host.Cell) {
	for index, cell := range cells {
		if cell.OK {
			r.Set(index, name, cell.Text)
		} else {
			r.Set(index, name, nil)
		}
	}
}

func (r *records) SetColumn(name string, values []any) {
	for index, value := range values {
		r.Set(index, name, value)
	}
}

func (r *records) Fill(name string, value any) {
	for index := range r.rows {
		r.Set(index, name, value)
	}
}

func (r *records) Rename(name, to string) {
	for _, row := range r.rows {
		if value, ok := row[name]; ok {
			delete(row, name)
			row[to] = value
		}
	}
}

func (r *records) RemoveColumn(name string) { r.Fill(name, nil) }

func (r *records) Select(indexes []int) {
	rows, times, origins := []Record{}, []host.Time{}, []int{}
	for _, index := range indexes {
		rows = append(rows, maps.Clone(r.rows[index]))
		times, origins = append(times, r.times[index]), append(origins, r.origins[index])
	}
	r.rows, r.times, r.origins = rows, times, origins
}

func (r *records) Reject(index int, reason string) {
	if _, known := r.rejected[r.origins[index]]; !known {
		r.rejected[r.origins[index]] = reason
	}
}
