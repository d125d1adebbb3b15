// Package headworks is for plugins of Headworks: transformers, forwarders and validators in Go.
//
// A plugin is a main package that registers itself in init with the package of its world, such as headworks/transformer.
package headworks

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"time"

	"headworks/internal/host"
	"headworks/internal/registry"
)

// Cell is a field of a record as text; OK says whether the record has it.
type Cell = host.Cell

// Text is the cell of a record that has the field.
func Text(text string) Cell { return Cell{Text: text, OK: true} }

// Batch is the records of one call, in order. Range over Events, or work on whole columns, which is faster.
//
// The records stay in the host. A batch fetches a column when a plugin first looks at it, and gives back what the plugin
// changed when the call ends. What must stay true: a cell that the plugin did not change keeps its value and its kind, and
// the host learns of dropped, repeated and reordered records by the index each came from.
type Batch struct {
	records host.Records
	count   int
	columns map[string]*column
	order   []string // of columns, so that they go back in the order in which they were first looked at
	times   []host.Time
	// Per row: the record of the host it is made from. Rows from count on are copies, and stay behind their source in the
	// order; roots is that order where it is not the host's.
	origins  []int
	roots    []int
	moved    bool
	copies   map[int][]int
	dropped  map[int]bool
	rejected map[int]string
}

// column is one field as text, and what was changed of it.
type column struct {
	cells   []Cell
	values  []any
	changed []bool
}

func (c *column) set(row int, value any) {
	for len(c.changed) < len(c.cells) {
		c.changed, c.values = append(c.changed, false), append(c.values, nil)
	}
	c.changed[row], c.values[row], c.cells[row] = true, value, rendered(value)
}

func (c *column) isChanged(row int) bool { return row < len(c.changed) && c.changed[row] }

func newBatch(records host.Records) *Batch {
	batch := &Batch{records: records, count: records.Len(), columns: map[string]*column{}}
	batch.origins = make([]int, batch.count)
	for row := range batch.origins {
		batch.origins[row] = row
	}
	return batch
}

// Transform calls work with the batch of these records. It is for the packages of this SDK.
func Transform(records host.Records, work func(*Batch) error) error {
	return registry.Guard(func() error {
		batch := newBatch(records)
		if err := work(batch); err != nil {
			return err
		}
		batch.finish()
		return nil
	})
}

// Deliver calls work with the batch of these records. It is for the packages of this SDK.
func Deliver(records host.Records, work func(*Batch) error) (rejected []registry.Rejection, err error) {
	batch := newBatch(records)
	err = registry.Guard(func() error { return work(batch) })
	for index, reason := range batch.rejected {
		rejected = append(rejected, registry.Rejection{Index: index, Reason: reason})
	}
	sort.Slice(rejected, func(i, j int) bool { return rejected[i].Index < rejected[j].Index })
	return rejected, err
}

// Len is the number of records.
func (b *Batch) Len() int {
	if b.isPlain() {
		return b.count
	}
	return len(b.rows())
}

// Events are the events that were in the batch when the loop began and have not been dropped since.
func (b *Batch) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for _, row := range b.rows() {
			if !b.dropped[row] && !yield(Event{b, row}) {
				return
			}
		}
	}
}

// Names are all field names that occur.
func (b *Batch) Names() []string {
	if b.isPlain() {
		b.write(nil)
		return b.records.Names()
	}
	rows := b.rows()
	return slices.DeleteFunc(b.everyName(), func(name string) bool {
		cells := b.column(name).cells
		return !slices.ContainsFunc(rows, func(row int) bool { return cells[row].OK })
	})
}

// Column is a field of every record as text. Changing the slice changes nothing; use SetColumn.
func (b *Batch) Column(name string) []Cell {
	cells := b.column(name).cells
	if b.isPlain() {
		return slices.Clone(cells)
	}
	return pick(cells, b.rows())
}

// Values are a field of every record with its kind; nil where a record lacks it.
func (b *Batch) Values(name string) []any { return pick(b.values(name), b.rows()) }

// SetColumn replaces a field in every record; the zero Cell removes it. It takes as many cells as there are records.
func (b *Batch) SetColumn(name string, cells []Cell) {
	values := make([]any, len(cells))
	for index, cell := range cells {
		if cell.OK {
			values[index] = cell.Text
		}
	}
	b.SetValues(name, values)
}

