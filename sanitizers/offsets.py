"""Moves sequences into windows of their own: reads positions, chooses, records, sets.

What the stages offset and migrate share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from sanitizers.catalog import Catalog, Name, Sequence
from sanitizers.control import Control, HandedOut
from sanitizers.errors import OffsetExhausted, Problem
from sanitizers.keys import RunKey
from sanitizers.postgres.sequences import fed_columns, read_extremes, set_positions
from sanitizers.results import Window
from sanitizers.windows import NARROWEST, RECENT_DAYS, Reach, beyond, growth, place, position, reach_of


@dataclass(frozen=True)
class Assigner:
    """Hands out windows to one generation. `draw` makes the day's 32 random bytes if nobody has yet."""

    control: Control
    database: str
    generation: str
    now: datetime
    draw: Callable[[], bytes]

    def assign(
        self, connection: Connection[Any], catalog: Catalog, names: Collection[Name]
    ) -> tuple[Window, ...]:
        """Moves the named sequences of the clone into this generation's windows, and returns the windows.

        Windows handed out to the generation before are used again, past the ids already taken from them.
        A sequence that cycles through too few values for a window stays where it is: production, too, gives
        those values over and over. OffsetExhausted, with every such sequence, when others have no room.
        """
        known = self.control.handed_out(self.generation)
        fresh = self._choose(connection, catalog, sorted(set(names) - set(known)))
        if fresh:
            self.control.hand_out(self.generation, fresh, self.now)
        mine = {window.sequence: window for window in [*known.values(), *fresh] if window.sequence in names}
        set_positions(connection, _free_starts(connection, catalog, mine))
        return tuple(_window(catalog, mine[name]) for name in sorted(mine))

    def _choose(self, connection: Connection[Any], catalog: Catalog, names: list[Name]) -> list[HandedOut]:
        reaches = {name: reach_of(catalog.sequences[name], fed_columns(catalog, name)) for name in names}
        bounds = {name: (reach.lower, reach.upper) for name, reach in reaches.items()}
        extremes = read_extremes(connection, catalog, bounds)
        seed = RunKey(self.control.seed(self.database, self.now.date(), self.draw))
        taken = self.control.taken(self.database, self.now.date() - timedelta(days=RECENT_DAYS))
        history = self.control.positions(self.database)
        chosen, problems = [], []
        for name, reach in reaches.items():
            sequence = catalog.sequences[name]
            production = position(sequence, extremes.get(name))
            pace = growth([*history.get(name, []), (self.now, production)], sequence.increment)
            draw = seed.derive(f"sequence:{name}")
            window = place(sequence, reach, production, taken.get(name, []), draw, pace)
            if window:
                chosen.append(HandedOut(name, production, *window))
            elif not sequence.cycle:
                problems.append(_exhausted(sequence, reach, name in extremes))
        if problems:
            raise OffsetExhausted("sequences have no room left past production", problems=tuple(problems))
        return chosen


def _exhausted(sequence: Sequence, reach: Reach, in_use: bool) -> Problem:
    columns = ", ".join(_columns(sequence)) or "no column"
    hint = f"widen what limits it, {reach.type}, in production first: it runs out there too"
    if in_use:
        hint += "; or a row holds an id near the end of the range by hand"
    return Problem(str(sequence.name), f"fewer than {NARROWEST} ids left for {columns}", hint)


def _columns(sequence: Sequence) -> tuple[str, ...]:
    return tuple(f"{use.table}.{use.column}" for use in sequence.uses)


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


def _window(catalog: Catalog, handed: HandedOut) -> Window:
    sequence = catalog.sequences[handed.sequence]
    reach = reach_of(sequence, fed_columns(catalog, sequence.name))
    return Window(
        sequence=sequence.name,
        columns=_columns(sequence),
        type=reach.type,
        increment=sequence.increment,
        production=handed.production,
        first=handed.first,
        last=handed.last,
        limit=reach.upper if sequence.increment > 0 else reach.lower,
    )
