"""Moves sequences and counters into windows of their own: reads positions, chooses, records, sets.

What the stages offset and migrate share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from sanitizers.catalog import Catalog, Name, Sequence, SequenceUse
from sanitizers.control import Control, HandedOut
from sanitizers.errors import OffsetExhausted, Problem
from sanitizers.keys import RunKey
from sanitizers.policy.plan import IdPlan
from sanitizers.postgres.sequences import (
    fed_columns,
    read_counter,
    read_extremes,
    set_counter,
    set_positions,
)
from sanitizers.results import Window
from sanitizers.windows import (
    GUARD_DAYS,
    NARROWEST,
    RECENT_DAYS,
    Counter,
    Reach,
    beyond,
    growth,
    guard_end,
    nights_to_end,
    outlook,
    place,
    position,
    reach_of,
)

History = list[tuple[datetime, int]]


@dataclass(frozen=True)
class Generators:
    """Everything of a clone that gives ids: its catalog's sequences, and counters among them."""

    catalog: Catalog
    counters: Mapping[Name, Counter]


def with_counters(connection: Connection[Any], catalog: Catalog, ids: Iterable[IdPlan]) -> Generators:
    """The catalog with what the plan says of keys: counters are sequences too, and the columns that the
    application fills from a sequence bound it. WrongState when a counter is not one row."""
    uses: dict[Name, list[SequenceUse]] = {}
    counters: dict[Name, Counter] = {}
    for plan in ids:
        name = plan.counter.name if plan.counter is not None else plan.sequence
        if name is not None and plan.table in catalog.tables:
            column = catalog.tables[plan.table].by_name[plan.column]
            uses.setdefault(name, []).append(SequenceUse(plan.table, plan.column, column.base))
        if plan.counter is not None:
            counters[plan.counter.name] = plan.counter
    sequences = {
        name: replace(sequence, uses=(*sequence.uses, *uses.get(name, ())))
        for name, sequence in catalog.sequences.items()
    }
    for name, counter in counters.items():
        sequences[name] = read_counter(connection, catalog, counter, tuple(uses[name]))
    return Generators(replace(catalog, sequences=sequences), counters)


@dataclass(frozen=True)
class Assigner:
    """Hands out windows to one generation. `draw` makes the day's 32 random bytes if nobody has yet."""

    control: Control
    database: str
    generation: str
    now: datetime
    draw: Callable[[], bytes]

    def assign(
        self,
        connection: Connection[Any],
        catalog: Catalog,
        names: Collection[Name],
        counters: Mapping[Name, Counter] | None = None,
    ) -> tuple[Window, ...]:
        """Moves the named sequences of the clone into this generation's windows, and returns the windows.

        `counters` tells which of the catalog's sequences are rows of tables. Windows handed out to the
        generation before are used again, past the ids already taken from them. A sequence that cycles through
        too few values for a window stays where it is: production, too, gives those values over and over.
        OffsetExhausted, with every such sequence, when others have no room.
        """
        known = self.control.handed_out(self.generation)
        choice = self._choice(catalog)
        fresh = choice.choose(connection, sorted(set(names) - set(known)))
        if fresh:
            self.control.hand_out(self.generation, fresh, self.now)
        mine = {window.sequence: window for window in [*known.values(), *fresh] if window.sequence in names}
        starts = _free_starts(connection, catalog, mine)
        for name in sorted(starts.keys() & (counters or {}).keys()):
            set_counter(connection, (counters or {})[name], starts.pop(name))
        set_positions(connection, starts)
        return tuple(choice.told(mine[name]) for name in sorted(mine))

    @property
    def seed(self) -> bytes:
        """The day's 32 random bytes: the first who asks has them drawn, and all get the same."""
        return self.control.seed(self.database, self.now.date(), self.draw)

    @property
    def seed_digest(self) -> str:
        return hashlib.sha256(self.seed).hexdigest()

    def _choice(self, catalog: Catalog) -> _Choice:
        since, used_for = self.now.date() - timedelta(days=RECENT_DAYS), self.control.longest_life
        return _Choice(
            catalog,
            self.control.taken(self.database, since),
            self.control.positions(self.database),
            RunKey(self.seed),
            self.now,
            GUARD_DAYS + used_for(self.database, self.now) / timedelta(days=1),
        )