// SetValues replaces a field in every record; nil removes it. It takes as many values as there are records.
func (b *Batch) SetValues(name string, values []any) {
	rows := b.rows()
	if len(values) != len(rows) {
		panic(fmt.Sprintf("the column %q needs one value for each of %d records, not %d values", name, len(rows), len(values)))
	}
	fresh := &column{cells: make([]Cell, len(b.origins))}
	for index, row := range rows {
		fresh.set(row, checked(values[index]))
	}
	b.keepColumn(name, fresh)
}

// Fill gives a field the same value in every record.
func (b *Batch) Fill(name string, value any) {
	given := checked(value)
	delete(b.columns, name)
	if given == nil {
		b.records.RemoveColumn(name)
	} else {
		b.records.Fill(name, given)
	}
}

// Remove removes a field from every record.
func (b *Batch) Remove(name string) { b.Fill(name, nil) }

// Rename renames a field; a field that already has the new name is replaced. Nothing happens where it is absent.
func (b *Batch) Rename(name, to string) {
	if name == to {
		return
	}
	if len(b.origins) > b.count {
		values := b.values(name)
		for _, row := range b.rows() {
			if values[row] != nil {
				b.column(to).set(row, values[row])
				b.column(name).set(row, nil)
			}
		}
		return
	}
	for _, changed := range []string{name, to} {
		if column := b.columns[changed]; column != nil {
			delete(b.columns, changed)
			b.writeColumn(changed, column, nil)
		}
	}
	b.records.Rename(name, to)
}

// Keep keeps the events for which wanted answers true.
func (b *Batch) Keep(wanted func(Event) bool) {
	for event := range b.Events() {
		if !wanted(event) {
			event.Drop()
		}
	}
}

// Select keeps the records at these indexes, in this order; an index may occur more than once or not at all.
func (b *Batch) Select(indexes []int) {
	rows, seen, roots := b.rows(), map[int]bool{}, make([]int, 0, len(indexes))
	for _, index := range indexes {
		row := rows[index]
		if seen[row] {
			roots = append(roots, b.repeat(row))
		} else {
			roots, seen[row] = append(roots, row), true
		}
	}
	b.roots, b.moved, b.copies = roots, true, nil
}

func (b *Batch) isPlain() bool { return !b.moved && len(b.dropped) == 0 && len(b.copies) == 0 }

// rows are those that are there, each followed by its copies.
func (b *Batch) rows() []int {
	roots := b.roots
	if !b.moved {
		roots = b.origins[:b.count]
	}
	if len(b.dropped) == 0 && len(b.copies) == 0 {
		return roots
	}
	rows := make([]int, 0, len(roots))
	var add func([]int)
	add = func(some []int) {
		for _, row := range some {
			if !b.dropped[row] {
				rows = append(rows, row)
			}
			add(b.copies[row])
		}
	}
	add(roots)
	return rows
}

