"""Binding a policy to a database: all covered and safe, or every problem at once with file and line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sanitizers.catalog import Catalog
from sanitizers.errors import PlanRefused, Problem
from sanitizers.policy.bind import bound_treatments, check_treatments, compile_plan, uncovered
from sanitizers.policy.plan import Plan
from tests.catalogs import catalog, column, primary, reference, table, unique
from tests.scrubbing import policy

ID = column("id", "bigint", not_null=True)


def plan(folder: Path, tables: str, found: Catalog) -> Plan:
    return compile_plan(policy(folder, tables), found)


def problems(folder: Path, tables: str, found: Catalog) -> list[Problem]:
    with pytest.raises(PlanRefused) as refused:
        plan(folder, tables, found)
    assert refused.value.exit_code == 12
    return list(refused.value.problems)


def said(folder: Path, tables: str, found: Catalog) -> list[str]:
    """The problems as `line: what (hint)`."""
    return [
        str(problem).removeprefix(f"{folder / 'policy.yaml'}:") for problem in problems(folder, tables, found)
    ]


def one(folder: Path, rule: str, found: Catalog | None = None, **facts: Any) -> list[str]:
    """The problems of one column `v` under a rule; text unless the facts say otherwise."""
    type_ = str(facts.pop("type_", "text"))
    found = found or catalog(table("public.t", column("v", type_, **facts)))
    return said(folder, f"  public.t:\n    columns:\n      v: {rule}\n", found)


class TestCoverage:
    def test_a_column_that_nobody_speaks_of(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", ID, column("secret", "varchar(9)")))
        assert said(tmp_path, "  public.t:\n    columns:\n      id: non_identifying\n", found) == [
            "6: no rule covers column public.t.secret (varchar(9)) (say what it is)"
        ]

    def test_a_table_that_nobody_speaks_of(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", ID), table("hr.staff", ID, column("name")))
        assert said(tmp_path, "  public.t: {columns: {id: non_identifying}}\n", found) == [
            "4: no rule covers table hr.staff (2 columns) (add it under tables:)"
        ]

    def test_a_column_that_does_not_exist(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", ID, column("email")))
        lines = (
            "  public.t:\n    columns:\n      id: non_identifying\n      email: email\n      emial: email\n"
        )
        assert said(tmp_path, lines, found) == [
            "9: column public.t.emial does not exist (did you mean email?)"
        ]

    def test_a_table_that_does_not_exist(self, tmp_path: Path) -> None:
        lines = "  public.t: {columns: {id: non_identifying}}\n  public.patiens: {columns: {}}\n"
        found = catalog(table("public.t", ID), table("public.patients"))
        assert said(tmp_path, lines, found) == [
            "4: no rule covers table public.patients (0 columns) (add it under tables:)",
            "6: table public.patiens does not exist (did you mean public.patients?)",
        ]

    def test_pending_columns_and_tables_may_be_missing(self, tmp_path: Path) -> None:
        lines = """
  public.t:
    columns:
      id: non_identifying
      soon: {category: email, pending: true}
  public.later:
    pending: true
    columns: {id: non_identifying, body: free_text}
