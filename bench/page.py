"""The parts of docs/performance.md that programs write."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"


def shown(picture: Path, says: str) -> str:
    """Markdown: a picture that lies beside the page."""
    return f"![{says}]({picture.relative_to(PAGE.parent).as_posix()})\n\n"


def save(figure: Figure, target: Path) -> None:
    """Writes a picture; the same samples give the same file."""
    with matplotlib.rc_context({"svg.hashsalt": "sluiceway"}):
        figure.savefig(target, metadata={"Date": None})


def publish(program: str, text: str, page: Path = PAGE) -> None:
    """Puts a text between the marks that name a program of this directory."""
    begin, end = (f"<!-- made by bench/{program} --publish: {mark} -->" for mark in ("begin", "end"))
    before, rest = page.read_text().split(begin)
    _, after = rest.split(end)
    page.write_text(before + begin + "\n" + text + end + after)
