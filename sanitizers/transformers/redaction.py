"""Redaction of free text: what the row says about itself goes, and what looks like an identifier."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any, Literal

from pydantic import Field, model_validator
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import TEXT, PartsParams, Scope, Transformer, Uniqueness, fragment, text_of

Pattern = Literal["url", "email", "ip", "ssn", "mrn", "phone", "date", "number"]

_MONTHS = (
    "Jan(?:uary)?", "Feb(?:ruary)?", "Mar(?:ch)?", "Apr(?:il)?", "May", "June?", "July?", "Aug(?:ust)?",
    "Sept?(?:ember)?", "Oct(?:ober)?", "Nov(?:ember)?", "Dec(?:ember)?",
)  # fmt: skip
_MONTH = f"(?:{'|'.join(_MONTHS)})"
_DAY = "[0-3]?[0-9](?:st|nd|rd|th)?"
_YEAR = "(?:[0-9]{4}|'?[0-9]{2})"
_BEFORE, _AFTER = "(?<![[:alnum:]])", "(?![[:alnum:]])"
_AFTER_DATE = f"(?:{_AFTER}|(?=T[0-9]))"
PATTERNS: dict[Pattern, str] = {
    "url": rf"{_BEFORE}(?:[a-z][a-z0-9+.-]*://|www[.])[^\s<>\"]+",
    "email": r"[^\s@<>()\",;:]+@[^\s@<>()\",;:]+[.][[:alpha:]]{2,}",
    "ip": (
        rf"{_BEFORE}(?:(?:[0-9]{{1,3}}[.]){{3}}[0-9]{{1,3}}|(?:[0-9a-f]{{2}}[:-]){{5}}[0-9a-f]{{2}}"
        r"|(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6})"
        f"{_AFTER}"
    ),
    "ssn": f"{_BEFORE}[0-9]{{3}}[- ][0-9]{{2}}[- ][0-9]{{4}}{_AFTER}",
    "mrn": (
        rf"{_BEFORE}(?:MRN?|(?:medical )?record|chart|patient|account|acct|policy|member)"
        r"(?: ?(?:id|no|nr|num|number))?[\s.:#-]*[[:alpha:]]{0,4}-?[0-9][[:alnum:]-]{2,}"
    ),
    "phone": (
        rf"{_BEFORE}[+]?(?:[0-9]{{1,3}}[-. ]?)?(?:[(][0-9]{{2,5}}[)] ?|[0-9]{{3}}[-. ])"
        rf"[0-9]{{3,4}}[-. ]?[0-9]{{3,4}}(?: ?(?:x|ext[.]?) ?[0-9]{{1,6}})?{_AFTER}"
        r"|(?<![[:alnum:]-])[0-9]{3}[-.][0-9]{4}(?![[:alnum:]-])"
    ),
    "date": (
        rf"{_BEFORE}(?:[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}|[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.]{_YEAR}"
        rf"|{_MONTH}[.]? +{_DAY}(?:,? +{_YEAR})?|{_DAY}(?: +of)? +{_MONTH}(?:[.]?,? +{_YEAR})?"
        rf"|{_MONTH}[.]?,? +[0-9]{{4}}){_AFTER_DATE}"
    ),
    "number": "[0-9](?:[- ]?[0-9]){5,}",
}
"""Regular expressions of the server, case ignored, in the order in which they are applied."""
_WHOLE = ("url", "email", "ip")
"""Patterns that a name or number of the row may be a part of: they go first."""
_NEEDED: dict[Pattern, str] = {"url": "://|www[.]", "email": "@"}
"""What a text must have for the pattern to be worth its time; a digit where nothing is said."""
_NOTHING = "a^"
"""A regular expression that nothing matches."""

_SEPARATORS = r"[\s!-/:-@[-\x60{-~\u00a0\u2018\u2019]"
"""White space and ASCII punctuation; everything else is part of a word."""
_LETTER = r"[^\s!-@[-\x60{-~\u00a0\u2018\u2019]"
_APART = rf"{_SEPARATORS}+(?:{_LETTER}{_SEPARATORS}+)*"
"""Between two words, single letters left out: `A` alone would take every article with it."""
_INITIAL = r"[[:alpha:]][.'\u2019\s]+"
_ISO = "^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}"
_CENTURY = "(?:\\1)?\\2"
_DATES = (
    "\\1\\2[-/. ]?0?\\3[-/. ]?0?\\4",
    f"0?\\3[-/. ]0?\\4[-/. ]{_CENTURY}",
    f"0?\\4[-/. ]0?\\3[-/. ]{_CENTURY}",
    f"<\\3>[. ]+0?\\4(?:st|nd|rd|th)?(?:,? +{_CENTURY})?",
    f"0?\\4(?:st|nd|rd|th)?(?: of)? +<\\3>(?:[.,]* +{_CENTURY})?",
)
"""Spellings of one date: century, year, month and day are put in, then the month's name for <month>."""


