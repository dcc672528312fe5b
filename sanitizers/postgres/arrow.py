"""Columns of a heap through a Python function, as Arrow arrays, into a table of results by row.

The server sends a range of pages as a few long byte strings, lengths and contents of each column apart, which
are Arrow's own layout: no value is touched one by one in Python. Memory holds one batch, however large the
heap is. Nobody else may write to the heap meanwhile.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import Connection, RawCursor, errors, sql

from sanitizers.catalog import Column, Name
from sanitizers.errors import ScrubFailed

Function = Callable[..., Any]
"""`function(values, **columns)`: Arrow arrays of one length in, one of that length out."""

_BATCH = 8 * 2**20
"""Bytes that a batch should have about; pages are the handle, because rows differ."""
_MOST_PAGES = 512
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_DAYS, _MICROSECONDS = 10_957, 946_684_800_000_000
"""From 1970, where Arrow counts from, to 2000, where PostgreSQL does."""


@dataclass(frozen=True)
class _Fixed:
    """A type of fixed width: big-endian on the wire, counted from 2000 where it counts time."""

    send: str
    wire: str
    arrow: pa.DataType
    epoch: int = 0

    def decoded(self, lengths: Any, contents: bytes) -> pa.Array:
        values = np.zeros(len(lengths), self.wire[1:])
        values[lengths >= 0] = np.frombuffer(contents, self.wire)
        plain = pa.array(self._moved(values, self.epoch), mask=lengths < 0)
        return plain.cast(self.arrow) if pa.types.is_boolean(self.arrow) else plain.view(self.arrow)

    def encoded(self, array: pa.Array) -> pa.Array:
        plain = array.cast(pa.int8()) if pa.types.is_boolean(self.arrow) else array.view(self._plain)
        values = self._moved(plain.fill_null(0).to_numpy(zero_copy_only=False), -self.epoch)
        return _cells(values.astype(self.wire).tobytes(), np.dtype(self.wire).itemsize, len(array))

    @property
    def _plain(self) -> pa.DataType:
        return pa.from_numpy_dtype(np.dtype(self.wire[1:]))

    def _moved(self, values: Any, by: int) -> Any:
        if not by:
            return values
        # Both ends of the range are infinity, which is as far from any epoch.
        ends = np.iinfo(values.dtype)
        return np.where((values == ends.max) | (values == ends.min), values, values + values.dtype.type(by))


@dataclass(frozen=True)
class _Bytes:
    """A type of any width, as bytes; text in UTF-8."""

    send: str
    arrow: pa.DataType

    def decoded(self, lengths: Any, contents: bytes) -> pa.Array:
        offsets = np.concatenate(([0], np.cumsum(np.maximum(lengths, 0)))).astype("i4")
        known = pa.py_buffer(np.packbits(lengths >= 0, bitorder="little"))
        buffers = [known, pa.py_buffer(offsets), pa.py_buffer(contents)]
        return pa.Array.from_buffers(self.arrow, len(lengths), buffers)

    def encoded(self, array: pa.Array) -> pa.Array:
        return array.cast(pa.binary())


_TEXT = _Bytes("textsend({}::text)", pa.string())
_WIRES: dict[str, _Fixed | _Bytes] = {
    "int2": _Fixed("int2send({})", ">i2", pa.int16()),
    "int4": _Fixed("int4send({})", ">i4", pa.int32()),
    "int8": _Fixed("int8send({})", ">i8", pa.int64()),
    "float4": _Fixed("float4send({})", ">f4", pa.float32()),
    "float8": _Fixed("float8send({})", ">f8", pa.float64()),
    "bool": _Fixed("boolsend({})", ">i1", pa.bool_()),
    "date": _Fixed("date_send({})", ">i4", pa.date32(), _DAYS),
    "timestamp": _Fixed("timestamp_send({})", ">i8", pa.timestamp("us"), _MICROSECONDS),
    "timestamptz": _Fixed("timestamptz_send({})", ">i8", pa.timestamp("us", "UTC"), _MICROSECONDS),
    "bytea": _Bytes("{}", pa.binary()),
}
_STRINGS = frozenset({"text", "varchar", "bpchar", "citext", "name"})
"""Types of which '' is a value that says nothing."""


def _wire(column: Column) -> _Fixed | _Bytes:
    return _TEXT if column.array else _WIRES.get(column.base, _TEXT)


def apply(
    reader: Connection[Any],
    writer: Connection[Any],
    heap: Name,
    columns: Sequence[Column],
    function: Function,
    into: Name,
    called: str,
) -> int:
    """Makes the table `into (place tid, value)` of the function's results, and returns how many there are.

    The first column gives the function's values, the others its arguments by name. Rows whose value is NULL
    or empty text are left out. `value` has the column's base type, or is text where that type has no Arrow
    counterpart. `reader` commits by itself; `writer` is in the caller's transaction.
    ScrubFailed, naming the function as it is `called`, when it fails or gives something else than wanted.
    """
    for connection in (reader, writer):
        connection.execute("SET client_encoding TO 'UTF8'")
    table, wires = sql.Identifier(into.schema, into.name), [_wire(column) for column in columns]
    type_ = "text" if wires[0] is _TEXT else columns[0].base
    writer.execute(sql.SQL(f"CREATE TABLE {{}} (place tid, value {type_})").format(table))
    rows, names = 0, [column.name for column in columns[1:]]
    with writer.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(table)) as copy:
        copy.write(_SIGNATURE)
        for places, arrays in _batches(reader, heap, columns, wires):
            made = _made(function, called, arrays[0], dict(zip(names, arrays[1:], strict=True)), wires[0])
            copy.write(_rows(places, made, wires[0]))
            rows += len(made)
        copy.write(_END)
    writer.execute(sql.SQL("ANALYZE {}").format(table))
    return rows


def _batches(
    reader: Connection[Any], heap: Name, columns: Sequence[Column], wires: Sequence[_Fixed | _Bytes]
) -> Iterator[tuple[bytes, list[pa.Array]]]:
    """The places of some rows, six bytes each, and their columns."""
    query, end, first, step = _query(heap, columns, wires), _pages(reader, heap), 0, 1
    cursor = RawCursor(reader)
    while first < end:
        try:
            cursor.execute(query, [f"({first},0)", f"({first + step},0)"], binary=True)
        except errors.ProgramLimitExceeded:
            if step == 1:
                raise
            step //= 2
            continue
        first += step
        found = cursor.fetchone()
        assert found is not None
        places, *parts = found
        if places is not None:
            lengths = [np.frombuffer(part, ">i4") for part in parts[::2]]
            pairs = zip(wires, lengths, parts[1::2], strict=True)
            yield places, [wire.decoded(length, contents or b"") for wire, length, contents in pairs]
        size = sum(len(part) for part in found if part is not None)
        step = max(1, min(2 * step, step * _BATCH // max(size, 1), _MOST_PAGES))


def _pages(reader: Connection[Any], heap: Name) -> int:
    name = sql.Identifier(heap.schema, heap.name).as_string()
    size = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
    found = reader.execute(size, [name]).fetchone()
    assert found is not None
    return int(found[0])


def _query(heap: Name, columns: Sequence[Column], wires: Sequence[_Fixed | _Bytes]) -> sql.Composed:
    """Of a range of pages: the rows' places, then for each column all lengths (-1 for NULL) and contents."""
    sent = [
        sql.SQL(f"{wire.send} AS c{number}").format(sql.Identifier(column.name))
        for number, (column, wire) in enumerate(zip(columns, wires, strict=True))
    ]
    gathered = [
        f"string_agg(int4send(coalesce(octet_length(c{number}), -1)), ''), string_agg(c{number}, '')"
        for number in range(len(columns))
    ]
    text = columns[0].base in _STRINGS and not columns[0].array
    # Of a composite value with a NULL inside, neither IS NULL nor IS NOT NULL holds.
    telling = sql.SQL("{} <> ''" if text else "NOT {} IS NULL")
    return sql.SQL(
        "SELECT string_agg(tidsend(place), ''), {} FROM (SELECT ctid AS place, {} FROM ONLY {}"
        " WHERE ctid >= $1::tid AND ctid < $2::tid AND {} OFFSET 0) AS t"
    ).format(
        sql.SQL(", ".join(gathered)),
        sql.SQL(", ").join(sent),
        sql.Identifier(heap.schema, heap.name),
        telling.format(sql.Identifier(columns[0].name)),
    )


