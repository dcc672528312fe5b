"""Which transactions have committed, by the server's own files, and so which rows everybody sees.

After a checkpoint, that is. Where the files say nothing, a row counts as one that nobody sees.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_IN_FILE: Final = 20
"""Bits of a transaction's number that tell its place in a file; two bits there are its status."""
_INSERTED, _NOT_INSERTED, _NOT_DELETED = 0x0100, 0x0200, 0x0800


class Commits:
    """The transactions of the server with that data directory."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "pg_xact"

    @cached_property
    def _files(self) -> dict[int, NDArray[np.uint8]]:
        names = self._folder.iterdir() if self._folder.is_dir() else ()
        return {int(path.name, 16): np.fromfile(path, np.uint8) for path in names}

    def show(self, inserted: NDArray[Any], flags: NDArray[Any]) -> NDArray[np.bool_]:
        """Of rows inserted by these transactions, with these flags, which ones everybody sees."""
        known = flags & (_INSERTED | _NOT_INSERTED)
        visible: NDArray[np.bool_] = (flags & _NOT_DELETED != 0) & (known != _NOT_INSERTED)
        unsure = np.flatnonzero(visible & (known == 0))
        visible[unsure] = self._committed(inserted[unsure])
        return visible

    def _committed(self, numbers: NDArray[Any]) -> NDArray[np.bool_]:
        result = np.zeros(len(numbers), np.bool_)
        for file in np.unique(numbers >> _IN_FILE).tolist():
            octets = self._files.get(file, np.empty(0, np.uint8))
            here = np.flatnonzero(numbers >> _IN_FILE == file)
            inside = numbers[here] & ((1 << _IN_FILE) - 1)
            here, inside = here[inside >> 2 < len(octets)], inside[inside >> 2 < len(octets)]
            result[here] = octets[inside >> 2] >> (inside & 3) * 2 & 3 == 1
        return result
