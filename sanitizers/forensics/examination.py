"""The search as a whole: one surface after the other, what is excused, and what it comes to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sanitizers.catalog import Catalog
from sanitizers.forensics.files import relation_names, search_files
from sanitizers.forensics.matcher import Matcher
from sanitizers.forensics.needles import Needle, Needles
from sanitizers.forensics.sample import Sample
from sanitizers.forensics.surfaces import Open, Seen, search_catalogs, search_rows, search_statistics
from sanitizers.policy.plan import Plan
from sanitizers.results import Forensics, Gate, Residue, Surface

_NAMED = 5
"""Places that a gate names; the record names all."""


@dataclass(frozen=True)
class Subject:
    """The clone that is searched."""

    open: Open
    catalog: Catalog
    schema: Callable[[], str]
    """Gives its schema as pg_dump writes it."""
    directory: Path | None
    """Its server's own; None where it is a database of somebody else's server."""
    workers: int
    progress: Callable[[str, str], None]
    """Is told the surface, and how far its search is."""


@dataclass(frozen=True)
class _Search:
    surface: str
    needles: Needles
    seen: Seen
    seconds: float

    @property
    def excused(self) -> set[int]:
        return set().union(*self.seen.excused.values())

    def residue(self) -> Iterator[Residue]:
        for (place, spelling), found in sorted(self.seen.places.items()):
            columns = Counter(self.needles.items[index].column for index in found - self.excused)
            for column, count in sorted(columns.items()):
                yield Residue(self.surface, place, column, spelling, count)


def examine(subject: Subject, sample: Sample, plan: Plan | None = None) -> Forensics:
    """Searches every surface.

    With a plan, originals that live tables may hold as whole values are excused, and searched for no further:
    indexes, statistics and files mirror the tables.
    """
    searches = list(_searches(subject, sample.needles, plan)) if sample.needles.items else []
    columns = Counter(needle.column for needle in sample.needles.items)
    excused = searches[0].seen.excused if searches else {}
    return Forensics(
        searched=tuple(sorted(columns.items())),
        left_out=sample.left_out,
        excused=len(set().union(*excused.values())),
        excused_by=tuple(sorted((column, len(found)) for column, found in excused.items())),
        surfaces=tuple(Surface(one.surface, one.seen.bytes, one.seconds) for one in searches),
        residue=tuple(found for one in searches for found in one.residue()),
    )


def surface_gates(found: Forensics) -> list[Gate]:
    """One gate a surface."""
    return [_gate(surface.name, found.residue) for surface in found.surfaces]


def _gate(surface: str, residue: Iterable[Residue]) -> Gate:
    places = list(dict.fromkeys(one.place for one in residue if one.surface == surface))
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    number = f"{len(places)} place{'s' * (len(places) != 1)}"
    observed = f"{number}: {', '.join(places[:_NAMED])}{more}" if places else "none"
    return Gate("no original left", surface, not places, observed, "none")


def _searches(subject: Subject, needles: Needles, plan: Plan | None) -> Iterator[_Search]:
    def rows(matcher: Matcher) -> Seen:
        schema, workers = subject.schema().encode(), subject.workers
        return search_rows(
            subject.open, matcher, plan=plan, catalog=subject.catalog, schema=schema, workers=workers
        )

    matcher = Matcher(needles)
    search = _search(subject, "rows", needles, matcher, rows)
    yield search
    left = needles.without(search.excused)
    rest = Needles((*left.items, *_stored(left, subject.catalog)))
    # Making one for ten thousands of originals takes seconds.
    matcher = Matcher(rest) if rest.items != needles.items else matcher
    yield _search(subject, "catalogs", rest, matcher, lambda one: search_catalogs(subject.open, one))
    yield _search(subject, "statistics", rest, matcher, lambda one: search_statistics(subject.open, one))
    if subject.directory is not None:
        yield _search(subject, "files", rest, matcher, lambda one: _files(subject, one))


def _search(
    subject: Subject, surface: str, needles: Needles, matcher: Matcher, look: Callable[[Matcher], Seen]
) -> _Search:
    subject.progress(surface, "")
    began = time.monotonic()
    return _Search(surface, needles, look(matcher), time.monotonic() - began)


def _files(subject: Subject, matcher: Matcher) -> Seen:
    assert subject.directory is not None
    with subject.open() as connection:
        # What sessions have left in memory only would be on the disk tomorrow.
        connection.execute("CHECKPOINT")
        names = relation_names(connection)

    def told(done: int, whole: int) -> None:
        subject.progress("files", f"{done / 1e6:,.0f} of {whole / 1e6:,.0f} MB")

    result = search_files(subject.directory, names, matcher, workers=subject.workers, progress=told)
    seen = Seen(result.bytes)
    for found in result.found:
        seen.add(found.place, found.hit)
    return seen


def _stored(needles: Needles, catalog: Catalog) -> Iterator[Needle]:
    """Values of types that are stored in other bytes than they print in, as they are stored."""
    types = {
        f"{table.name}.{column.name}": column.base for table in catalog.roots() for column in table.columns
    }
    for needle in needles.items:
        if types.get(needle.column) == "uuid":
            yield Needle(needle.column, UUID(needle.value.decode()).bytes, True)
        elif types.get(needle.column) == "int8":
            yield Needle(needle.column, int(needle.value).to_bytes(8, "little", signed=True), True)
