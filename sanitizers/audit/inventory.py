"""The inventory of a run: every column with what it is and what was done to it, summed up by category.

Names, classifications and counts. Conditions of exempt rows are shown without their constants.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from sanitizers.catalog import Name
from sanitizers.policy.compile import treatment
from sanitizers.policy.document import ColumnRule, Exemption, LoadedPolicy
from sanitizers.policy.plan import ColumnPlan, Plan
from sanitizers.results import ColumnCounts, MigrateResult, ScrubResult, ValidateResult
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import PARTS

Entry = dict[str, Any]


def columns(
    policy: LoadedPolicy, plan: Plan | None, migrated: MigrateResult | None, validated: ValidateResult | None
) -> list[Entry]:
    """Every column: those of the plan (without one, as the policy asks), then those migrations made."""
    counts = {found.column: found for found in validated.columns} if validated else {}
    rows = list(_planned(plan) if plan else _asked(policy))
    rows += _made(policy, migrated) if migrated else ()
    return [{**row, **_counts(counts.get(f"{row['table']}.{row['column']}"))} for row in rows]


def categories(policy: LoadedPolicy, entries: list[Entry], *, planned: bool, scrubbed: bool) -> list[Entry]:
    """Every category of the profile with the columns that belong to it; the required ones first."""
    ranked = sorted(policy.profile.categories.items(), key=lambda item: not item[1].required)
    inside = list(_inside_documents(policy)) if planned else []
    result = []
    for name, rule in ranked:
        found = [entry for entry in entries if _head(entry["category"]) == name]
        paths = [path for category, path in inside if category == name]
        result.append({
            "id": name, "title": rule.title, "cite": rule.cite, "classification": rule.classification,
            "required": rule.required,
            "verdict": _verdict(found, bool(paths), planned=planned, scrubbed=scrubbed),
            "columns": [{key: entry[key] for key in _SHOWN} for entry in found],
            "paths": paths,
            "columns_found": len(found),
            "rows_changed": _total(entry["changed"] for entry in found),
            "reason": rule.reason,
        })  # fmt: skip
    return result


_SHOWN = ("table", "column", "treatment", "summary")
"""What a category says of each of its columns; the rest stands in the inventory."""


def tables(plan: Plan | None, scrubbed: ScrubResult | None, entries: list[Entry]) -> list[Entry]:
    """Every table of the plan: how many columns are treated, and what its rewrite came to."""
    if plan is None:
        return []
    roots = {rewrite.heap: rewrite for rewrite in plan.rewrites}
    result = []
    for rule in plan.rules:
        heaps = [heap for heap in scrubbed.tables if roots[heap.heap].table == rule.table] if scrubbed else []
        mine = [entry for entry in entries if entry["table"] == str(rule.table)]
        result.append({
            "table": str(rule.table),
            "columns": len(rule.columns),
            "treated": len(rule.treated),
            "rewritten": bool(heaps),
            "why": next((r.why for r in plan.rewrites if r.table == rule.table), ""),
            "heaps": len(heaps),
            "rows": _total(heap.rows for heap in heaps),
            "exempt_rows": _most(entry["exempt"] for entry in mine),
            "key": list(rule.key),
            "bytes_before": _total(heap.bytes_before for heap in heaps),
            "bytes_after": _total(heap.bytes_after for heap in heaps),
            "seconds": round(sum(heap.seconds for heap in heaps), 3) if heaps else None,
        })  # fmt: skip
    return result


def exceptions(policy: LoadedPolicy, entries: list[Entry]) -> list[Entry]:
    """What arrives as it was although it may identify: exempt rows, kept columns of required categories."""
    return [*_exempt_rows(policy, entries), *_kept_identifiers(policy, entries)]


def linkage_domains(plan: Plan | None) -> list[Entry]:
    """Each linkage domain with its columns: equal values in one domain became equal values."""
    found: dict[str, list[str]] = {}
    for rule in plan.rules if plan else ():
        for column in rule.columns:
            if column.domain:
                found.setdefault(column.domain, []).append(f"{rule.table}.{column.name}")
    return [{"domain": domain, "columns": found[domain]} for domain in sorted(found)]


def condition(exemption: Exemption, columns: Container[str]) -> str:
    """Which rows are exempt, told by these columns and without constants: a condition may name a person."""
    if exemption.where is None:
        return f"rows that lead to an exempt row through {exemption.through}"

    def veil(node: exp.Expression) -> exp.Expression:
        # A list of what may be shown: there are more ways to write a constant than to name a column.
        shown = node.name in columns if isinstance(node, exp.Column) else isinstance(node, _TELLING)
        leaf = next(node.iter_expressions(), None) is None
        return node if shown or not (leaf or isinstance(node, exp.Column)) else exp.Var(this="…")

    try:
        tree = parse_one(exemption.where, dialect="postgres")
    except SqlglotError:
        return "a condition"
    return tree.transform(veil).sql(dialect="postgres", comments=False)


_TELLING = (exp.Identifier, exp.Boolean, exp.Null, exp.DataType)


def _planned(plan: Plan) -> Iterator[Entry]:
    for rule in plan.rules:
        for column in rule.columns:
            yield _planned_column(str(rule.table), column)


def _planned_column(table: str, column: ColumnPlan) -> Entry:
    return {
        "table": table, "column": column.name, "type": column.type,
        "classification": column.classification, "category": column.category,
        **_treatment(column.kind, column.summary),
        "domain": column.domain, "reason": column.reason, "must_differ": column.must_differ, "origin": "plan",
    }  # fmt: skip


def _asked(policy: LoadedPolicy) -> Iterator[Entry]:
    for name, table in policy.policy.tables.items():
        for column, rule in table.columns.items():
            yield _asked_column(policy, str(Name.parse(name)), column, rule)


def _asked_column(policy: LoadedPolicy, table: str, column: str, rule: ColumnRule) -> Entry:
    category = policy.profile.rule(rule.category)
    spec = rule.treat or (policy.profile.treatment(rule.category) if category else {})
    kind = str(spec.get("kind", ""))
    return {
        "table": table, "column": column, "type": "",
        "classification": category.classification if category else "", "category": rule.category,
        **_treatment(kind, _summary(spec, rule.category)),
        "domain": "", "reason": rule.reason or (category.reason if category and kind == "keep" else ""),
        "must_differ": False, "origin": "policy",
    }  # fmt: skip


def _summary(spec: dict[str, Any], category: str) -> str:
    """The treatment in words. What the policy has wrong is the error's matter; here its kind will do."""
    try:
        found = treatment(spec, category)
    except (KeyError, ValidationError):
        return str(spec.get("kind", "")).replace("_", " ")
    return "kept" if found.kind == "keep" else found.transformer.summary(found.params)