"""
        assert [str(rule.table) for rule in plan(tmp_path, lines, catalog(table("public.t", ID))).rules] == [
            "public.t"
        ]

    def test_pending_is_no_excuse_once_they_are_there(self, tmp_path: Path) -> None:
        lines = "  public.t:\n    pending: true\n    columns: {id: non_identifying}\n"
        found = catalog(table("public.t", ID, column("body")))
        assert said(tmp_path, lines, found) == [
            "7: no rule covers column public.t.body (text) (say what it is)"
        ]

    def test_a_partition_in_place_of_its_root(self, tmp_path: Path) -> None:
        root = table("public.log", ID, kind="p", partition_key=("id",))
        leaf = table("public.log_1", ID, parent=root.name)
        lines = (
            "  public.log: {columns: {id: non_identifying}}\n"
            "  public.log_1: {columns: {id: non_identifying}}\n"
        )
        assert said(tmp_path, lines, catalog(root, leaf)) == [
            "6: table public.log_1 is a partition of public.log (give the rules under public.log)"
        ]

    def test_generated_columns_need_no_rule(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", ID, column("twice", "bigint", generated="s", default="id * 2")))
        rule = plan(tmp_path, "  public.t: {columns: {id: non_identifying}}\n", found).rules[0]
        assert [(item.name, item.kind) for item in rule.columns] == [("id", "keep"), ("twice", "generated")]

    def test_foreign_tables_are_wires_and_no_business_of_a_plan(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", ID), table("public.far", column("email"), kind="f"))
        lines = "  public.t: {columns: {id: non_identifying}}\n"
        assert plan(tmp_path, lines, found).rewrites == ()
        assert plan(tmp_path, lines + "  public.far: {columns: {email: email}}\n", found).rewrites == ()

    def test_what_is_uncovered_can_be_asked_alone(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", ID, column("email")), table("public.new", ID))
        loaded = policy(tmp_path, "  public.t: {columns: {id: non_identifying, gone: email}}\n")
        assert [problem.what for problem in uncovered(loaded, found)] == [
            "no rule covers column public.t.email (text)",
            "no rule covers table public.new (1 columns)",
        ]


class TestWhatAColumnIs:
    def test_an_unknown_category(self, tmp_path: Path) -> None:
        assert one(tmp_path, "emial") == ["7: public.t.v: unknown category 'emial' (did you mean email?)"]

    def test_an_unknown_part_is_treated_as_its_category(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", column("v")))
        rule = plan(tmp_path, "  public.t: {columns: {v: name.nick}}\n", found).rules[0]
        assert rule.columns[0].summary == "surrogate full name"

    def test_an_unknown_treatment(self, tmp_path: Path) -> None:
        assert one(tmp_path, "{category: email, treat: {kind: surogate, of: email}}") == [
            "7: public.t.v: unknown treatment 'surogate' (did you mean surrogate?)"
        ]

    def test_null_without_its_quotes(self, tmp_path: Path) -> None:
        assert one(tmp_path, "{category: email, treat: {kind: null}}") == [
            '7: public.t.v: unknown treatment None (write kind: "null", in quotes)'
        ]

    @pytest.mark.parametrize("kind", ["[a]", "{a: b}", "7", "''"])
    def test_a_treatment_that_is_no_word(self, tmp_path: Path, kind: str) -> None:
        assert "unknown treatment" in one(tmp_path, f"{{category: email, treat: {{kind: {kind}}}}}")[0]

    def test_an_unknown_parameter(self, tmp_path: Path) -> None:
        assert one(tmp_path, "{category: email, treat: {kind: surrogate, of: email, domian: x}}") == [
            "7: public.t.v: surrogate domian: Extra inputs are not permitted (did you mean domain?)"
        ]

    def test_a_parameter_out_of_range(self, tmp_path: Path) -> None:
        rule = "\n        category: email\n        treat:\n          kind: date_shift\n          days: 0\n"
        assert one(tmp_path, rule, type_="date") == [
            "11: public.t.v: date_shift days: Input should be greater than or equal to 1"
        ]

    def test_a_missing_parameter(self, tmp_path: Path) -> None:
        assert one(tmp_path, "{category: email, treat: {kind: constant}}") == [
            "7: public.t.v: constant value: Field required"
        ]

    def test_kept_without_a_reason(self, tmp_path: Path) -> None:
        for category in ("email", "quasi_identifier.zip", "free_text"):
            assert one(tmp_path, f"{{category: {category}, treat: {{kind: keep}}}}") == [
                f"7: public.t.v: kept although it is {category} (say why: reason: ...)"
            ]

    @pytest.mark.parametrize(
        "rule",
        ["non_identifying", "quasi_identifier.zip", "{category: non_identifying, treat: {kind: keep}}",
         "{category: email, treat: {kind: keep}, reason: a role account}"],
    )  # fmt: skip
    def test_kept_for_a_reason(self, tmp_path: Path, rule: str) -> None:
        found = catalog(table("public.t", column("v")))
        kept = plan(tmp_path, f"  public.t: {{columns: {{v: {rule}}}}}\n", found)
        assert kept.rewrites == ()
        assert kept.rules[0].columns[0].kind == "keep"

    def test_mistakes_are_found_without_a_database(self, tmp_path: Path) -> None:
        loaded = policy(
            tmp_path, "  public.t: {columns: {a: emial, b: {category: email, treat: {kind: keep}}}}\n"
        )
        assert [problem.what for problem in check_treatments(loaded)] == [
            "public.t.a: unknown category 'emial'",
            "public.t.b: kept although it is email",
        ]


class TestPaths:
    def rule(self, *paths: str) -> str:
        lines = "".join(f"\n            {path}" for path in paths)
        return f"\n        category: json\n        treat:\n          kind: json\n          paths:{lines}\n"

    @pytest.mark.parametrize(
        ("path", "problem"),
        [
            ("a.b: emial", "path a.b: unknown category 'emial' (did you mean email?)"),
            ("a: {kind: surogate}", "path a: unknown treatment 'surogate' (did you mean surrogate?)"),
            ("a: {kind: surrogate, off: email}", "path a: surrogate of: Field required"),
            ("a: 7", "path a: neither a category nor a treatment (write a category, or {kind: ...})"),
            ("a:", "path a: neither a category nor a treatment (write a category, or {kind: ...})"),
            ("a: {kind: date_shift}", "path a: date_shift does not fit the text inside a document"),
        ],
    )
    def test_each_path_is_checked_at_its_own_line(self, tmp_path: Path, path: str, problem: str) -> None:
        assert one(tmp_path, self.rule("z: keep", path), type_="jsonb")[0] == f"13: public.t.v {problem}"

    def test_paths_that_cannot_be(self, tmp_path: Path) -> None:
        assert (
            "another path lies below it" in one(tmp_path, self.rule("a: keep", "a.b: keep"), type_="jsonb")[0]
        )
        assert "an empty key cannot be named" in one(tmp_path, self.rule("a..b: keep"), type_="jsonb")[0]
        assert one(tmp_path, self.rule("a: mrn"), type_="jsonb") == [
            "7: public.t.v: path a cannot hold a bijection"
        ]


class TestTreatmentsThatCannotFit:
    @pytest.mark.parametrize(
        ("rule", "facts", "what"),
        [
            ("{category: email, treat: {kind: 'null'}}", {"not_null": True},
             "null would put NULL into a NOT NULL column: use constant or placeholder"),
            ("email", {"type_": "varchar(20)"},
            "a surrogate email needs 25 characters, varchar(20) is too short"),
            ("ssn", {"type_": "varchar(4)"}, "ssn needs 9 characters, varchar(4) is too short"),
            ("{category: email, treat: {kind: unique, format: token}}", {"type_": "varchar(20)"},
             "token needs 21 characters, varchar(20) is too short"),
            ("credential.password", {"type_": "varchar(32)"},
             "a bcrypt hash needs 60 characters, varchar(32) is too short"),
            ("{category: email, treat: {kind: constant, value: abcdef}}", {"type_": "varchar(5)"},
             "the constant is longer than varchar(5)"),
            ("{category: email, treat: {kind: constant, value: many}}", {"type_": "int"},
             "the constant is not a number, the column is int"),
            ("email", {"type_": "date"}, "surrogate does not fit the type date"),
            ("email", {"type_": "inet"}, "a surrogate email is not a network address, the column is inet"),
            ("email", {"type_": "bigint"}, "a surrogate email is not a number, the column is bigint"),
            ("financial_sensitive", {"type_": "text"}, "scale does not fit the type text"),
            ("{category: email, treat: {kind: date_shift, by: who}}", {"type_": "date"},
             "date_shift by: column who does not exist"),
            ("mrn", {"type_": "text[]"}, "unique does not work inside arrays"),
            ("mrn", {"type_": "uuid"}, "a uuid has no digits format: use format: token"),
        ],
    )  # fmt: skip
    def test_refused(self, tmp_path: Path, rule: str, facts: dict[str, Any], what: str) -> None:
        assert one(tmp_path, rule, **facts) == [f"7: public.t.v: {what}"]

    def test_rows_that_are_not_stored_as_a_heap(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", column("v"), method="columnar"))
        assert one(tmp_path, "email", found) == [
            "5: public.t: stored by the access method columnar, only heaps can be rewritten"
            " (ALTER TABLE ... SET ACCESS METHOD heap, in production)"
        ]

    def test_a_generated_column_that_nothing_treated_changes(self, tmp_path: Path) -> None:
        full = column("name", generated="s", inputs=("first", "last"))
        found = catalog(table("public.t", column("first"), column("last"), full))
        lines = (
            "  public.t:\n    columns:\n      first: non_identifying\n      last: {}\n      name: name.full\n"
        )
        assert said(tmp_path, lines.format("non_identifying").replace("{}", "non_identifying"), found) == [
            "9: public.t.name: generated from columns that are all kept"
            " (treat a column that it is computed from)"
        ]
        assert plan(tmp_path, lines.replace("{}", "name.last"), found).rewrites[0].insert == ("first", "last")


class TestUniqueIndexes:
    @pytest.mark.parametrize(
        "index",
        [
            primary("v"),
            unique("t_v_key", "v"),
            unique("t_id_v_key", "id", "v"),
            unique("t_partial", "v", partial=True),
            unique("t_lower", "", touched=("v",)),
            unique("t_where", "id", touched=("id", "v"), partial=True),
        ],
        ids=lambda index: index.name,
    )
    def test_treatments_that_may_repeat_values(self, tmp_path: Path, index: object) -> None:
        found = catalog(table("public.t", ID, column("v"), uniques=(index,)))
        lines = "  public.t: {columns: {id: non_identifying, v: name.last}}\n"
        name = index.name  # type: ignore[attr-defined]
        assert said(tmp_path, lines, found) == [
            f"5: public.t.v: surrogate may repeat values, but index {name} is unique"
            " (treat it with {kind: unique})"
        ]

    def test_an_index_of_one_partition(self, tmp_path: Path) -> None:
        root = table("public.log", ID, column("v"), kind="p", partition_key=("id",))
        leaf = table("public.log_1", ID, column("v"), parent=root.name, uniques=(unique("log_1_v", "v"),))
        lines = "  public.log: {columns: {id: non_identifying, v: license_number}}\n"
        assert "index log_1_v is unique" in said(tmp_path, lines, catalog(root, leaf))[0]

    @pytest.mark.parametrize(
        "rule", ["mrn", "mrn.token", "email", "{category: email, treat: {kind: 'null'}}"]
    )
    def test_treatments_that_keep_values_apart(self, tmp_path: Path, rule: str) -> None:
        found = catalog(table("public.t", ID, column("v"), uniques=(unique("t_v_key", "v"),)))
        assert plan(
            tmp_path, f"  public.t: {{columns: {{id: non_identifying, v: {rule}}}}}\n", found
        ).rewrites

    def test_many_nulls_where_nulls_are_not_distinct(self, tmp_path: Path) -> None:
        index = unique(
            "t_v", "v", definition="CREATE UNIQUE INDEX t_v ON t USING btree (v) NULLS NOT DISTINCT"
        )
        found = catalog(table("public.t", column("v"), uniques=(index,)))
        assert "null may repeat values" in one(tmp_path, "{category: email, treat: {kind: 'null'}}", found)[0]


class TestForeignKeys:
    def tables(self, *uniques: object) -> Catalog:
        mine = table(
            "public.card",
            ID,
            column("mrn"),
            foreign_keys=(reference("public.card", "mrn", "public.person", "mrn"),),
        )
        return catalog(
            table(
                "public.person", column("mrn"), column("is_test", "boolean"), uniques=(unique("u", "mrn"),)
            ),
            mine,
        )

    def lines(self, person: str, card: str, exempt: str = "", through: str = "") -> str:
        return f"""
  public.person:
    {exempt}
    columns: {{mrn: {person}, is_test: non_identifying}}
  public.card:
    {through}
    columns: {{id: non_identifying, mrn: {card}}}
