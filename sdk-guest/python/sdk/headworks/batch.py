"""Records on the move: `Batch` and its `Event`s.

The records stay in the host. A batch fetches a column when a plugin first looks at it, and gives back what the plugin
changed, column by column, when the call ends. What must stay true: a cell that the plugin did not change keeps its value
and its kind, and the host learns of dropped, repeated and reordered records by the index each came from.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from ._host import Records
from .values import as_text, checked

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class _Column:
    """One field as text, and what was changed of it. `changes` holds values of any kind by row; `None` removes."""

    __slots__ = ("texts", "changes")

    def __init__(self, texts: list[str | None]) -> None:
        self.texts = texts
        self.changes: dict[int, object] = {}


class Batch:
    """Records of one call, in order. Iterate over it for events, or work on whole columns, which is faster."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._count = records.len()
        self._columns: dict[str, _Column] = {}
        self._times: list[tuple[int, int]] | None = None
        # Per row: the record of the host it is made from. Rows beyond the host's count are copies, and stay behind their
        # source in the order; `_roots` is that order where it is not the host's.
        self._origins: list[int] = list(range(self._count))
        self._roots: list[int] | None = None
        self._copies: dict[int, list[int]] = {}
        self._dropped: set[int] = set()
        self._rejected: dict[int, str] = {}

    def __len__(self) -> int:
        return self._count if self._is_plain() else len(self._order())

    def __iter__(self) -> Iterator[Event]:
        """Every event that was in the batch when the iteration began and has not been dropped since."""
        return (Event(self, row) for row in self._order() if row not in self._dropped)

    def __repr__(self) -> str:
        return f"<Batch of {len(self)}>"

    def names(self) -> list[str]:
        """Every field name that occurs."""
        if self._is_plain():
            self._write()
            return self._records.names()
        rows = self._order()
        names = dict.fromkeys([*self._records.names(), *self._columns])
        return [name for name in names if any(self._column(name).texts[row] is not None for row in rows)]

    # Columns

    def __getitem__(self, name: str) -> list[str | None]:
        """A field of every record as text: `None` where a record lacks it. Changing the list changes nothing; assign it."""
        texts = self._column(name).texts
        return list(texts) if self._is_plain() else [texts[row] for row in self._order()]

    def __setitem__(self, name: str, values: Sequence[object]) -> None:
        """Replaces a field in every record; `None` removes it. As many values as there are records."""
        rows = self._order()
        if isinstance(values, (str, bytes)) or len(values) != len(rows):
            what = type(values).__name__ if isinstance(values, (str, bytes)) else f"{len(values)} values"
            raise ValueError(f"the column {name!r} needs one value for each of {len(rows)} records, not {what}")
        column = self._columns[name] = _Column([None] * len(self._origins))
        for row, value in zip(rows, values):
            column.changes[row] = value = checked(value)
            column.texts[row] = as_text(value)

    def __delitem__(self, name: str) -> None:
        """Removes a field from every record."""
        self._columns.pop(name, None)
        self._records.remove_column(name)

    def values(self, name: str) -> list[object]:
        """A field of every record with its kind (see `headworks.values`): `None` where a record lacks it."""
        cells = self._cells(name)
        return [cells[row] for row in self._order()]

    def fill(self, name: str, value: object) -> None:
        """Gives a field the same value in every record."""
        value = checked(value)
        self._columns.pop(name, None)
        if value is None:
            self._records.remove_column(name)
        else:
            self._records.fill(name, value)

    def rename(self, name: str, to: str) -> None:
        """Renames a field; a field that already has the new name is replaced. Nothing happens where it is absent."""
        if name == to:
            return
        if len(self._origins) > self._count:
            cells = self._cells(name)
            for row in self._order():
                if cells[row] is not None:
                    self._set(row, to, cells[row])
                    self._set(row, name, None)
            return
        for changed in (name, to):
            if changed in self._columns:
                self._write_column(changed, self._columns.pop(changed), None)
        self._records.rename(name, to)

    # Rows

    def keep(self, wanted: Callable[[Event], object]) -> None:
        """Keeps the events for which `wanted` answers true."""
        for event in self:
            if not wanted(event):
                event.drop()

    def select(self, indexes: Sequence[int]) -> None:
        """Keeps the records at these indexes, in this order; an index may occur more than once or not at all."""
        rows = self._order()
        for index in indexes:
            if not 0 <= index < len(rows):
                raise IndexError(f"there is no record {index} in a batch of {len(rows)}")
        self._copies, seen, roots = {}, set(), []
        for row in (rows[index] for index in indexes):
            roots.append(self._repeat(row) if row in seen else row)
            seen.add(row)
        self._roots = roots

    # What follows is for events and for the SDK itself.

    def _is_plain(self) -> bool:
        return self._roots is None and not self._dropped and not self._copies

    def _order(self) -> list[int]:
        """The rows that are there, each followed by its copies."""
        roots = range(self._count) if self._roots is None else self._roots
        if not self._copies:
            return [row for row in roots if row not in self._dropped]
        rows: list[int] = []
        pending = list(reversed(roots))
        while pending:
            row = pending.pop()
            if row not in self._dropped:
                rows.append(row)
            pending.extend(reversed(self._copies.get(row, ())))
        return rows

    def _cells(self, name: str) -> list[object]:
        """Per row the value of a field with its kind."""
        present = self._records.column(name)
        cells = [present[origin] for origin in self._origins]
        if name in self._columns:
            for row, value in self._columns[name].changes.items():
                cells[row] = value
        return cells

    def _column(self, name: str) -> _Column:
        column = self._columns.get(name)
        if column is None:
            texts = self._records.text_column(name)
            if len(self._origins) > self._count:
                texts = [texts[origin] for origin in self._origins]
            column = self._columns[name] = _Column(texts)
        return column

    def _set(self, row: int, name: str, value: object) -> None:
        column = self._column(name)
        column.changes[row] = value
        column.texts[row] = as_text(value)

    def _copy(self, row: int) -> int:
        copy = self._repeat(row)
        self._copies.setdefault(row, []).append(copy)
        return copy

    def _repeat(self, row: int) -> int:
        """A new row like this one, with no place in the order yet."""
        copy = len(self._origins)
        self._origins.append(self._origins[row])
        for column in self._columns.values():
            column.texts.append(column.texts[row])
            if row in column.changes:
                column.changes[copy] = column.changes[row]
        return copy

    def _time(self, row: int) -> tuple[int, int]:
        if self._times is None:
            self._times = self._records.times()
        return self._times[self._origins[row]]

    def _write(self) -> None:
        """Gives the host what was changed of columns, while its records are those of the batch."""
        for name, column in self._columns.items():
            self._write_column(name, column, None)

    def _write_column(self, name: str, column: _Column, rows: list[int] | None) -> None:
        changes, count = column.changes, self._count
        if rows is not None:
            count = len(rows)
            changes = {index: changes[row] for index, row in enumerate(rows) if row in changes}
        if not changes:
            return
        text = all(value is None or type(value) is str for value in changes.values())
        if text and (len(changes) == count or self._records.is_text(name)):
            texts = column.texts
            self._records.set_text_column(name, texts[:count] if rows is None else [texts[row] for row in rows])
        elif len(changes) == count:
            self._records.set_column(name, [changes[index] for index in range(count)])
        else:
            # Cells that were not changed stay in the host, with the kind they have.
            for index, value in changes.items():
                self._records.set(index, name, value)
        column.changes = {}

    def _finish(self) -> None:
        """Gives the host everything that was changed. The batch is of no use afterwards."""
        for origin, reason in self._rejected.items():
            self._records.reject(origin, reason)
        if self._is_plain():
            self._write()
            return
        rows = self._order()
        self._records.select([self._origins[row] for row in rows])
        for name, column in self._columns.items():
            self._write_column(name, column, rows)


