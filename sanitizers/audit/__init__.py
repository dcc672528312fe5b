"""Evidence: the record of one run as JSON, and the page a person reads."""

from sanitizers.audit.page import render_page
from sanitizers.audit.record import SCHEMA_VERSION, RunFacts, build_record, canonical

__all__ = ["SCHEMA_VERSION", "RunFacts", "build_record", "canonical", "render_page"]