func (b *Batch) everyName() []string {
	names := b.records.Names()
	for _, name := range b.order {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (b *Batch) column(name string) *column {
	if found := b.columns[name]; found != nil {
		return found
	}
	cells := b.records.TextColumn(name)
	if len(b.origins) > b.count {
		cells = pick(cells, b.origins)
	}
	fresh := &column{cells: cells}
	b.keepColumn(name, fresh)
	return fresh
}

func (b *Batch) keepColumn(name string, column *column) {
	b.columns[name] = column
	if !slices.Contains(b.order, name) {
		b.order = append(b.order, name)
	}
}

// values are, per row, a field with its kind.
func (b *Batch) values(name string) []any {
	values := pick(b.records.Column(name), b.origins)
	if column := b.columns[name]; column != nil {
		for row := range values {
			if column.isChanged(row) {
				values[row] = column.values[row]
			}
		}
	}
	return values
}

// repeat makes a new row like this one, with no place in the order yet.
func (b *Batch) repeat(row int) int {
	b.origins = append(b.origins, b.origins[row])
	for _, column := range b.columns {
		changed := column.isChanged(row)
		column.cells = append(column.cells, column.cells[row])
		if changed {
			column.set(len(column.cells)-1, column.values[row])
		}
	}
	return len(b.origins) - 1
}

// finish gives the host everything that was changed.
func (b *Batch) finish() {
	for origin, reason := range b.rejected {
		b.records.Reject(origin, reason)
	}
	if b.isPlain() {
		b.write(nil)
		return
	}
	rows := b.rows()
	b.records.Select(pick(b.origins, rows))
	if rows == nil {
		rows = []int{}
	}
	b.write(rows)
}

// write gives the host what was changed of columns; rows says which rows its records are, nil that they are the first.
func (b *Batch) write(rows []int) {
	for _, name := range b.order {
		if column := b.columns[name]; column != nil {
			b.writeColumn(name, column, rows)
		}
	}
}

func (b *Batch) writeColumn(name string, column *column, rows []int) {
	if rows == nil {
		rows = b.origins[:b.count]
	}
	changed, text := 0, true
	for _, row := range rows {
		if column.isChanged(row) {
			changed++
			switch column.values[row].(type) {
			case nil, string:
			default:
				text = false
			}
		}
	}
	switch {
	case changed == 0:
		return
	case text && (changed == len(rows) || b.records.IsText(name)):
		b.records.SetTextColumn(name, pick(column.cells, rows))
	case changed == len(rows):
		b.records.SetColumn(name, pick(column.values, rows))
	default:
		// Cells that were not changed stay in the host, with the kind they have.
		for index, row := range rows {
			if column.isChanged(row) {
				b.records.Set(index, name, column.values[row])
			}
		}
	}
	column.changed, column.values = nil, nil
}

func pick[T any](from []T, rows []int) []T {
	picked := make([]T, len(rows))
	for index, row := range rows {
		picked[index] = from[row]
	}
	return picked
}

// Event is one record. Fields are fetched when they are looked at. Set takes any value a field can hold; Get answers text.
type Event struct {
	batch *Batch
	row   int
}

// Get is the field as text, and whether the record has it.
func (e Event) Get(name string) (text string, ok bool) {
	cell := e.batch.column(name).cells[e.row]
	return cell.Text, cell.OK
}

// Text is the field as text; empty where the record lacks it.
func (e Event) Text(name string) string {
	return e.batch.column(name).cells[e.row].Text
}

// Has says whether the record has the field.
func (e Event) Has(name string) bool { return e.batch.column(name).cells[e.row].OK }

// Value is the field with its kind: string, bool, int64, float64, []byte, JSON or Null; nil where the record lacks it.
func (e Event) Value(name string) any {
	if column := e.batch.columns[name]; column != nil && column.isChanged(e.row) {
		return column.values[e.row]
	}
	return e.batch.records.Column(name)[e.batch.origins[e.row]]
}

// Set sets the field. Maps, slices and structs become JSON documents; nil removes the field.
func (e Event) Set(name string, value any) { e.batch.column(name).set(e.row, checked(value)) }

// Remove removes fields; nothing happens where the record lacks them.
func (e Event) Remove(names ...string) {
	for _, name := range names {
		if e.Has(name) {
			e.Set(name, nil)
		}
	}
}

// Names are the names of the fields of this record.
func (e Event) Names() []string {
	return slices.DeleteFunc(e.batch.everyName(), func(name string) bool { return !e.Has(name) })
}

// All are names and texts of the fields.
func (e Event) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range e.Names() {
			if !yield(name, e.Text(name)) {
				return
			}
		}
	}
}

// Time is when the server received the record.
func (e Event) Time() time.Time {
	if e.batch.times == nil {
		e.batch.times = e.batch.records.Times()
	}
	at := e.batch.times[e.batch.origins[e.row]]
	return time.Unix(at.Seconds, int64(at.Nanoseconds)).UTC()
}

// Drop leaves the event out of what the plugin answers. Copies of it stay.
func (e Event) Drop() {
	if e.batch.dropped == nil {
		e.batch.dropped = map[int]bool{}
	}
	e.batch.dropped[e.row] = true
}

// Copy is a further event made from this one; it comes behind it.
func (e Event) Copy() Event {
	row := e.batch.repeat(e.row)
	if e.batch.copies == nil {
		e.batch.copies = map[int][]int{}
	}
	e.batch.copies[e.row] = append(e.batch.copies[e.row], row)
	return Event{e.batch, row}
}

// Reject marks the record as failed: what was made from it is dropped, and the reason is reported to whoever sent it.
func (e Event) Reject(reason string) {
	if e.batch.rejected == nil {
		e.batch.rejected = map[int]string{}
	}
	origin := e.batch.origins[e.row]
	if _, known := e.batch.rejected[origin]; !known {
		e.batch.rejected[origin] = reason
	}
}

// Index is where the record was in the batch that came.
func (e Event) Index() int { return e.batch.origins[e.row] }
