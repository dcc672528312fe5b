"""The treatments, by kind. To add one: one class in a file here, one line in the table below."""

from __future__ import annotations

from sanitizers.transformers.base import Transformer
from sanitizers.transformers.credential import KnownPassword
from sanitizers.transformers.pseudonym import Pseudonym, Unique
from sanitizers.transformers.randomization import DateShift, Scale
from sanitizers.transformers.structure import Json
from sanitizers.transformers.suppression import Constant, Keep, Null, Placeholder
from sanitizers.transformers.surrogate import Surrogate, Text

TRANSFORMERS: dict[str, Transformer] = {
    transformer.kind: transformer
    for transformer in (
        Keep(),
        Null(),
        Constant(),
        Placeholder(),
        Surrogate(),
        Text(),
        Pseudonym(),
        Unique(),
        KnownPassword(),
        DateShift(),
        Scale(),
        Json(),
    )
}