def _made(
    function: Function, called: str, values: pa.Array, columns: dict[str, pa.Array], wire: _Fixed | _Bytes
) -> pa.Array:
    try:
        with _unheard():
            result = function(values, **columns)
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None
    except BaseException as error:
        # What it says may quote a value, and Python prints what SystemExit says; type and place do not.
        raise ScrubFailed(
            f"function {called} failed: {type(error).__name__}{_line(error, function)}",
            hint="run it on values of your own",
        ) from None
    if isinstance(result, pa.ChunkedArray):
        result = result.combine_chunks()
    if not isinstance(result, pa.Array) or len(result) != len(values):
        given = f"{len(result)} of {len(values)} values" if isinstance(result, pa.Array) else "no Arrow array"
        raise ScrubFailed(
            f"function {called} gave {given}", hint="return a pyarrow.Array as long as its argument"
        )
    try:
        return result.cast(wire.arrow)
    except pa.ArrowException:
        raise ScrubFailed(
            f"function {called} gave {result.type}, which does not fit {wire.arrow}",
            hint=f"return an array of {wire.arrow}",
        ) from None


@contextmanager
def _unheard() -> Iterator[None]:
    """What is printed, logged or warned of meanwhile goes nowhere: it may quote values."""
    disabled, copies = logging.root.manager.disable, [(stream, os.dup(stream)) for stream in (1, 2)]
    with open(os.devnull, "w", encoding="utf-8") as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(sys.maxsize)
        # What libraries and programs print that the function calls does not go through Python's own streams.
        for stream, _ in copies:
            os.dup2(nowhere.fileno(), stream)
        try:
            with redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield
        finally:
            logging.disable(disabled)
            for stream, copy in copies:
                os.dup2(copy, stream)
                os.close(copy)


