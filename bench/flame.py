"""Where the worker's time goes: a flame graph by `pyinstrument`, out of the bench's own environment.

It samples the process from inside, so that it asks for no privilege (py-spy must be root on macOS and be allowed to
trace in a container), has wheels wherever Crible runs, and weighs 0.15 MB without a dependency of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.surroundings import libraries

MISSING = "no flame graph: pyinstrument is not installed in .venv-bench (make bench installs it)"
INTERVAL = 0.001
"""Seconds between samples."""


def available() -> bool:
    """Whether the profiler is installed, here or in the bench's environment."""
    return find_spec("pyinstrument") is not None or any(
        (folder / "pyinstrument").is_dir() for folder in libraries()
    )


def profiled(work: Callable[[], Any], path: Path) -> None:
    """Run `work` under the profiler; writes `path`.html and `path`.speedscope.json."""
    sys.path += map(str, libraries())  # last: Crible's own packages go before those of the same name
    from pyinstrument import Profiler
    from pyinstrument.renderers import HTMLRenderer, SpeedscopeRenderer

    profiler = Profiler(interval=INTERVAL, async_mode="disabled")
    with profiler:
        work()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".html").write_text(profiler.output(HTMLRenderer()))
    path.with_suffix(".speedscope.json").write_text(profiler.output(SpeedscopeRenderer()))
