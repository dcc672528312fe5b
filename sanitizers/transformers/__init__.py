"""The treatments, by kind. To add one: one class in a file here, one line in the table below."""

from __future__ import annotations

from sanitizers.transformers.base import Transformer
from sanitizers.transformers.choice import Choice
from sanitizers.transformers.composite import Composite
from sanitizers.transformers.credential import KnownPassword
from sanitizers.transformers.expression import Sql
from sanitizers.transformers.function import Python
from sanitizers.transformers.generalization import Bucket, Round, TopCode, Truncate
from sanitizers.transformers.geography import Centroid, Zip3
from sanitizers.transformers.identifier import Identifier
from sanitizers.transformers.permutation import Permutation
from sanitizers.transformers.pseudonym import Pseudonym, Unique
from sanitizers.transformers.randomization import DateShift, Noise, Scale, SumOf
from sanitizers.transformers.redaction import Redact
from sanitizers.transformers.structure import Hstore, Json
from sanitizers.transformers.suppression import Constant, Keep, Null, Placeholder
from sanitizers.transformers.surrogate import Surrogate, Text
from sanitizers.transformers.tsvector import Tsvector
from sanitizers.transformers.xml import Xml

TRANSFORMERS: dict[str, Transformer] = {
    transformer.kind: transformer
    for transformer in (
        Keep(),
        Null(),
        Constant(),
        Placeholder(),
        Surrogate(),
        Text(),
        Identifier(),
        Pseudonym(),
        Unique(),
        KnownPassword(),
        DateShift(),
        Noise(),
        Scale(),
        SumOf(),
        Permutation(),
        Truncate(),
        TopCode(),
        Round(),
        Bucket(),
        Zip3(),
        Centroid(),
        Choice(),
        Json(),
        Hstore(),
        Xml(),
        Composite(),
        Tsvector(),
        Sql(),
        Python(),
        Redact(),
    )
}