def _line(error: BaseException, function: Function) -> str:
    code = getattr(function, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__, limit=50)
    lines = [frame.lineno for frame in frames if code is not None and frame.filename == code.co_filename]
    return f" in line {lines[-1]} of its module" if lines else ""


def _rows(places: bytes, made: pa.Array, wire: _Fixed | _Bytes) -> Any:
    """Rows of COPY's binary format: how many fields, then for each its length and its bytes."""
    count, unknown = len(made), made.is_null()
    contents = pc.if_else(unknown, b"", wire.encoded(made))
    lengths = pc.binary_length(contents).to_numpy().astype(">i4")
    lengths[unknown.to_numpy(zero_copy_only=False)] = -1
    heads = np.empty((count, 16), np.uint8)
    heads[:, :6] = (0, 2, 0, 0, 0, 6)
    heads[:, 6:12] = np.frombuffer(places, np.uint8).reshape(count, 6)
    heads[:, 12:] = lengths.view(np.uint8).reshape(count, 4)
    rows = pc.binary_join_element_wise(_cells(heads.tobytes(), 16, count), contents, b"")
    _, offsets, data = rows.buffers()
    return memoryview(data)[: np.frombuffer(offsets, "i4")[count]]


def _cells(contents: bytes, width: int, count: int) -> pa.Array:
    """Bytes as an array of values of one width."""
    offsets = np.arange(count + 1, dtype="i4") * width
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(contents)])
