"""Presidio's pattern recognizers as a function for `{kind: python}`: offline, without a language model.

Wants the extras `functions` and `presidio`. Names and places take a model, and are not among what it finds:
remove those the database knows with `{kind: redact}`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_SURE = 0.4
"""Scores from 0 to 1; below are patterns that only the words around them could confirm."""


def redact(values: Any) -> Any:
    """An Arrow array of texts in which every finding is replaced by its entity, such as [US_SSN].

    `treat: {kind: python, function: "sanitizers.transformers.presidio:redact"}`
    """
    import pyarrow as pa

    return pa.array([_redacted(text) for text in values.to_pylist()], pa.string())


def _redacted(text: str | None) -> str | None:
    if text is None:
        return None
    found = [
        result
        for recognizer in _recognizers()
        for result in recognizer.analyze(text, recognizer.supported_entities, None) or ()
        if result.score >= _SURE
    ]
    # From the end, so that places stay right.
    for result in sorted(_apart(found), key=lambda result: -result.start):
        text = f"{text[: result.start]}[{result.entity_type}]{text[result.end :]}"
    return text


def _apart(found: list[Any]) -> list[Any]:
    """Of findings that overlap the surest, then the longest."""
    taken: list[Any] = []
    for result in sorted(found, key=lambda result: (-result.score, result.start - result.end)):
        if all(result.end <= other.start or other.end <= result.start for other in taken):
            taken.append(result)
    return taken


@cache
def _recognizers() -> tuple[Any, ...]:
    import tldextract.tldextract
    from presidio_analyzer import PatternRecognizer, RecognizerRegistry

    # The one it comes with would ask the network for a newer list of domains.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    return tuple(found for found in registry.recognizers if isinstance(found, PatternRecognizer))
