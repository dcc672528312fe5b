"""The control database: what every worker knows about runs, generations and ids handed out."""

from sanitizers.control.database import Control
from sanitizers.control.model import (
    Generation,
    HandedOut,
    NewRun,
    ReportEntry,
    RunEntry,
    StageEntry,
    State,
    Status,
    SwitchEntry,
)

__all__ = [
    "Control",
    "Generation",
    "HandedOut",
    "NewRun",
    "ReportEntry",
    "RunEntry",
    "StageEntry",
    "State",
    "Status",
    "SwitchEntry",
]
