"""The worker that runs suites with Great Expectations: one JSON request on stdin, JSON lines on stdout.

Nothing that could hold a value of the data leaves this process: counts, rates and class names do.
"""

from __future__ import annotations

import builtins
import json
import os
import re
import sys
from typing import Any, TextIO

from psycopg import errors

from sanitizers.postgres.connection import NO_LIBRARIES, options

_URL = "postgresql+psycopg://clone@localhost/clone"
"""Only the driver matters: where to connect is said in the connect arguments, which override it."""
_SESSION = options(
    "default_transaction_read_only=on", "jit=off", "client_connection_check_interval=2s", *NO_LIBRARIES
)
"""Reads only, and stops reading soon after this process is gone."""
_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_COUNTS = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "missing_count",
    "missing_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
)
_COUNTING = re.compile(r"_count_|_proportion_|^unexpected_rows_")
"""Expectations whose observed value is a number of rows, columns or distinct values, and no value itself."""
_CONDITION = re.compile(r"\(psycopg\.errors\.([A-Z]\w+)\)")
_CLASS = re.compile(r"^(?:\w+\.)*([A-Z]\w*Error)\b", re.MULTILINE)


def main() -> None:
    answers = _own_stdout()
    error = ""
    try:
        import great_expectations

        if request := sys.stdin.buffer.read():
            _serve(great_expectations, json.loads(request), answers)
    except Exception as failure:
        error = type(failure).__name__
    _say(answers, {"done": True, "error": error})


def _own_stdout() -> TextIO:
    """The real stdout; whatever else prints goes nowhere."""
    mine = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return mine


def _say(answers: TextIO, line: dict[str, Any]) -> None:
    answers.write(json.dumps(line, default=float) + "\n")
    answers.flush()


def _serve(gx: Any, request: dict[str, Any], answers: TextIO) -> None:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_postgres(
        "clone", connection_string=_URL, kwargs={"connect_args": _connect(request["dsn"])}
    )
    for suite in request["suites"]:
        _say(answers, {"suite": suite["name"]})
        _say(answers, {"result": _validated(gx, source, suite)})


def _connect(dsn: dict[str, str]) -> dict[str, str]:
    given = f"{dsn.get('options') or ''} {_SESSION}"
    return {**dsn, "options": given.strip(), "application_name": "understudy expectations"}


def _validated(gx: Any, source: Any, suite: dict[str, Any]) -> dict[str, Any]:
    """The suite's validation result in Great Expectations' shape; whatever cannot be evaluated has failed."""
    built: list[Any] = []
    results: dict[int, dict[str, Any]] = {}
    for number, item in enumerate(suite["expectations"]):
        try:
            built.append(_expectation(item, number))
        except Exception as failure:
            results[number] = _result(item, {}, type(failure).__name__)
    try:
        for found in _evaluated(gx, source, suite, built):
            number = found["expectation_config"]["meta"]["number"]
            results[number] = _result(suite["expectations"][number], found, _raised(found["exception_info"]))
    except Exception as failure:
        for number, item in enumerate(suite["expectations"]):
            results.setdefault(number, _result(item, {}, type(failure).__name__))
    return _summary(gx, suite["name"], [results[number] for number in sorted(results)])


def _expectation(item: dict[str, Any], number: int) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    kind: Any = get_expectation_impl(item["type"])
    return kind(**item["kwargs"], severity=item["severity"], meta={"number": number})


def _evaluated(gx: Any, source: Any, suite: dict[str, Any], built: list[Any]) -> list[dict[str, Any]]:
    asset = source.add_query_asset(suite["name"], query=suite["query"])
    batch = asset.add_batch_definition_whole_table("whole").get_batch()
    whole = gx.ExpectationSuite(name=suite["name"], expectations=built)
    found: list[dict[str, Any]] = batch.validate(whole, result_format=_FORMAT).to_json_dict()["results"]
    return found


def _result(item: dict[str, Any], found: dict[str, Any], raised: str) -> dict[str, Any]:
    return {
        "success": bool(found.get("success")) and not raised,
        "expectation_config": {
            "type": item["type"],
            "kwargs": item["kwargs"],
            "severity": item["severity"],
            "meta": {"source": item["source"]},
        },
        "result": _numbers(item["type"], found.get("result") or {}),
        "meta": {},
        "exception_info": {
            "raised_exception": bool(raised),
            "exception_traceback": None,
            "exception_message": raised or None,
        },
    }


def _numbers(kind: str, result: dict[str, Any]) -> dict[str, Any]:
    """The counts of a result. An observed maximum, mean or most common value is a value of the data."""
    names = (*_COUNTS, "observed_value") if _COUNTING.search(kind) else _COUNTS
    kept = {name: result[name] for name in names if isinstance(result.get(name), int | float)}
    return {**kept, "partial_unexpected_list": []} if "unexpected_count" in kept else kept


def _raised(info: dict[str, Any]) -> str:
    """The class of what was raised, of a flat or a by-metric exception_info; never its message."""
    parts = [info] if "raised_exception" in info else list(info.values())
    raised = next((part for part in parts if part.get("raised_exception")), None)
    if raised is None:
        return ""
    text = f"{raised.get('exception_message')}\n{raised.get('exception_traceback')}"
    named = [*_CONDITION.findall(text), *_CLASS.findall(text)]
    return next(filter(_is_error, named), "Exception")


def _is_error(name: str) -> bool:
    """Whether an exception is called that: messages quote values, which may look like the name of one."""
    from sqlalchemy import exc

    found = (getattr(module, name, None) for module in (errors, builtins, exc))
    return any(isinstance(one, type) and issubclass(one, BaseException) for one in found)


def _summary(gx: Any, name: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    failed = [item["expectation_config"]["severity"] for item in results if not item["success"]]
    total, good = len(results), len(results) - len(failed)
    return {
        "success": "critical" not in failed,
        "suite_name": name,
        "suite_parameters": {},
        "results": results,
        "statistics": {
            "evaluated_expectations": total,
            "successful_expectations": good,
            "unsuccessful_expectations": len(failed),
            "success_percent": 100.0 * good / total if total else None,
        },
        "meta": {"great_expectations_version": gx.__version__},
        "id": None,
    }


if __name__ == "__main__":
    main()
