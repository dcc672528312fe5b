"""The error tree: every way Understudy refuses or fails, with a stable exit code and a next step.

Messages name things (files, tables, columns, SQLSTATEs), never data: whoever raises one of these puts no
row value into it. `exit_code` is the process's exit status and is never reused for another meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (file:line or object name), what, and what to do about it."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.hint})" if self.hint else text


class UnderstudyError(Exception):
    """Base of the tree. `retryable` says whether the same call may succeed later with nothing changed."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    result: Any = None
    """What the failed stage had found out by then (one of `results`), if anything."""
    report: Any = None
    """Where the refused run's report lies (`results.ReportResult`), once there is one."""

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", problems: tuple[Problem, ...] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.problems = problems

    def __str__(self) -> str:
        lines = [str(Problem(self.where, self.what))]
        lines += [f"  - {problem}" for problem in self.problems]
        if self.hint:
            lines.append(f"  What to do: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments do not survive Exception's own pickling.
        state = {"where": self.where, "hint": self.hint, "problems": self.problems}
        return (_rebuild, (type(self), self.what, state))

    def to_json(self) -> dict[str, Any]:
        """The error as plain values, for `--json`, records and the control database."""
        return {
            "error": type(self).__name__,
            "exit_code": self.exit_code,
            "retryable": self.retryable,
            "what": self.what,
            "where": self.where,
            "hint": self.hint,
            "problems": [vars(problem) for problem in self.problems],
        }


def _rebuild(kind: type[UnderstudyError], what: str, state: dict[str, Any]) -> UnderstudyError:
    return kind(what, **state)


class PolicyInvalid(UnderstudyError):
    """The policy file cannot be read: broken YAML, an unknown key, an unknown kind."""

    exit_code = 10


class SettingsInvalid(UnderstudyError):
    """The settings file cannot be read, or a secret it refers to is not there."""

    exit_code = 11


class PlanRefused(UnderstudyError):
    """The policy does not fit the database: all problems at once."""

    exit_code = 12


class SourceUnreachable(UnderstudyError):
    """The source does not answer."""

    exit_code = 20
    retryable = True


class SourceRefused(UnderstudyError):
    """The source answers and says no: wrong password, missing right, wrong setting."""

    exit_code = 21


class ServerMissing(UnderstudyError):
    """No server binaries of the needed major version, or an extension is not installed here."""

    exit_code = 22


class DiskShort(UnderstudyError):
    """Not enough room for the snapshot, the clone or the rewrite."""

    exit_code = 23
    retryable = True


class ServerFailed(UnderstudyError):
    """A server of ours does not start, stop or answer."""

    exit_code = 24
    retryable = True


class StatementFailed(UnderstudyError):
    """PostgreSQL refused a statement. Carries names and the SQLSTATE, never the server's message text."""

    exit_code = 30


class NotSealed(UnderstudyError):
    """The clone still holds a wire to the outside after isolation."""

    exit_code = 31


class ScrubFailed(UnderstudyError):
    """A table could not be rewritten."""

    exit_code = 32


class ResidueFound(UnderstudyError):
    """Originals are left in the clone."""

    exit_code = 33


class OffsetExhausted(UnderstudyError):
    """A sequence has no room left for a window of its own."""

    exit_code = 34


class MigrationFailed(UnderstudyError):
    """A pending migration failed, or made a column that the policy does not cover."""

    exit_code = 35


class GateFailed(UnderstudyError):
    """Validation found the clone unfit for release."""

    exit_code = 36


class NotApproved(UnderstudyError):
    """A required human decision was refused or did not come in time."""

    exit_code = 37


class EndpointFailed(UnderstudyError):
    """The endpoint could not be pointed at the generation; it still points where it pointed."""

    exit_code = 38


class Busy(UnderstudyError):
    """Another run holds this database."""

    exit_code = 40
    retryable = True


class NotFound(UnderstudyError):
    """No database, generation, run or file of that name."""

    exit_code = 41


class WrongState(UnderstudyError):
    """The generation is not in the state this step needs."""

    exit_code = 42


class GuardTripped(UnderstudyError):
    """A write was about to reach a server that is not this run's clone. Nothing was written."""

    exit_code = 50
