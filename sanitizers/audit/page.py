"""The page of one run: a record as a single HTML file that needs nothing else, on screen and on paper."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from sanitizers.audit.picture import picture
from sanitizers.audit.record import canonical

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    id: str
    title: str


SECTIONS = (
    Section("identity", "Identity and snapshot"),
    Section("policy", "Policy in force"),
    Section("categories", "Category coverage"),
    Section("exceptions", "Exceptions"),
    Section("columns", "Column inventory"),
    Section("isolation", "Isolation"),
    Section("scrub", "Scrub and purge"),
    Section("validation", "Validation"),
    Section("forensics", "Search for originals"),
    Section("offsets", "Offsets"),
    Section("migrations", "Migrations"),
    Section("access", "Access and switch"),
    Section("timings", "Timings"),
    Section("traceability", "Traceability"),
    Section("method", "Method and words"),
)
"""In the order of the page; each has a template named after its id."""
VERDICTS = {
    "treated": ("good", "Treated"),
    "none_found": ("none", "None found"),
    "partly_kept": ("warn", "Treated, some kept"),
    "kept": ("warn", "Kept, with reason"),
    "migrated": ("warn", "New by migration"),
    "planned": ("none", "Planned, not done"),
    "not_established": ("none", "Not established"),
}
TOOLS = {
    "understudy": "Understudy", "python": "Python", "postgresql": "PostgreSQL of the clone",
    "psycopg": "psycopg", "sqlglot": "SQLGlot", "great_expectations": "Great Expectations",
}  # fmt: skip


def render_page(record: Record) -> str:
    """The record as one HTML page: no script, no request to anywhere."""
    return (
        templates()
        .get_template("page.html.j2")
        .render(
            run=record,
            sections=SECTIONS,
            verdicts=VERDICTS,
            tools=TOOLS,
            released=record["status"] == "released",
            headline=_headline(record),
            advice=_advice(record),
            serving=_serving(record),
            custody=_custody(record),
            coverage=_coverage(record),
            search=_search(record),
            offsets=_offsets(record),
            elapsed=(_at(record["finished_at"]) - _at(record["started_at"])).total_seconds(),
            tables=_tables(record),
            counted=any(column["rows"] is not None for column in record["columns"]),
            checks=_checks(record["validation"]) if record["validation"] else None,
            timings=_timings(record),
            digests=_digests(record),
        )
    )


@cache
def templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    templates.filters.update(
        count=_count, size=_size, duration=_duration, moment=_moment, tally=_tally, sentence=_sentence,
        by_treatment=_by_treatment, classification=_classification, expectation=_expected, name=_name,
    )  # fmt: skip
    return templates


def _headline(record: Record) -> str:
    if record["status"] == "released":
        return "Released, with exceptions" if record["exceptions"] else "Released"
    if record["status"] == "rehearsed":
        return "Rehearsed, not released"
    stage = record["error"]["stage"] if record["error"] else ""
    return str(record["status"]).capitalize() + (f" at {stage}" if stage else "")


def _advice(record: Record) -> str:
    error = record["error"] or {}
    hint = error.get("hint") or ""
    again = "Nothing needs to be changed: the same run may succeed later." if error.get("retryable") else ""
    known = " ".join(_sentence(part) for part in (hint, again) if part)
    return known or "Remove the cause named above and run again."


def _sentence(text: str) -> str:
    closed = text if text.endswith((".", "!", "?")) else f"{text}."
    # A name at the front (a table, a file) keeps its spelling.
    return closed[:1].upper() + closed[1:] if closed.split(" ", 1)[0].isalpha() else closed


def _serving(record: Record) -> str:
    if not record["serving"]:
        return "No generation is known to be served. Clients never saw this one."
    if record["serving"] == record["generation"]:
        return f"The endpoint points at {record['serving']}: the switch was made before the run ended."
    return f"The endpoint still serves {record['serving']}. Clients never saw this generation."


def _custody(record: Record) -> str:
    if record["clone"] is None:
        begun = "A snapshot it may have begun"
        return f"This run did not get as far as a clone. {begun} remains protected health information (PHI)."
    state = "holds scrubbed rows" if record["scrub"] else "may hold production’s rows unscrubbed"
    where = "" if record["serving"] == record["generation"] else ", sealed until it is destroyed"
    return f"The clone of this run {state} and remains protected health information (PHI){where}."


def _coverage(record: Record) -> str:
    schema, required = record["schema"], [entry for entry in record["categories"] if entry["required"]]
    if schema["plan_sha256"] is None:
        return (
            "The run ended before the policy was bound to the database. Which categories are there has not "
            "been established."
        )
    found = sum(bool(entry["columns"] or entry["paths"]) for entry in required)
    return (
        f"All {_count(schema['columns'])} columns of {_count(schema['tables'])} tables are classified. Of "
        f"{len(required)} categories that must be accounted for, {found} are there and "
        f"{len(required) - found} are not."
    )


def _tables(record: Record) -> list[dict[str, Any]]:
    """The inventory by table, in the record's order."""
    rules = {entry["id"]: entry for entry in record["categories"]}
    facts = {table["table"]: table for table in record["tables"]}
    found: dict[str, list[dict[str, Any]]] = {}
    for column in record["columns"]:
        found.setdefault(column["table"], []).append(_shown(column, rules))
    return [
        {"name": name, "id": f"table-{number}", "columns": columns, "note": _note(columns, facts.get(name))}
        for number, (name, columns) in enumerate(found.items(), start=1)
    ]