def _made(policy: LoadedPolicy, migrated: MigrateResult) -> Iterator[Entry]:
    rules = {str(Name.parse(name)): table for name, table in policy.policy.tables.items()}
    for full in migrated.new_columns:
        table, _, column = full.rpartition(".")
        rule = rules[table].columns.get(column) if table in rules else None
        category = policy.profile.rule(rule.category) if rule else None
        yield {
            "table": table, "column": column, "type": "",
            "classification": category.classification if category else "",
            "category": rule.category if rule else "",
            **_treatment("", "made by a migration"),
            "domain": "", "reason": "holds only what a migration wrote into it after the scrub",
            "must_differ": False, "origin": "migration",
        }  # fmt: skip


def _treatment(kind: str, summary: str) -> Entry:
    transformer = TRANSFORMERS.get(kind)
    return {
        "treatment": kind,
        "summary": summary,
        "family": transformer.family if transformer else "",
        "treatment_version": transformer.version if transformer else None,
    }


def _counts(found: ColumnCounts | None) -> Entry:
    keys = ("rows", "nulls_before", "nulls_after", "changed", "unchanged", "exempt")
    return {key: getattr(found, key) if found else None for key in keys}


def _verdict(found: list[Entry], in_documents: bool, *, planned: bool, scrubbed: bool) -> str:
    """`treated`, `planned` (but not scrubbed), `kept`, `partly_kept`, `none_found`, `migrated` (only in
    columns that migrations made after the scrub), or `not_established` (no plan)."""
    if not planned:
        return "not_established"
    if not scrubbed:
        return "planned" if found or in_documents else "none_found"
    kinds = {entry["treatment"] for entry in found} | ({"json"} if in_documents else set())
    if "keep" in kinds:
        return "partly_kept" if kinds - {"keep", "generated", ""} else "kept"
    if kinds - {""}:
        return "treated"
    return "migrated" if found else "none_found"


def _inside_documents(policy: LoadedPolicy) -> Iterator[tuple[str, str]]:
    """Category and place of every part of a document that is treated as a category says."""
    for name, table in policy.policy.tables.items():
        for column, rule in table.columns.items():
            for path, part in _parts(rule.treat or {}):
                if isinstance(part, str) and part != "keep" and not _kept_by_profile(policy, part):
                    yield _head(part), f"{Name.parse(name)}.{column} at {path}"


def _parts(treat: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for of in PARTS:
        listed = treat.get(of)
        yield from listed.items() if isinstance(listed, dict) else ()


def _exempt_rows(policy: LoadedPolicy, entries: list[Entry]) -> Iterator[Entry]:
    for name, table in policy.policy.tables.items():
        if table.exempt is None:
            continue
        subject = str(Name.parse(name))
        yield {
            "kind": "exempt_rows", "subject": subject, "scope": condition(table.exempt, table.columns),
            "reason": table.exempt.reason, "owner": table.exempt.owner,
            "expires_at": table.exempt.expires.isoformat() if table.exempt.expires else None,
            "rows": _most(entry["exempt"] for entry in entries if entry["table"] == subject),
        }  # fmt: skip


def _kept_identifiers(policy: LoadedPolicy, entries: list[Entry]) -> Iterator[Entry]:
    required = {name for name, rule in policy.profile.categories.items() if rule.required}
    for entry in entries:
        if (
            entry["treatment"] == "keep"
            and _head(entry["category"]) in required
            and not _kept_by_profile(policy, entry["category"])
        ):
            yield {
                "kind": "kept_column", "subject": f"{entry['table']}.{entry['column']}",
                "scope": f"{entry['category']}, kept as it is", "reason": entry["reason"],
                "owner": policy.policy.author, "expires_at": None, "rows": entry["rows"],
            }  # fmt: skip


def _kept_by_profile(policy: LoadedPolicy, category: str) -> bool:
    return policy.profile.treatment(category).get("kind") == "keep"


def _head(category: str) -> str:
    return category.partition(".")[0]


def _total(counts: Iterable[int | None]) -> int | None:
    """The sum of the counts that are there; None when none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _most(counts: Iterable[int | None]) -> int | None:
    return max((count for count in counts if count is not None), default=None)
