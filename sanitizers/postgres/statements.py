"""SQL whose shape is fixed: one statement a file under `sql/`, loaded by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def data_root(kind: str) -> Path:
    """The folder `sql` or `policies`: beside the package in a checkout, inside it in a wheel."""
    packaged = _PACKAGE / "_data" / kind
    return packaged if packaged.is_dir() else _PACKAGE.parent / kind


SQL_ROOT = data_root("sql")


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, for instance `statement("catalog/tables")`."""
    return (SQL_ROOT / f"{name}.sql").read_text(encoding="utf-8")
