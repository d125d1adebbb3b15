// Records on the move: Batch and its Events.
//
// The records stay in the host. A batch fetches a column when a plugin first looks at it, and gives back what the plugin
// changed, column by column, when the call ends. What must stay true: a cell that the plugin did not change keeps its value
// and its kind, and the host learns of dropped, repeated and reordered records by the index each came from.

import { asText, checked } from "./values.js";

// What stands for "not changed" where undefined means "removed". Rows index arrays, never a Map or Set: the hashes of small
// whole numbers collide in the engine of components.
const UNCHANGED = Symbol("unchanged");

/** One field as text per row, and what was changed of it: values of any kind, undefined removes. */
class Column {
  values;

  constructor(texts) {
    this.texts = texts;
  }

  set(row, value) {
    this.values ??= new Array(this.texts.length).fill(UNCHANGED);
    while (this.values.length < this.texts.length) this.values.push(UNCHANGED);
    this.values[row] = value;
    this.texts[row] = asText(value);
  }

  /** The new value of a row, or UNCHANGED. */
  change(row) {
    return this.values !== undefined && row < this.values.length ? this.values[row] : UNCHANGED;
  }
}

/** Records of one call, in order. Iterate over it for events, or work on whole columns, which is faster. */
export class Batch {
  #records;
  #count;
  #columns = new Map();
  #times;
  // Per row: the record of the host it is made from. Rows beyond the host's count are copies, and stay behind their source
  // in the order; #roots is that order where it is not the host's.
  #origins;
  #roots;
  #copies; // per row: its copies
  #dropped; // per row: whether it is
  #rejected = []; // per record of the host: why it is

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
      if (!this.#dropped?.[row]) yield new Event(this.#access, row);
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
    const column = new Column(new Array(this.#origins.length).fill(undefined));
    for (let index = 0; index < rows.length; index += 1) column.set(rows[index], checked(values[index]));
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
    const seen = new Array(this.#origins.length).fill(false);
    this.#copies = undefined;
    this.#roots = Array.from(indexes, (index) => {
      const row = rows[index];
      if (row === undefined) throw new RangeError(`there is no record ${index} in a batch of ${rows.length}`);
      if (seen[row]) return this.#repeat(row);
      seen[row] = true;
      return row;
    });
  }

  /** Why records were rejected: pairs of the index in the batch that came, ascending, and the reason. For the SDK. */
  get rejected() {
    return this.#rejected.map((reason, index) => [index, reason]).filter(([, reason]) => reason !== undefined);
  }

  /** The host's records with everything that was changed of columns; only while none was dropped or moved. For the SDK. */
  written() {
    if (!this.#isPlain()) throw new Error("texts are computed for records as they came: not after drop, copy or select");
    this.#write();
    return this.#records;
  }

  /** Gives the host everything that was changed. The batch is of no use afterwards. For the SDK. */
  finish() {
    for (const [origin, reason] of this.rejected) this.#records.reject(origin, reason);
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
      const change = this.#columns.get(name)?.change(row) ?? UNCHANGED;
      return change === UNCHANGED ? this.#records.column(name)[this.#origins[row]] : change;
    },
    names: () => new Set([...this.#records.names(), ...this.#columns.keys()]),
    time: (row) => (this.#times ??= this.#records.times())[this.#origins[row]],
    drop: (row) => {
      this.#dropped ??= new Array(this.#origins.length).fill(false);
      while (this.#dropped.length < this.#origins.length) this.#dropped.push(false);
      this.#dropped[row] = true;
    },
    copy: (row) => {
      const copy = this.#repeat(row);
      this.#copies ??= new Array(this.#count).fill(undefined);
      while (this.#copies.length <= copy) this.#copies.push(undefined);
      (this.#copies[row] ??= []).push(copy);
      return new Event(this.#access, copy);
    },
    reject: (row, reason) => {
      if (this.#rejected.length === 0) this.#rejected = new Array(this.#count).fill(undefined);
      this.#rejected[this.#origins[row]] ??= String(reason);
    },
  };

  #isPlain() {
    return this.#roots === undefined && this.#dropped === undefined && this.#copies === undefined;
  }

  /** The rows that are there, each followed by its copies. */
  #order() {
    const rows = [];
    const pending = this.#roots ? [...this.#roots].reverse() : Array.from({ length: this.#count }, (_, row) => this.#count - 1 - row);
    while (pending.length > 0) {
      const row = pending.pop();
      if (!this.#dropped?.[row]) rows.push(row);
      const copies = this.#copies?.[row];
      if (copies) for (let at = copies.length - 1; at >= 0; at -= 1) pending.push(copies[at]);
    }
    return rows;
  }

  #column(name) {
    let column = this.#columns.get(name);
    if (column === undefined) {
      let texts = this.#records.textColumn(name);
      if (this.#origins.length > this.#count) texts = this.#origins.map((origin) => texts[origin]);
      column = new Column(texts);
      this.#columns.set(name, column);
    }
    return column;
  }

  /** Per row the value of a field with its kind. */
  #cells(name) {
    const present = this.#records.column(name);
    const column = this.#columns.get(name);
    return this.#origins.map((origin, row) => {
      const change = column === undefined ? UNCHANGED : column.change(row);
      return change === UNCHANGED ? present[origin] : change;
    });
  }

  #set(row, name, value) {
    this.#column(name).set(row, value);
  }

  /** A new row like this one, with no place in the order yet. */
  #repeat(row) {
    const copy = this.#origins.length;
    this.#origins.push(this.#origins[row]);
    for (const column of this.#columns.values()) {
      column.texts.push(column.texts[row]);
      const change = column.change(row);
      if (change !== UNCHANGED) column.set(copy, change);
    }
    return copy;
  }

  /** Gives the host what was changed of columns, while its records are those of the batch. */
  #write() {
    for (const [name, column] of this.#columns) this.#writeColumn(name, column);
  }

  #writeColumn(name, column, rows) {
    const { texts } = column;
    if (column.values === undefined) return;
    const count = rows ? rows.length : this.#count;
    const changes = Array.from({ length: count }, (_, index) => column.change(rows ? rows[index] : index));
    let changed = 0;
    let text = true;
    for (const change of changes) {
      if (change === UNCHANGED) continue;
      changed += 1;
      text &&= change === undefined || typeof change === "string";
    }
    if (changed === 0) return;
    if (text && (changed === count || this.#records.isText(name))) {
      this.#records.setTextColumn(name, rows ? rows.map((row) => texts[row]) : texts.slice(0, count));
    } else if (changed === count) {
      this.#records.setColumn(name, changes);
    } else {
      // Cells that were not changed stay in the host, with the kind they have.
      changes.forEach((change, index) => {
        if (change !== UNCHANGED) this.#records.set(index, name, change);
      });
    }
    column.values = undefined;
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
