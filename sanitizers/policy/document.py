"""The policy as written: strict YAML, one file per production database, every mistake with file and line.

A column says what it *is* (`email`, `name.first`, `quasi_identifier.birth_date`); the profile decides what is
done to it; `treat:` overrides the profile for one column.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sanitizers.errors import PolicyInvalid
from sanitizers.postgres.statements import data_root
from sanitizers.yamlfile import Document, read_model, read_text

_HOW_TO_WRITE = "write one with `understudy init DSN`"
Classification = Literal["direct_identifier", "quasi_identifier", "sensitive_attribute", "non_identifying"]


class Strict(BaseModel):
    """A mapping in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ColumnRule(Strict):
    """What one column is. In YAML a bare string is short for `{category: <string>}`."""

    category: str
    treat: dict[str, Any] | None = None
    """`{kind: ..., <params>}`, instead of what the profile does with the category."""
    reason: str | None = None
    """Why the column may be kept; wanted whenever a column that is not non-identifying is kept by hand."""
    references: str | None = None
    """`schema.table.column` whose values this column holds, where the database declares no foreign key."""
    pending: bool = False
    """The column arrives with a migration production has not had yet."""

    @field_validator("references")
    @classmethod
    def _names_a_column(cls, references: str | None) -> str | None:
        if references is not None and references.count(".") != 2:
            raise ValueError("write it as schema.table.column")
        return references

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"category": value} if isinstance(value, str) else value


class Exemption(Strict):
    """Rows that arrive unchanged, for instance static test data labelled as such in production."""

    where: str | None = None
    """A condition on the row's own columns."""
    through: str | None = None
    """A foreign-key column: exempt when the row it leads to is exempt."""
    reason: str
    owner: str
    expires: date | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Exemption:
        if (self.where is None) == (self.through is None):
            raise ValueError("an exemption says either `where` or `through`")
        return self


class RowRule(Strict):
    """Which rows of a table arrive. `drop` and `referenced` may stand alone, as a bare word."""

    drop: bool = False
    """No row arrives, and no row that refers to one."""
    keep: str | None = None
    """A condition on the row's own columns; rows that do not satisfy it are dropped, unless chosen ones refer
    to them."""
    sample: float | None = Field(default=None, gt=0, lt=1)
    """A share of the rows (of those that `keep` describes, where both are there), drawn by the run's key.
    Exempt rows are always among them."""
    referenced: bool = False
    """Only rows that some other kept row refers to, beside those that `keep` and `sample` choose."""
    follow: tuple[str, ...] = ()
    """Foreign keys, by name or by column, that rows come along with: a row is kept where the rows these lead
    to are, and is no reason to keep those."""
    set_null: tuple[str, ...] = ()
    """Foreign keys, by name or by column, that become NULL where the row they lead to is dropped, instead of
    dropping the row that holds them."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {value: True} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way(self) -> RowRule:
        chosen = self.chooses or self.referenced
        if (self.drop and (chosen or self.follow or self.set_null)) or (self.follow and chosen):
            raise ValueError(
                "rows say `drop` alone, or `follow`, or any of `keep`, `sample` and `referenced`"
            )
        if set(self.follow) & set(self.set_null):
            raise ValueError("a foreign key is named in `follow` or in `set_null`, not in both")
        return self

    @property
    def chooses(self) -> bool:
        """Whether rows are chosen that have to be there, with everything they refer to."""
        return self.keep is not None or self.sample is not None


class IdRule(Strict):
    """How a table's ids come about, where no sequence of its own makes them: a counter, a sequence that the
    application asks, or somebody who cannot be moved."""

    counter: str | None = None
    """`schema.table.column` that holds the next id, or the next block of ids (hi/lo, table generators)."""
    where: str | None = None
    """Which row of the counter's table, as a condition on its own columns; unless there is only one."""
    block: int = Field(default=1, ge=1)
    """Ids that one value of the counter stands for (hi/lo); 1 where it holds ids themselves."""
    sequence: str | None = None
    """`schema.sequence` that the application asks by itself, without a default in the database."""
    by: Literal["max", "application"] | None = None
    """`max(id) + 1`, or ranges that the application keeps: staging goes on where production stands."""
    collides: Literal["accepted"] | None = None
    """Has to be said with `by`: staging's new ids are those that production will give, too."""
    reason: str = ""
    """Why collisions do no harm; wanted with `by`."""
    column: str | None = None
    """The id column, where the primary key has more than one."""

    @model_validator(mode="after")
    def _one_of(self) -> IdRule:
        if sum(one is not None for one in (self.counter, self.sequence, self.by)) != 1:
            raise ValueError("ids say one of `counter`, `sequence` and `by`")
        if self.counter is None and (self.where is not None or self.block != 1):
            raise ValueError("`where` and `block` go with `counter`")
        if self.counter is not None and self.counter.count(".") != 2:
            raise ValueError("write the counter as schema.table.column")
        if (self.by is None) != (self.collides is None) or (self.by and not self.reason):
            raise ValueError(
                "ids made `by` others stay where they are: say `collides: accepted` and why that does no harm"
                " (`reason`)"
            )
        return self


