"""Tells a person at the terminal what happens and when."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Prints one line for each thing that is done, after the seconds since this object was made."""

    def __init__(self, output: TextIO = sys.stdout, clock: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._clock = clock
        self._begun = clock()

    def say(self, text: str) -> None:
        """Prints a line."""
        print(f"{self._clock() - self._begun:6.1f} s  {text}", file=self._output, flush=True)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Prints what was done, and how long it took, when the block ends well; on a terminal also while it runs."""
        begun = self._clock()
        if self._output.isatty():
            print(f"       …  {what}", end="\r", file=self._output, flush=True)
        try:
            yield
        except BaseException:
            if self._output.isatty():
                print(file=self._output)
            raise
        self.say(f"{what} ({self._clock() - begun:.1f} s)")