class Event(MutableMapping[str, Any]):
    """One record: a mapping from field names to text. Fields are fetched when they are looked at.

    Assigning takes any value a field can hold; reading answers text, as `value` does not.
    """

    __slots__ = ("_batch", "_row")

    def __init__(self, batch: Batch, row: int) -> None:
        self._batch = batch
        self._row = row

    def __getitem__(self, name: str) -> str:
        text = self._batch._column(name).texts[self._row]
        if text is None:
            raise KeyError(name)
        return text

    def get(self, name: str, default: Any = None) -> Any:
        """The field as text, or `default` where the record lacks it."""
        text = self._batch._column(name).texts[self._row]
        return default if text is None else text

    def value(self, name: str) -> object:
        """The field with its kind (see `headworks.values`), or `None` where the record lacks it."""
        batch = self._batch
        column = batch._columns.get(name)
        if column is not None and self._row in column.changes:
            return column.changes[self._row]
        return batch._records.column(name)[batch._origins[self._row]]

    def __setitem__(self, name: str, value: object) -> None:
        self._batch._set(self._row, name, checked(value))

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._batch._set(self._row, name, None)

    def remove(self, *names: str) -> None:
        """Removes fields; nothing happens where the record lacks them."""
        for name in names:
            self.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._batch._column(name).texts[self._row] is not None

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys([*self._batch._records.names(), *self._batch._columns])
        return iter([name for name in names if name in self])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, MutableMapping) else dict(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Event({dict(self)!r})"

    @property
    def time(self) -> datetime.datetime:
        """When the server received the record, in UTC, cut to microseconds."""
        seconds, nanoseconds = self._batch._time(self._row)
        return _EPOCH + datetime.timedelta(seconds=seconds, microseconds=nanoseconds // 1000)

    @property
    def time_ns(self) -> int:
        """When the server received the record, in nanoseconds since 1970."""
        seconds, nanoseconds = self._batch._time(self._row)
        return seconds * 1_000_000_000 + nanoseconds

    def drop(self) -> None:
        """Leaves the event out of what the plugin answers. Copies of it stay."""
        self._batch._dropped.add(self._row)

    def copy(self) -> Event:
        """A further event made from this one; it comes behind it."""
        return Event(self._batch, self._batch._copy(self._row))

    def reject(self, reason: str) -> None:
        """Marks the record as failed: what was made from it is dropped, and the reason is reported to whoever sent it."""
        batch = self._batch
        batch._rejected.setdefault(batch._origins[self._row], reason)

