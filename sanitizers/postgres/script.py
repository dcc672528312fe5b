"""SQL files run as they are, many statements at once, and the number of the one that failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import Connection, Error, errors, generators
from psycopg.pq import ExecStatus
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

_COPIES = {ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH}


class ScriptFailed(Exception):
    """A statement failed. `statement` counts from 1.

    `error` is None when it is a COPY from or to the client; the connection is closed then.
    """

    def __init__(self, statement: int, error: Error | None) -> None:
        super().__init__(statement)
        self.statement = statement
        self.error = error


def run_script(connection: Connection[Any], text: str, *, first: int = 1) -> None:
    """Sends the whole text as one simple query; statements are counted from `first`. Results are dropped."""
    info, pgconn = connection.info, connection.pgconn
    pgconn.send_query(text.encode(info.encoding))
    for number, result in enumerate(connection.wait(generators.execute(pgconn)), first):
        if result.status == ExecStatus.FATAL_ERROR:
            raise ScriptFailed(number, errors.error_from_result(result, info.encoding))
        if result.status in _COPIES:
            connection.close()
            raise ScriptFailed(number, None)


def run_apart(connection: Connection[Any], text: str) -> None:
    """Sends each statement alone, so that those run that refuse to share a transaction."""
    for number, one in enumerate(split(text), 1):
        run_script(connection, one, first=number)


def split(text: str) -> list[str]:
    """The statements of a script; bodies of SQL-standard functions, strings and comments stay whole.

    ValueError when a string or comment does not end.
    """
    try:
        tokens = Postgres().tokenize(text)
    except SqlglotError:
        raise ValueError("a string or comment does not end") from None
    ends = list(_ends(tokens))
    starts = [0, *(end + 1 for end in ends)]
    parts = [text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True)]
    first_tokens = [token.start for token in tokens if token.token_type != TokenType.SEMICOLON]
    return [
        part
        for part, start in zip(parts, starts, strict=True)
        if any(start <= at < start + len(part) for at in first_tokens)
    ]


def _ends(tokens: list[Token]) -> Iterator[int]:
    """Where the semicolons between statements are: those inside BEGIN ATOMIC ... END are none."""
    depth = 0
    for before, token in zip([None, *tokens], tokens, strict=False):
        word = token.text.upper() if token.token_type != TokenType.STRING else ""
        if word == "ATOMIC" and before and before.text.upper() == "BEGIN":
            depth = 1
        elif depth and word == "CASE":
            depth += 1
        elif depth and word == "END":
            depth -= 1
        elif not depth and token.token_type == TokenType.SEMICOLON:
            yield token.start