def _concat_ws(separator: str, parts: Iterable[exp.Expression]) -> exp.Expression:
    # By its name: sqlglot's own node gives NULL where a part is NULL.
    return exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(separator), *parts])


def _words(values: list[exp.Expression]) -> exp.Expression:
    """Every word of the values that have no digit, as alternatives. No character of a word means more."""
    names = [fragment("CASE WHEN :v !~ '[0-9]' THEN left(:v, 200) END", v=value) for value in values]
    return fragment(
        "nullif(btrim(regexp_replace(concat(' ', :names, ' '), :apart, '|', 'g'), '|'), '')",
        names=_concat_ws(" ", names),
        apart=_APART,
    )


def _number(value: exp.Expression) -> exp.Expression:
    """Letters and digits of a value with digits that is no date, then its digits alone, punctuated anyhow."""
    return fragment(
        """CASE WHEN :v ~ '[0-9]' AND :v !~ :iso THEN nullif(concat_ws('|',
               regexp_replace(substring(regexp_replace(left(:v, 200), '[^[:alnum:]]', '', 'g') from '^.{4,}'),
                              '(.)(?=.)', :loose, 'g'),
               regexp_replace(substring(regexp_replace(left(:v, 200), '[^0-9]', '', 'g') from '^.{5,}'),
                              '(.)(?=.)', :loose, 'g')), '') END""",
        v=value,
        iso=_ISO,
        loose="\\1[-. ()/#]{0,2}",
    )


def _digits(value: exp.Expression) -> exp.Expression:
    """What the digits of a text have in them wherever `_number` finds something."""
    return fragment(
        """CASE WHEN :v ~ '[0-9]' AND :v !~ :iso
                THEN concat('%', regexp_replace(left(:v, 200), '[^0-9]+', '', 'g'), '%') END""",
        v=value,
        iso=_ISO,
    )


def _date(value: exp.Expression) -> exp.Expression:
    return fragment(
        """CASE WHEN :v ~ :iso THEN replace(
               regexp_replace(:v, '^([0-9]{2})([0-9]{2})-0?([0-9]+)-0?([0-9]+).*$', :spelled),
               concat('<', substr(:v, 6, 2)::int, '>'),
               split_part(:months, ',', substr(:v, 6, 2)::int)) END""",
        v=value,
        iso=_ISO,
        spelled="|".join(_DATES),
        months=",".join(_MONTHS),
    )


def _day(value: exp.Expression) -> exp.Expression:
    """What the digits of a text have in them wherever `_date` finds something."""
    return fragment(
        "CASE WHEN :v ~ :iso THEN concat('%', ltrim(substr(:v, 9, 2), '0'), '%') END", v=value, iso=_ISO
    )


