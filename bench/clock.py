"""The clock of workers, stepped by libfaketime where it is installed."""

from __future__ import annotations

from pathlib import Path

PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime", "/opt/homebrew/lib/faketime")
LIBRARY = "libfaketimeMT.so.1"


def library() -> Path | None:
    """The library that is loaded before a worker's own; None where it is not installed."""
    for place in PLACES:
        for found in sorted(Path("/").glob(place.lstrip("/"))):
            if (found / LIBRARY).is_file():
                return found / LIBRARY
    return None


class Clock:
    """The wall clock of all workers of one deployment; what measures durations is left alone."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._library = library()
        self.step(0)

    def environment(self) -> dict[str, str]:
        """What a worker is started with; nothing where there is no libfaketime."""
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: int) -> None:
        """Set the workers' clock so far from the true one."""
        self._file.write_text(f"{seconds:+d}s\n", encoding="utf-8")
