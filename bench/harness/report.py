"""Puts figures into tables, and the tables into docs/benchmarks.md."""

import datetime
import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import machine
from .servers import BENCH, ROOT

RESULTS = BENCH / "results/results.json"
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- written by bench/run: begin -->", "<!-- written by bench/run: end -->"


@dataclass
class Figure:
    """One line of the table: what, what was measured, the number that counts, and whether it is within its bound."""

    name: str
    measured: str
    value: float
    bound: float
    unit: str = ""  # after the value; empty for a ratio
    at_most: bool = False  # the bound is an upper one

    def cells(self) -> list[str]:
        """The line, as text."""
        reached = self.value <= self.bound if self.at_most else self.value >= self.bound
        limit = f"{'at most' if self.at_most else 'at least'} {_number(self.bound)}{self.unit}"
        return [self.name, self.measured, f"{_number(self.value)}{self.unit}", limit, "yes" if reached else "**no**"]


@dataclass
class Result:
    """What a scenario gives: its figures, and lines of what each server did."""

    figures: list[Figure] = field(default_factory=list)
    details: list[list[str]] = field(default_factory=list)


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table with even columns."""
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
                     for line in [head, rule, *lines])


def show(results: dict[str, Result]) -> str:
    """Both tables of a run."""
    figures = [figure.cells() for result in results.values() for figure in result.figures]
    details = [line for result in results.values() for line in result.details]
    parts = []
    if figures:
        parts.append(table(["figure", "measured", "value", "bound", "reached"], figures))
    if details:
        parts.append(table(["scenario", "server", "lookups/s", "CPU/lookup", "p50", "p99", "memory"], details))
    return "\n\n".join(parts)


def write(results: dict[str, Result], settings) -> None:
    """Merges the results with those of earlier runs of the same commit, machine and settings, and writes the page."""
    origin = {"machine": machine.description(), "commit": _commit(), "contacts": settings.contacts,
              "seconds": settings.seconds, "rounds": settings.rounds}
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    scenarios = kept.get("scenarios", {}) if kept.get("origin") == origin else {}
    scenarios.update({name: asdict(result) for name, result in results.items()})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"origin": origin, "scenarios": scenarios}, indent=1))
    whole = {name: Result([Figure(**figure) for figure in result["figures"]], result["details"])
             for name, result in scenarios.items()}
    _replace_in_page(f"""Machine: {origin["machine"]}. Commit {origin["commit"]}, {datetime.date.today().isoformat()}.
{settings.contacts:,} contacts, {settings.rounds} rounds of {settings.seconds} s, alternating; ratios are the median of the rounds' ratios.

{show(whole)}""")


def _replace_in_page(text: str) -> None:
    """Writes between the marks; what people wrote around them stays."""
    page = PAGE.read_text() if PAGE.exists() else (
        f"# Benchmarks\n\nHow this is measured and what is fair about it: [bench/README.md](../bench/README.md).\n\n{BEGIN}\n{END}\n")
    if BEGIN not in page or END not in page:
        raise RuntimeError(f"{PAGE} has lost its marks: expected the lines {BEGIN} and {END}")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "bench", "Cargo.toml", "Cargo.lock")
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