"""

    @pytest.mark.parametrize(
        ("person", "card", "difference"),
        [
            ("mrn", "{category: mrn, treat: {kind: keep}, reason: r}",
            "public.card.mrn (kept) references public.person.mrn (unique, domain mrn)"),
            ("non_identifying", "mrn",
            "public.card.mrn (unique, domain mrn) references public.person.mrn (kept)"),
            ("mrn", "{category: mrn, treat: {kind: unique, domain: other}}",
             "public.card.mrn (unique, domain other) references public.person.mrn (unique, domain mrn)"),
            ("mrn", "mrn.token",
             "public.card.mrn (unique, domain mrn) references public.person.mrn (unique, domain mrn)"),
        ],
    )  # fmt: skip
    def test_sides_treated_differently(self, tmp_path: Path, person: str, card: str, difference: str) -> None:
        assert said(tmp_path, self.lines(person, card), self.tables()) == [
            f"11: {difference} by foreign key fk (give both sides the same category and treatment)"
        ]

    @pytest.mark.parametrize(
        ("person", "card"), [("mrn", "mrn"), ("mrn.token", "mrn.token"), ("email", "email"),
                             ("non_identifying", "non_identifying"),
                             ("mrn", "{category: mrn, treat: {kind: 'null'}}")],
    )  # fmt: skip
    def test_sides_that_agree(self, tmp_path: Path, person: str, card: str) -> None:
        assert plan(tmp_path, self.lines(person, card), self.tables()).rules

    EXEMPT = "exempt: {where: is_test, reason: r, owner: o}"
    THROUGH = "exempt: {through: mrn, reason: r, owner: o}"

    @pytest.mark.parametrize("rule", ["mrn.token", "email"])
    def test_a_key_between_exempt_rows_and_others(self, tmp_path: Path, rule: str) -> None:
        assert said(tmp_path, self.lines(rule, rule, self.EXEMPT), self.tables()) == [
            "11: public.card.mrn: exempt rows keep what foreign key fk leads to, others do not"
            " (treat both sides with {kind: unique}, or exempt through this key)"
        ]

    def test_a_mapping_keeps_exempt_values_on_both_sides(self, tmp_path: Path) -> None:
        assert plan(tmp_path, self.lines("mrn", "mrn", self.EXEMPT), self.tables()).rules

    def test_exempt_through_the_key_itself(self, tmp_path: Path) -> None:
        assert plan(
            tmp_path, self.lines("mrn.token", "mrn.token", self.EXEMPT, self.THROUGH), self.tables()
        ).rules


class TestAllAtOnce:
    TABLES = """
  public.t:
    exempt: {where: email = 'x', reason: r, owner: o}
    columns:
      id: {category: email, treat: {kind: 'null'}}
      email: name.last
      gone: email
      kind: nonsense
  public.gone:
    columns: {}