class RedactParams(PartsParams):
    columns: tuple[str, ...] = ()
    """Columns of the same row whose values are removed wherever the text repeats them."""
    through: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Foreign-key columns, each with columns of the row it leads to that are removed likewise."""
    patterns: tuple[Pattern, ...] = tuple(PATTERNS)
    """What is removed by its looks; all of them when left out."""

    @model_validator(mode="after")
    def _something(self) -> RedactParams:
        if not (self.columns or self.through or self.patterns):
            raise ValueError("nothing to remove: name columns, through or patterns")
        return self


class Redact(Transformer):
    """Removes identifiers from free text and leaves the rest of it, for those who need the text.

    Removed are, in any case of letters: the words of names in `columns` and `through`, alone or in any order
    and punctuation (`Last, First`); their numbers with at least four characters, punctuated anyhow; their
    dates in the usual spellings; and what looks like one of `patterns`. Each leaves a mark such as [NAME].
    The values are the originals, also of columns that are treated themselves. Single letters stay.
    No rule can know every way of naming somebody: nicknames, misspellings, relatives, places and rare events
    stay, so this proves nothing about the result. Replacing the text (`text`) is the safe choice, and the
    profile's. Equal texts of different rows may become different.
    """

    kind = "redact"
    family = "suppression"
    params = RedactParams
    accepts = TEXT - {"name"}
    deterministic = False
    may_equal = True

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: RedactParams) -> str:
        linked = [f"{key}.{column}" for key, columns in params.through.items() for column in columns]
        own = f"the row's {', '.join([*params.columns, *linked])}" if params.columns or linked else ""
        return f"redacted: {'; '.join(part for part in (own, ', '.join(params.patterns)) if part)}"

    def reads(self, params: RedactParams) -> frozenset[str]:
        return frozenset([*params.columns, *params.through])

    def expression(
        self, column: Column, params: RedactParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        first = [name for name in PATTERNS if name in params.patterns and name in _WHOLE]
        later = [name for name in PATTERNS if name in params.patterns and name not in _WHOLE]
        original = text_of(column, value)
        text = _without_patterns(original, original, first)
        text = _without_own(text, original, _identifiers(params, scope), scope)
        text = _without_patterns(text, original, later)
        # A mark may be longer than what it stands for.
        return text if column.max_length is None else fragment("left(:t, :n)", t=text, n=column.max_length)


def _without_patterns(text: exp.Expression, original: exp.Expression, names: list[Pattern]) -> exp.Expression:
    for name in names:
        pattern = fragment(
            "CASE WHEN :v ~ :needed THEN :pattern ELSE :nothing END",
            v=original,
            needed=_NEEDED.get(name, "[0-9]"),
            pattern=PATTERNS[name],
            nothing=_NOTHING,
        )
        text = _replaced(text, pattern, name)
    return text


def _replaced(text: exp.Expression, pattern: exp.Expression, name: str) -> exp.Expression:
    mark = f"[{name.upper()}]"
    return fragment("regexp_replace(:t, :pattern, :mark, 'gi')", t=text, pattern=pattern, mark=mark)


def _identifiers(params: RedactParams, scope: Scope) -> list[exp.Expression]:
    own = [scope.column(name) for name in params.columns]
    linked = [scope.linked(key, name) for key, names in params.through.items() for name in names]
    # As JSON spells them: dates are ISO whatever the session's style.
    return [fragment("(to_jsonb(:v) #>> '{}')", v=value) for value in own + linked]


def _without_own(
    text: exp.Expression, original: exp.Expression, values: list[exp.Expression], scope: Scope
) -> exp.Expression:
    if not values:
        return text
    digits = fragment("regexp_replace(:v, '[^0-9]+', '', 'g')", v=original)
    for name, spelled, trace in (("id", _number, _digits), ("date", _date, _day)):
        found = scope.once(fragment("nullif(:all, '')", all=_concat_ws("|", map(spelled, values))))
        traces = scope.once(exp.Array(expressions=[trace(value) for value in values]))
        text = _replaced(text, _pattern(digits, traces, f"{_BEFORE}(?:", found, f"){_AFTER_DATE}"), name)
    words = scope.once(_words(values))
    traces = fragment("string_to_array(concat('%', replace(lower(:w), '|', '%|%'), '%'), '|')", w=words)
    between = rf")(?:[\s,.'\u2019-]+(?:{_INITIAL})?(?:"
    names = (f"{_BEFORE}(?:[[:alpha:]]['\u2019])?(?:", words, between, words, f"))*{_AFTER}")
    return _replaced(text, _pattern(fragment("lower(:v)", v=original), traces, *names), "name")


def _pattern(
    searched: exp.Expression, traces: exp.Expression, *parts: str | exp.Expression
) -> exp.Expression:
    """The parts in a row, or what matches nothing where none of them can be: a row's own pattern is dear."""
    trees = (exp.Literal.string(part) if isinstance(part, str) else part for part in parts)
    return fragment(
        "CASE WHEN :searched LIKE ANY(:traces) THEN coalesce(:all, :nothing) ELSE :nothing END",
        searched=searched,
        traces=traces,
        all=reduce(_joined, trees),
        nothing=_NOTHING,
    )


def _joined(one: exp.Expression, other: exp.Expression) -> exp.Expression:
    return fragment(":one || :other", one=one, other=other)
