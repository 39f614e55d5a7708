"""What a run costs over the bare library: descriptors of many molecules through one `foreach` step, and by RDKit alone.

Run: `python benchmarks/batch.py [MOLECULES] [--profile FILE]`. The molecules are the first distinct ones of up to 40 heavy atoms in
the table of the `chemicals` package. The run is a real one: intake, journal, evidence, claims, verification and report. Both are
timed in one process; peak memory is of all processes together, in proportional set size, where the system tells it (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import functools
import os
import resource
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmate.agents import graph, reporter, tasks, verifier
from benchmate.agents.contracts import Plan, Task
from benchmate.app import runs
from benchmate.runtime import calls, journal
from benchmate.tools.chemistry.names import FILES, _folder

MOST_HEAVY_ATOMS = 40
CLAIMS = ("molecular_weight", "logp")
SAMPLE_SECONDS = 0.25


def molecules(wanted: int) -> list[str]:
    """Return the canonical SMILES of the first distinct molecules in the table that RDKit reads."""
    from rdkit import Chem, rdBase

    found: dict[str, None] = {}
    with rdBase.BlockLogs():
        for file, _ in FILES:
            for line in (_folder() / file).open(encoding="utf-8"):
                smiles = line.split("\t", 5)[4]
                mol = Chem.MolFromSmiles(smiles) if smiles else None
                if mol is None or not 0 < mol.GetNumHeavyAtoms() <= MOST_HEAVY_ATOMS:
                    continue
                found[Chem.MolToSmiles(mol)] = None
                if len(found) == wanted:
                    return list(found)
    raise SystemExit(f"the table holds only {len(found)} such molecules")


def bare(smiles: list[str], *, identity: bool) -> list[dict[str, Any]]:
    """Return RDKit's numbers for each molecule; with `identity`, also what says which compound they belong to."""
    from rdkit import Chem
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    from benchmate.tools.chemistry.descriptors import _scaffold, descriptor_values

    results: list[dict[str, Any]] = []
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        values: dict[str, Any] = dict(descriptor_values(mol))
        if identity:
            values |= {
                "smiles": Chem.MolToSmiles(mol),
                "inchikey": Chem.MolToInchiKey(mol),
                "formula": CalcMolFormula(mol),
                "scaffold": _scaffold(mol),
            }
        results.append(values)
    return results


def plan_for(smiles: list[str]) -> Plan:
    """Return the plan: one step over all molecules, two properties stated of each, every claim checked."""
    return Plan(
        title="Descriptors of many molecules",
        inputs={"compounds": smiles},
        input_kinds={"compounds": "compound"},
        tasks=(
            Task(id="properties", kind="tool", tool="compute_descriptors", foreach="${inputs.compounds}", item_name="compound",
                 arguments={"compound": "${compound}"}, claims=CLAIMS),
        ),
    ).check()  # fmt: skip


# --- measuring ------------------------------------------------------------------------------------------------------


@dataclass
class Cost:
    """Wall-clock and CPU seconds, and the most memory at one time, of this process and all below it."""

    seconds: float = 0.0
    cpu: float = 0.0
    workers_cpu: float = 0.0
    peak_mb: float | None = None
    own_peak_mb: float | None = None


class Watch:
    """Looks at this process and its children while something runs."""

    def __init__(self) -> None:
        self._cpu: dict[int, float] = {}
        self._before: dict[int, float] = {}
        self.peak = self.own_peak = 0.0
        self._stop = threading.Event()

    def __enter__(self) -> Watch:
        self._look()
        self._before, self.peak, self.own_peak = dict(self._cpu), 0.0, 0.0
        self._own = time.process_time()
        self._begun = time.perf_counter()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
        self.cpu = time.process_time() - self._own
        self._stop.set()
        self._thread.join()

    def cost(self) -> Cost:
        below = sum(cpu - self._before.get(pid, 0.0) for pid, cpu in self._cpu.items())
        return Cost(self.seconds, self.cpu + below, below, self.peak or None, self.own_peak or None)

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        total = own = 0.0
        for pid in _family():
            with contextlib.suppress(OSError, ValueError):  # it has ended
                stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                if pid != os.getpid():
                    self._cpu[pid] = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                size = int(rollup.split("Pss:", 1)[1].split()[0]) / 1024
                total += size
                own = size if pid == os.getpid() else own
        self.peak, self.own_peak = max(self.peak, total), max(self.own_peak, own)