"""

    def found(self) -> Catalog:
        columns = (ID, column("email", "varchar(5)"), column("kind"), column("extra"))
        return catalog(table("public.t", *columns, uniques=(unique("u", "email"),)), table("public.other"))

    def test_every_problem_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.yaml"
        assert [str(problem) for problem in problems(tmp_path, self.TABLES, self.found())] == [
            f"{path}:8: no rule covers column public.t.extra (text) (say what it is)",
            f"{path}:4: no rule covers table public.other (0 columns) (add it under tables:)",
            f"{path}:11: column public.t.gone does not exist",
            f"{path}:12: public.t.kind: unknown category 'nonsense'"
            " (known: " + ", ".join(policy(tmp_path, self.TABLES).profile.categories) + ")",
            f"{path}:13: table public.gone does not exist (did you mean public.other?)",
            f"{path}:7: exempt where: column email is treated, the condition would change its mind",
            f"{path}:9: public.t.id: null would put NULL into a NOT NULL column: use constant or placeholder",
            f"{path}:10: public.t.email: a surrogate last_name needs 10 characters, varchar(5) is too short",
            f"{path}:10: public.t.email: surrogate may repeat values, but index u is unique"
            " (treat it with {kind: unique})",
        ]

    def test_the_message_says_that_nothing_happened(self, tmp_path: Path) -> None:
        with pytest.raises(PlanRefused, match="9 problems") as refused:
            plan(tmp_path, self.TABLES, self.found())
        assert "nothing was changed, staging serves what it served" in str(refused.value)


def test_treated_columns_can_be_asked_for(tmp_path: Path) -> None:
    found = catalog(table("public.b", ID), table("public.a", ID, column("email")))
    loaded = policy(
        tmp_path,
        "  public.b: {columns: {id: non_identifying}}\n"
        "  public.a: {columns: {id: non_identifying, email: email}}\n",
    )
    assert [(str(item.name), list(treatments)) for item, treatments in bound_treatments(loaded, found)] == [
        ("public.a", ["email"])
    ]


_PURE = """
import sys
from pathlib import Path
from sanitizers.policy.plan import PLAN
from sanitizers.policy.bind import compile_plan
from tests.catalogs import linked_catalog
from tests.unit.test_bind import BIG
from tests.scrubbing import policy
sys.stdout.buffer.write(PLAN.dump_json(compile_plan(policy(Path(sys.argv[1]), BIG), linked_catalog())))
"""
BIG = """
  public.person:
    exempt: {where: is_test, reason: r, owner: o}
    columns: {id: non_identifying, mrn: mrn, is_test: non_identifying, email: email, phone: phone,
    notes: free_text}
  public.card:
    exempt: {through: mrn, reason: r, owner: o}
    columns: {id: non_identifying, mrn: mrn, who: name.full,
    birth: {category: quasi_identifier, treat: {kind: date_shift, by: mrn}}}
"""


def test_same_policy_and_catalog_same_bytes_in_any_process(tmp_path: Path) -> None:
    def elsewhere(seed: str) -> bytes:
        command = [sys.executable, "-c", _PURE, str(tmp_path)]
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(command, check=True, capture_output=True, env=environment).stdout

    first = elsewhere("1")
    assert first
    assert elsewhere("2") == first


def test_importing_it_does_not_load_faker() -> None:
    code = "import sys, sanitizers.policy.bind, sanitizers.policy.bindings; print('faker' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "False"