@dataclass(frozen=True)
class _Choice:
    """What the windows of one generation are chosen from."""

    catalog: Catalog
    taken: Mapping[Name, list[tuple[int, int]]]
    positions: Mapping[Name, History]
    key: RunKey
    now: datetime
    guarded_days: float

    def choose(self, connection: Connection[Any], names: list[Name]) -> list[HandedOut]:
        reaches = {name: self._reach(name) for name in names}
        bounds = {name: (reach.lower, reach.upper) for name, reach in reaches.items()}
        extremes = read_extremes(connection, self.catalog, bounds)
        chosen, problems = [], []
        for name, reach in reaches.items():
            sequence = self.catalog.sequences[name]
            production = position(sequence, extremes.get(name))
            expected, draw = self._expected(sequence, production), self.key.derive(f"sequence:{name}")
            window = place(sequence, reach, production, self.taken.get(name, []), draw, expected)
            if window:
                chosen.append(HandedOut(name, production, *window))
            elif not sequence.cycle:
                problems.append(self._exhausted(sequence, reach, production, name in extremes))
        if problems:
            raise OffsetExhausted("sequences have no room left past production", problems=tuple(problems))
        return chosen

    def told(self, handed: HandedOut) -> Window:
        """A window with all that there is to say of it."""
        sequence = self.catalog.sequences[handed.sequence]
        reach, mine = self._reach(sequence.name), (handed.first, handed.last)
        past = tuple(one for one in self.taken.get(sequence.name, ()) if one != mine)
        history = self._history(sequence.name, handed.production)
        found = outlook(sequence, reach, handed.production, history, len(past))
        expected = self._expected(sequence, handed.production)
        bounds, upward = (reach.lower, reach.upper), sequence.increment > 0
        return Window(
            sequence=sequence.name,
            columns=self._columns(sequence),
            type=reach.type,
            increment=sequence.increment,
            production=handed.production,
            first=handed.first,
            last=handed.last,
            limit=bounds[upward],
            start=bounds[not upward],
            guard=guard_end(bounds, sequence.increment, handed.production, expected),
            past=past,
            headroom=round(found.headroom, 4),
            nights=found.nights,
        )

    def _reach(self, name: Name) -> Reach:
        return reach_of(self.catalog.sequences[name], fed_columns(self.catalog, name))

    def _history(self, name: Name, production: int) -> History:
        """Where production stood, up to now."""
        return [*self.positions.get(name, []), (self.now, production)]

    def _expected(self, sequence: Sequence, production: int) -> int:
        """How far production may travel until the generation retires."""
        return growth(self._history(sequence.name, production), sequence.increment, self.guarded_days)

    def _exhausted(self, sequence: Sequence, reach: Reach, production: int, in_use: bool) -> Problem:
        columns = ", ".join(self._columns(sequence)) or "no column"
        history = self._history(sequence.name, production)
        own = nights_to_end(reach, sequence.increment, production, history)
        when = "" if own is None else f", in about {own} night{'s' * (own != 1)}"
        hint = f"widen what limits it, {reach.type}, in production first: it runs out there too{when}"
        if in_use:
            hint += "; or a row holds an id near the end of the range by hand"
        return Problem(str(sequence.name), f"fewer than {NARROWEST} ids left for {columns}", hint)

    def _columns(self, sequence: Sequence) -> tuple[str, ...]:
        """The columns it feeds, those of partitions under the name of the whole table."""
        known = self.catalog.tables
        tables = (
            (self.catalog.root_of(use.table) if use.table in known else use.table) for use in sequence.uses
        )
        found = (f"{table}.{use.column}" for table, use in zip(tables, sequence.uses, strict=True))
        return tuple(dict.fromkeys(found))


def _free_starts(
    connection: Connection[Any], catalog: Catalog, windows: dict[Name, HandedOut]
) -> dict[Name, int]:
    """Where each window begins, past ids in it that rows hold already: a migration may have taken some."""
    ends = {name: sorted((window.first, window.last)) for name, window in windows.items()}
    bounds = {name: (low, high) for name, (low, high) in ends.items()}
    extremes = read_extremes(connection, catalog, bounds)
    return {
        name: beyond(window.first, extremes[name], catalog.sequences[name].increment)
        if name in extremes
        else window.first
        for name, window in windows.items()
    }