def _family() -> list[int]:
    """Return the ids of this process and of all that descend from it."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*/stat") if Path("/proc").is_dir() else ():
        with contextlib.suppress(OSError):
            children[int(entry.read_text().rsplit(")", 1)[1].split()[1])].append(int(entry.parent.name))
    family = [os.getpid()]
    for pid in family:
        family += children[pid]
    return family


@dataclass
class Stages:
    """Seconds spent in named functions of this process, nested calls counted once under the outermost name."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def wrap(self, owner: Any, name: str, stage: str) -> None:
        """Count the time of a plain function of a module or class under `stage`."""
        function = getattr(owner, name)
        depth = threading.local()

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if getattr(depth, "inside", False):
                return function(*args, **kwargs)
            depth.inside, begun = True, time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                depth.inside = False
                self.seconds[stage] += time.perf_counter() - begun
                self.counts[stage] += 1

        setattr(owner, name, timed)


STAGES: tuple[tuple[Any, str, str], ...] = (
    (journal.Journal, "_write", "journal: canonical JSON, chain, commit"),
    (calls, "evidence_id", "evidence ids"),
    (calls, "call_key", "call keys"),
    (tasks, "collect_calls", "claims and outputs of the step"),
    (graph, "store", "payloads stored"),
    (graph, "load_result", "payloads read"),
    (verifier, "inspect", "claims checked in code"),
    (reporter, "evidence_lines", "report: evidence"),
    (runs, "write_report", "report: files"),
)


def phases(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield how long each phase of a run took, by its journal's times."""
    records = journal.open_existing(folder)
    try:
        at: dict[str, float] = {}
        for record in records.records():
            if record.kind in (
                "run.opened",
                "plan.set",
                "outcome",
                "verdicts",
                "report.written",
                "run.closed",
            ):
                at[record.kind] = record.at
            elif record.kind == "call.finished" and record.task == "properties":
                at["last call"] = record.at
    finally:
        records.close()
    names = ("run.opened", "plan.set", "last call", "outcome", "verdicts", "report.written", "run.closed")
    words = ("intake", "tool step", "claims and outcome", "verify", "report", "report files")
    for word, start, end in zip(words, names[:-1], names[1:], strict=True):
        yield word, at[end] - at[start]


def measured(work: Callable[[], Any]) -> tuple[Any, Cost]:
    watch = Watch()
    with watch:
        result = work()
    return result, watch.cost()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("molecules", nargs="?", type=int, default=10_000)
    options.add_argument("--profile", metavar="FILE", help="write a cProfile of the run's own process there")
    options.add_argument("--keep", metavar="DIR", type=Path, help="keep the run there")
    given = options.parse_args()

    chosen = molecules(given.molecules)
    bare(chosen[:10], identity=True)  # the first use of RDKit's tables
    _, numbers = measured(lambda: bare(chosen, identity=False))
    _, identified = measured(lambda: bare(chosen, identity=True))

    stages = Stages()
    for owner, name, stage in STAGES:
        stages.wrap(owner, name, stage)
    profile = cProfile.Profile() if given.profile else None

    with tempfile.TemporaryDirectory() as scratch:
        start = profile.runcall if profile else lambda f: f()
        outcome, cost = measured(
            lambda: start(lambda: asyncio.run(runs.execute(plan=plan_for(chosen), out=given.keep or scratch)))
        )
        parts = list(phases(outcome.folder))
        size = sum(p.stat().st_size for p in outcome.folder.rglob("*") if p.is_file()) / 1e6
    if profile:
        profile.dump_stats(given.profile)

    print(f"{len(chosen)} molecules; the run is {outcome.status}, {size:.0f} MB on disk, "
          f"{sum(v.status == 'supported' for v in outcome.report.verdicts.values())} of {len(outcome.report.claims)} claims supported")  # fmt: skip
    print(f"{'':<28}{'seconds':>9}{'CPU s':>9}{'ratio':>8}{'CPU':>8}{'peak MB':>10}")
    rows = (("RDKit, numbers alone", numbers), ("RDKit, with identity", identified), ("benchmate run", cost))
    for name, row in rows:
        print(f"{name:<28}{row.seconds:>9.2f}{row.cpu:>9.2f}{row.seconds / numbers.seconds:>8.2f}{row.cpu / numbers.cpu:>8.2f}"
              f"{row.peak_mb or float('nan'):>10.0f}")  # fmt: skip
    print(f"of the run: workers {cost.workers_cpu:.2f} CPU s, own process {cost.cpu - cost.workers_cpu:.2f} CPU s, "
          f"own peak {cost.own_peak_mb or float('nan'):.0f} MB (ru_maxrss {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB)")  # fmt: skip
    print("\nphase of the run, seconds")
    for name, seconds in parts:
        print(f"  {name:<42}{seconds:>9.2f}")
    print("work in its own process, seconds (calls); phases contain them")
    for name, seconds in stages.seconds.items():
        print(f"  {name:<42}{seconds:>9.2f}  ({stages.counts[name]})")


if __name__ == "__main__":
    main()