def _shown(column: Mapping[str, Any], rules: Mapping[str, Record]) -> dict[str, Any]:
    head, _, part = column["category"].partition(".")
    rule = rules.get(head, {})
    return {
        **column,
        "head": head,
        "part": part,
        "treated": _is_treated(column),
        "profile_reason": bool(column["reason"]) and column["reason"] == rule.get("reason"),
        "exception": column["treatment"] == "keep"
        and bool(rule.get("required"))
        and column["reason"] != rule.get("reason"),
        "leaks": column["must_differ"] and bool(column["unchanged"]),
    }


def _is_treated(column: Mapping[str, Any]) -> bool:
    return column["treatment"] not in {"", "keep", "generated"}


def _note(columns: list[dict[str, Any]], facts: Mapping[str, Any] | None) -> str:
    treated = sum(column["treated"] for column in columns)
    parts = [f"{len(columns)} column{'s' * (len(columns) != 1)}, {treated} treated"]
    rows = facts["rows"] if facts else None
    if rows is not None:
        parts.append(f"{_count(rows)} rows")
    return " · ".join(parts)


def _checks(validation: Mapping[str, Any]) -> dict[str, Any]:
    suites = validation["suites"]
    rows = [_expectation(suite["suite_name"], result) for suite in suites for result in suite["results"]]
    return {
        "gates": _by_gate(validation["gates"]),
        "failed_gates": [gate for gate in validation["gates"] if not gate["passed"]],
        "expectations": rows,
        "unmet": [row for row in rows if not row["success"]],
    }


SURFACES = {
    "rows": "rows of every table and materialized view, large objects, the schema as text",
    "catalogs": "every system catalog",
    "statistics": "the planner’s samples, and the views on them and on statements",
    "files": "every byte of the server’s directory: data, WAL, log, configuration, leftovers",
}


def _search(record: Record) -> dict[str, Any] | None:
    """What was searched for and where, with what a sample of that size proves."""
    found = record.get("forensics")  # records of earlier versions have none
    if found is None:
        return None
    places = {
        surface: [one["place"] for one in found["residue"] if one["surface"] == surface]
        for surface in SURFACES
    }
    return {
        **found,
        "originals": sum(one["originals"] for one in found["searched"]),
        "searched": [{**one, "found": _odds(one["originals"])} for one in found["searched"]],
        "surfaces": [
            {**one, "what": SURFACES[one["name"]], "places": len(set(places[one["name"]]))}
            for one in found["surfaces"]
        ],
        "files": any(one["name"] == "files" for one in found["surfaces"]),
    }


def _odds(originals: int) -> str:
    """How likely a sample of that size holds one of 1 % of the people."""
    percent = 100 * (1 - 0.99**originals)
    return "over 99 %" if percent > 99 else f"{percent:.0f} %"


MAKERS = {
    "counter": ("good", "moved with its counter"),
    "sequence": ("good", "moved with the sequence that the application asks"),
    "uuid": ("good", "UUIDs need nothing"),
    "max": ("warn", "highest id plus one: staging goes on where production stands"),
    "application": ("warn", "by the application: staging goes on where production stands"),
    "unknown": (
        "warn",
        "not covered: nothing in the database makes its values, and the policy does not say who does",
    ),
}