class TableRule(Strict):
    columns: dict[str, ColumnRule]
    subject: str | None = None
    """The column that names the person a row is about. Surrogates of the row then come from that person, not
    from each value: faster, and name, e-mail and dates of one person agree in every table. A treatment with
    a `domain:` of its own follows the value all the same."""
    exempt: Exemption | None = None
    rows: RowRule | None = None
    """Which rows arrive. Without it all do, but for those that refer to a dropped row."""
    ids: IdRule | None = None
    """How new ids are made, where no sequence of the table's own makes them."""
    pending: bool = False
    """The table arrives with a migration production has not had yet."""


class Expectation(Strict):
    """One expectation in Great Expectations' own vocabulary."""

    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Literal["critical", "warning", "info"] = "critical"


class Epoch(Strict):
    """How long the key of a linkage domain is kept. All other keys are gone before a clone is released."""

    days: int = Field(ge=1, le=366)
    reason: str


class LargeObjects(Strict):
    """What becomes of the content that tables refer to by number, in `pg_largeobject`."""

    treat: Literal["empty", "keep"]
    reason: str


class Policy(Strict):
    """What happens to every column of one production database. No hosts, no secrets."""

    policy: str = Field(description="The database this policy is for.")
    version: int = Field(ge=1)
    profile: str = "hipaa-lds"
    purpose: str = ""
    data_use_agreement: str = ""
    author: str = ""
    locale: str = "en_US"
    """Faker's locale for the word lists of surrogates."""
    tables: dict[str, TableRule]
    large_objects: LargeObjects | None = None
    """Has to be said when the database has any: emptied, they stay where they are, without content."""
    epochs: dict[str, Epoch] = Field(default_factory=dict)
    """By linkage domain: pseudonyms that stay the same from night to night, for that many days."""
    expect: dict[str, list[Expectation]] = Field(default_factory=dict)
    """Expectations by table name, checked after everything else."""


class CategoryRule(Strict):
    """What a profile does with one category."""

    title: str
    cite: str = ""
    classification: Classification
    required: bool = False
    """Listed in every report, treated or searched-and-none-found."""
    reason: str = ""
    """Why the profile keeps it, when it does."""
    treat: dict[str, Any]
    parts: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Treatments of `category.part`; a part that is not listed is treated as the category."""


_UNSTRUCTURED = {"credential", "free_text", "json", "binary"}


class Profile(Strict):
    profile: str
    title: str
    basis: str
    version: int
    statement: str
    """The sentence every report carries about what the result is."""
    epochs: bool = True
    """Whether keys may outlive a run."""
    categories: dict[str, CategoryRule]

    def rule(self, category: str) -> CategoryRule | None:
        return self.categories.get(category.partition(".")[0])

    def treatment(self, category: str) -> dict[str, Any]:
        """The treatment of a category or of one of its parts."""
        head, _, part = category.partition(".")
        rule = self.categories[head]
        return rule.parts.get(part, rule.treat)

    def must_go(self, category: str) -> bool:
        """Whether no value of the category may survive: direct identifiers, and what may hold any of them."""
        head = category.partition(".")[0]
        return self.categories[head].classification == "direct_identifier" or head in _UNSTRUCTURED

    def nearest(self, category: str) -> str:
        """A hint for a category the profile does not know."""
        known = [*self.categories, *(f"{c}.{p}" for c, rule in self.categories.items() for p in rule.parts)]
        near = difflib.get_close_matches(category, known, 1)
        return f"did you mean {near[0]}?" if near else f"known: {', '.join(self.categories)}"


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy with where it came from: its file, its bytes' SHA-256, its lines."""

    document: Document = field(repr=False)
    policy: Policy
    profile: Profile

    @property
    def path(self) -> Path:
        return self.document.path

    @property
    def text(self) -> str:
        return self.document.text

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def where(self, *keys: int | str) -> str:
        """`file:line` of the deepest of these keys that the file has."""
        return self.document.where(*keys)


def load_policy(path: Path) -> LoadedPolicy:
    """Reads a policy and its profile. PolicyInvalid lists every mistake of the file."""
    return parse_policy(read_text(path, PolicyInvalid, called="policy", missing=_HOW_TO_WRITE), path)


def parse_policy(text: str, path: Path) -> LoadedPolicy:
    """A policy from its recorded text, as `load_policy` read it from `path` then."""
    document = Document(path, text, "policy", PolicyInvalid)
    policy = document.fit(Policy)
    return LoadedPolicy(document, policy, load_profile(policy.profile, document))


def load_profile(name: str, document: Document | None = None) -> Profile:
    """A profile of `policies/profiles/` by name; `document` is the policy that names it."""
    folder = data_root("policies") / "profiles"
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        where = document.where("profile") if document else ""
        raise PolicyInvalid(f"no profile named {name!r}", where=where, hint=hint)
    state = path.stat()
    return _profile(path, state.st_mtime_ns, state.st_size)


@lru_cache
def _profile(path: Path, _changed: int, _size: int) -> Profile:
    """Read once for all the policies that name it, and again when the file changes."""
    return read_model(path, Profile, PolicyInvalid, called="profile", missing="")
