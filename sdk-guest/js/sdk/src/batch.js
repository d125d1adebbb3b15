// Records on the move: Batch and its Events.
//
// The records stay in the host. A batch fetches a column when a plugin first looks at it, and gives back what the plugin
// changed, column by column, when the call ends. What must stay true: a cell that the plugin did not change keeps its value
// and its kind, and the host learns of dropped, repeated and reordered records by the index each came from.

import { asText, checked } from "./values.js";

/** Records of one call, in order. Iterate over it for events, or work on whole columns, which is faster. */
export class Batch {
  #records;
  #count;
  #columns = new Map(); // by name: texts per row, and changes (values of any kind by row; undefined removes)
  #times;
  // Per row: the record of the host it is made from. Rows beyond the host's count are copies, and stay behind their source
  // in the order; #roots is that order where it is not the host's.
  #origins;
  #roots;
  #copies = new Map();
  #dropped = new Set();
  #rejected = new Map();

  constructor(records) {
    this.#records = records;
    this.#count = records.len();
    this.#origins = Array.from({ length: this.#count }, (_, row) => row);
  }

  get length() {
    return this.#isPlain() ? this.#count : this.#order().length;
  }

  *[Symbol.iterator]() {
    for (const row of this.#order()) {
      if (!this.#dropped.has(row)) yield new Event(this.#access, row);
    }
  }

  /** Every field name that occurs. */
  names() {
    if (this.#isPlain()) {
      this.#write();
      return this.#records.names();
    }
    const rows = this.#order();
    const names = new Set([...this.#records.names(), ...this.#columns.keys()]);
    return [...names].filter((name) => rows.some((row) => this.#column(name).texts[row] !== undefined));
  }

  /** A field of every record as text: undefined where a record lacks it. Changing the array changes nothing; use `set`. */
  column(name) {
    const { texts } = this.#column(name);
    return this.#isPlain() ? texts.slice() : this.#order().map((row) => texts[row]);
  }

  /** A field of every record with its kind: undefined where a record lacks it. */
  values(name) {
    const cells = this.#cells(name);
    return this.#order().map((row) => cells[row]);
  }

  /** Replaces a field in every record; undefined removes it. As many values as there are records. */
  set(name, values) {
    const rows = this.#order();
    if (!Array.isArray(values) || values.length !== rows.length) {
      const what = Array.isArray(values) ? `${values.length} values` : typeof values;
      throw new RangeError(`the column ${name} needs one value for each of ${rows.length} records, not ${what}`);
    }
    const column = { texts: new Array(this.#origins.length), changes: new Map() };
    rows.forEach((row, index) => {
      const value = checked(values[index]);
      column.changes.set(row, value);
      column.texts[row] = asText(value);
    });
    this.#columns.set(name, column);
  }

  /** Gives a field the same value in every record. */
  fill(name, value) {
    const given = checked(value);
    this.#columns.delete(name);
    if (given === undefined) this.#records.removeColumn(name);
    else this.#records.fill(name, given);
  }

  /** Removes a field from every record. */
  delete(name) {
    this.#columns.delete(name);
    this.#records.removeColumn(name);
  }

  /** Renames a field; a field that already has the new name is replaced. Nothing happens where it is absent. */
  rename(name, to) {
    if (name === to) return;
    if (this.#origins.length > this.#count) {
      const cells = this.#cells(name);
      for (const row of this.#order()) {
        if (cells[row] !== undefined) {
          this.#set(row, to, cells[row]);
          this.#set(row, name, undefined);
        }
      }
      return;
    }
    for (const changed of [name, to]) {
      const column = this.#columns.get(changed);
      this.#columns.delete(changed);
      if (column) this.#writeColumn(changed, column);
    }
    this.#records.rename(name, to);
  }

  /** Keeps the events for which `wanted` answers true. */
  keep(wanted) {
    for (const event of this) {
      if (!wanted(event)) event.drop();
    }
  }

  /** Keeps the records at these indexes, in this order; an index may occur more than once or not at all. */
  select(indexes) {
    const rows = this.#order();
    const seen = new Set();
    this.#copies.clear();
    this.#roots = Array.from(indexes, (index) => {
      const row = rows[index];
      if (row === undefined) throw new RangeError(`there is no record ${index} in a batch of ${rows.length}`);
      if (seen.has(row)) return this.#repeat(row);
      seen.add(row);
      return row;
    });
  }

  /** Why records were rejected, by index in the batch that came. For the SDK. */
  get rejected() {
    return this.#rejected;
  }

  /** The host's records with everything that was changed of columns; only while none was dropped or moved. For the SDK. */
  written() {
    if (!this.#isPlain()) throw new Error("texts are computed for records as they came: not after drop, copy or select");
    this.#write();
    return this.#records;
  }

  /** Gives the host everything that was changed. The batch is of no use afterwards. For the SDK. */
  finish() {
    for (const [origin, reason] of this.#rejected) this.#records.reject(origin, reason);
    if (this.#isPlain()) {
      this.#write();
      return;
    }
    const rows = this.#order();
    this.#records.select(rows.map((row) => this.#origins[row]));
    for (const [name, column] of this.#columns) this.#writeColumn(name, column, rows);
  }

  #access = {
    text: (row, name) => this.#column(name).texts[row],
    set: (row, name, value) => this.#set(row, name, checked(value)),
    value: (row, name) => {
      const changes = this.#columns.get(name)?.changes;
      return changes?.has(row) ? changes.get(row) : this.#records.column(name)[this.#origins[row]];
    },
    names: () => new Set([...this.#records.names(), ...this.#columns.keys()]),
    time: (row) => (this.#times ??= this.#records.times())[this.#origins[row]],
    drop: (row) => this.#dropped.add(row),
    copy: (row) => {
      const copy = this.#repeat(row);
      if (!this.#copies.has(row)) this.#copies.set(row, []);
      this.#copies.get(row).push(copy);
      return new Event(this.#access, copy);
    },
    reject: (row, reason) => {
      const origin = this.#origins[row];
      if (!this.#rejected.has(origin)) this.#rejected.set(origin, String(reason));
    },
  };

  #isPlain() {
    return this.#roots === undefined && this.#dropped.size === 0 && this.#copies.size === 0;
  }

  /** The rows that are there, each followed by its copies. */
  #order() {
    const rows = [];
    const pending = this.#roots ? [...this.#roots].reverse() : Array.from({ length: this.#count }, (_, row) => this.#count - 1 - row);
    while (pending.length > 0) {
      const row = pending.pop();
      if (!this.#dropped.has(row)) rows.push(row);
      const copies = this.#copies.get(row);
      if (copies) for (let at = copies.length - 1; at >= 0; at -= 1) pending.push(copies[at]);
    }
    return rows;
  }

  #column(name) {
    let column = this.#columns.get(name);
    if (column === undefined) {
      let texts = this.#records.textColumn(name);
      if (this.#origins.length > this.#count) texts = this.#origins.map((origin) => texts[origin]);
      column = { texts, changes: new Map() };
      this.#columns.set(name, column);
    }
    return column;
  }

  /** Per row the value of a field with its kind. */
  #cells(name) {
    const present = this.#records.column(name);
    const cells = this.#origins.map((origin) => present[origin]);
    for (const [row, value] of this.#columns.get(name)?.changes ?? []) cells[row] = value;
    return cells;
  }

  #set(row, name, value) {
    const column = this.#column(name);
    column.changes.set(row, value);
    column.texts[row] = asText(value);
  }

  /** A new row like this one, with no place in the order yet. */
  #repeat(row) {
    const copy = this.#origins.length;
    this.#origins.push(this.#origins[row]);
    for (const { texts, changes } of this.#columns.values()) {
      texts.push(texts[row]);
      if (changes.has(row)) changes.set(copy, changes.get(row));
    }
    return copy;
  }

  /** Gives the host what was changed of columns, while its records are those of the batch. */
  #write() {
    for (const [name, column] of this.#columns) this.#writeColumn(name, column);
  }

  #writeColumn(name, column, rows) {
    const { texts, changes } = column;
    const count = rows ? rows.length : this.#count;
    const at = rows ? (index) => rows[index] : (index) => index;
    let changed = 0;
    let text = true;
    for (let index = 0; index < count; index += 1) {
      if (!changes.has(at(index))) continue;
      changed += 1;
      const value = changes.get(at(index));
      text &&= value === undefined || typeof value === "string";
    }
    if (changed === 0) return;
    if (text && (changed === count || this.#records.isText(name))) {
      this.#records.setTextColumn(name, Array.from({ length: count }, (_, index) => texts[at(index)]));
    } else if (changed === count) {
      this.#records.setColumn(name, Array.from({ length: count }, (_, index) => changes.get(at(index))));
    } else {
      // Cells that were not changed stay in the host, with the kind they have.
      for (let index = 0; index < count; index += 1) {
        if (changes.has(at(index))) this.#records.set(index, name, changes.get(at(index)));
      }
    }
    column.changes = new Map();
  }
}

/** One record. Fields are fetched when they are looked at. `set` takes any value a field can hold; `get` answers text. */
export class Event {
  #batch;
  #row;

  constructor(batch, row) {
    this.#batch = batch;
    this.#row = row;
  }

  /** The field as text; undefined where the record lacks it. */
  get(name) {
    return this.#batch.text(this.#row, name);
  }

  /** The field with its kind; undefined where the record lacks it. */
  value(name) {
    return this.#batch.value(this.#row, name);
  }

  has(name) {
    return this.get(name) !== undefined;
  }

  /** Sets the field; undefined removes it. */
  set(name, value) {
    this.#batch.set(this.#row, name, value);
    return this;
  }

  /** Removes the field, and answers whether it was there. */
  delete(name) {
    const was = this.has(name);
    if (was) this.#batch.set(this.#row, name, undefined);
    return was;
  }

  /** The names of the fields of this record. */
  names() {
    return [...this.#batch.names()].filter((name) => this.has(name));
  }

  /** Names and texts. */
  *[Symbol.iterator]() {
    for (const name of this.names()) yield [name, this.get(name)];
  }

  /** An object of the texts by name. */
  toJSON() {
    return Object.fromEntries(this);
  }

  /** When the server received the record, cut to milliseconds. */
  get time() {
    const { seconds, nanoseconds } = this.#batch.time(this.#row);
    return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
  }

  /** When the server received the record, in nanoseconds since 1970, as a BigInt. */
  get timeNanoseconds() {
    const { seconds, nanoseconds } = this.#batch.time(this.#row);
    return BigInt(seconds) * 1000000000n + BigInt(nanoseconds);
  }

  /** Leaves the event out of what the plugin answers. Copies of it stay. */
  drop() {
    this.#batch.drop(this.#row);
  }

  /** A further event made from this one; it comes behind it. */
  copy() {
    return this.#batch.copy(this.#row);
  }

  /** Marks the record as failed: what was made from it is dropped, and the reason is reported to whoever sent it. */
  reject(reason) {
    this.#batch.reject(this.#row, reason);
  }
}