def _offsets(record: Record) -> dict[str, Any] | None:
    """Windows with their pictures, what comes to its end, and keys that no sequence feeds."""
    if record["offsets"] is None:
        return None
    found = {"counters": [], "keys": [], "seed_sha256": "", **record["offsets"]}
    windows = [*found["windows"], *found["counters"]]
    made_by: dict[str, list[Mapping[str, Any]]] = {}
    for key in found["keys"]:
        made_by.setdefault(key["made_by"], []).append(key)
    return {
        **found,
        "ending": [window["forecast"] for window in windows if window.get("ends_soon")],
        "pictures": [shown for window in windows if (shown := picture(window)) is not None],
        "makers": [(*MAKERS[maker], made_by[maker]) for maker in MAKERS if maker in made_by],
    }


def _by_gate(gates: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, list[bool]] = {}
    for gate in gates:
        found.setdefault(gate["name"], []).append(gate["passed"])
    return [
        {"name": name, "subjects": len(passed), "passed": sum(passed), "failed": len(passed) - sum(passed)}
        for name, passed in found.items()
    ]


def _expectation(suite: str, result: Mapping[str, Any]) -> dict[str, Any]:
    config, counts = result["expectation_config"], result["result"]
    named = [value for key, value in config["kwargs"].items() if key in {"column", "column_A", "column_B"}]
    return {
        "suite": suite, "type": config["type"], "severity": config["severity"], "success": result["success"],
        "raised": result["raised"], "subject": ", ".join(str(name) for name in named),
        "checked": counts.get("element_count"), "unexpected": counts.get("unexpected_count"),
    }  # fmt: skip


def _timings(record: Record) -> list[dict[str, Any]]:
    """Each stage with its bar: where it began and how long it took, in thousandths of the whole."""
    whole = sum(row["seconds"] for row in record["timings"]) or 1.0
    ended = record["error"]["stage"] if record["error"] else ""
    rows, before = [], 0.0
    for row in record["timings"]:
        share = row["seconds"] / whole
        rows.append({
            **row, "ended": row["stage"] == ended,
            "x": min(round(before * 1000), 998), "width": max(round(share * 1000), 2),
            "percent": round(share * 100), "start_percent": round(before * 100),
        })  # fmt: skip
        before += share
    return rows


def _digests(record: Record) -> list[tuple[str, str | None]]:
    schema = record["schema"]
    return [
        ("This run’s JSON record", hashlib.sha256(canonical(record)).hexdigest()),
        ("Policy file", record["policy"]["sha256"]),
        ("Profile", record["profile"]["sha256"]),
        ("Plan", schema["plan_sha256"]),
        ("Catalog the plan was made for", schema["catalog_sha256"]),
        ("Schema before the scrub", schema["before_scrub_sha256"]),
        ("Schema after the scrub", schema["after_scrub_sha256"]),
        ("Schema before migrations", schema["before_migrations_sha256"]),
    ]


def _by_treatment(columns: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(column["summary"], []).append(f"{column['table']}.{column['column']}")
    return list(found.items())


def _tally(columns: Iterable[Mapping[str, Any]]) -> str:
    """`12 × kept, 3 × JSON erased`: how often each treatment is used."""
    return ", ".join(f"{len(names)} × {summary}" for summary, names in _by_treatment(columns))


def _name(text: str) -> Markup:
    """A long name that may break after its dots and underscores."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(text))))


def _classification(name: str) -> str:
    """The standards hyphenate two of the four."""
    return name.replace("_", "-") if name.startswith(("quasi", "non")) else name.replace("_", " ")


def _expected(kind: str) -> str:
    return kind.removeprefix("expect_").replace("_", " ")


def _count(number: float | None) -> str:
    if number is None:
        return "–"
    return f"{number:,}".replace("-", "\N{MINUS SIGN}")


def _size(count: int | None) -> str:
    if count is None:
        return "–"
    value, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment(text: str) -> str:
    at = _at(text)
    offset = at.utcoffset()
    zone = " UTC" if offset == timedelta(0) else f"{at:%z}"
    return f"{at:%Y-%m-%d %H:%M:%S}{zone}"
