"""Routes: best-first search over an AND-OR tree, from the target back to the stock, within limits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmate.tools.synthesis.single_step import Disconnection
from benchmate.tools.synthesis.stock import Stock, disguise, flat

STEP_COST = 0.05  # so that of equal routes the shorter one wins
RULE_OUTSIDE_STOCK = 0.5  # added to a named reaction's cost where a precursor is not in stock
HARDNESS = 0.04  # guessed cost of making a compound that is not in stock, per heavy atom
BRANCHES = 30  # disconnections of one molecule that are followed
LEAST_SCORE = 0.1  # precedents less like the step than this are not followed
_MOST_NODES = 50_000
METHOD = "best-first AND-OR search; a step costs -ln(score), or the named reaction's prior"

Model = Callable[[str], list[Disconnection]]


@dataclass(frozen=True)
class Limits:
    """Where a search stops."""

    depth: int = 5
    expansions: int = 200
    seconds: float = 30.0
    routes: int = 3


@dataclass(eq=False)
class Molecule:
    """An OR node: a compound at one place of the tree. `steps` is None until it is taken apart."""

    smiles: str
    depth: int
    path: frozenset[str]
    in_stock: bool
    above: Step | None = None
    steps: list[Step] | None = None
    cost: float = 0.0

    @property
    def best(self) -> Step | None:
        """The cheapest way to make it that is not a dead end."""
        alive = [s for s in self.steps or () if math.isfinite(s.total)]
        return min(alive, key=lambda s: s.total) if alive else None

    @property
    def solved(self) -> bool:
        """Whether it is in stock, or its cheapest way starts from stock."""
        return self.in_stock or bool((best := self.best) and best.solved)


@dataclass(eq=False)
class Step:
    """An AND node: one disconnection with all its precursors."""

    disconnection: Disconnection
    cost: float
    product: Molecule
    precursors: list[Molecule] = field(default_factory=list)
    finished: bool = False

    @property
    def total(self) -> float:
        """What it costs with everything below it."""
        return self.cost + sum(m.cost for m in self.precursors)

    @property
    def solved(self) -> bool:
        """Whether all its precursors can be had."""
        return all(m.solved for m in self.precursors)


@dataclass
class Search:
    """What a search found: its routes by their last steps, cheapest first, and why it ended."""

    root: Molecule
    solved: list[Step]
    stopped_by: str
    expansions: int
    seconds: float
    refused: dict[str, str]


def search(target: str, model: Model, stock: Stock, limits: Limits) -> Search:
    """Return up to `limits.routes` routes that differ in their last step. `model` gives the disconnections of a SMILES.

    No compound is made from itself, in whatever stereochemistry, and no route starts from the target in disguise.
    """
    begun, known, refused, nodes = time.monotonic(), dict[str, list[Disconnection]](), dict[str, str](), 1
    root = Molecule(target, 0, frozenset({flat(target)}), in_stock=False)
    solved: list[Step] = []

    def available(smiles: str) -> bool:
        if not stock.holds(smiles):
            return False
        if smiles not in refused:
            why = disguise(smiles, target)
            if why is None:
                return True
            refused[smiles] = why
        return False

    def expand(molecule: Molecule) -> int:
        if molecule.smiles not in known:
            known[molecule.smiles] = model(molecule.smiles)
        molecule.steps, children = [], 0
        priced = []
        for found in known[molecule.smiles]:
            if molecule.path.isdisjoint(map(flat, found.precursors)):
                have = {smiles: available(smiles) for smiles in found.precursors}
                price = _price(found, all(have.values()))
                if math.isfinite(price):
                    priced.append((price, found, have))
        priced.sort(key=lambda row: (row[0], row[1].key))
        for cost, found, have in priced[:BRANCHES]:
            step = Step(found, cost, molecule)
            for smiles in found.precursors:
                child = Molecule(
                    smiles, molecule.depth + 1, molecule.path | {flat(smiles)}, have[smiles], above=step
                )
                child.cost = 0.0 if have[smiles] else _guess(child, limits.depth)
                step.precursors.append(child)
            molecule.steps.append(step)
            children += len(step.precursors)
        return children

    stopped = "every possibility was tried"
    while True:
        if len(solved) >= limits.routes:
            stopped = "enough routes were found"
            break
        if time.monotonic() - begun > limits.seconds:
            stopped = f"the limit of {limits.seconds:g} s"
            break
        leaf = _open_leaf(root, solved)
        if leaf is None:
            break
        if leaf.smiles not in known and len(known) >= limits.expansions:
            stopped = f"the limit of {limits.expansions} expansions"
            break
        if nodes > _MOST_NODES:
            stopped = f"the limit of {_MOST_NODES} nodes"
            break
        nodes += expand(leaf)
        _update(leaf)
    solved.sort(key=lambda s: s.total)
    return Search(root, solved[: limits.routes], stopped, len(known), time.monotonic() - begun, refused)


def steps_of(last: Step) -> list[Step]:
    """Return the steps of the route that ends with `last`, in the order of the synthesis."""
    return list(_steps(last))[::-1]


def leaves_of(last: Step) -> list[Molecule]:
    """Return what a route starts from, each compound once."""
    made = {id(step.product) for step in _steps(last)}
    leaves = [m for step in _steps(last) for m in step.precursors if id(m) not in made]
    return list({m.smiles: m for m in leaves}.values())


def best_partial(root: Molecule) -> Step | None:
    """Return the last step of the route that comes nearest to the stock: whose largest compound that cannot be had is smallest."""
    if not root.steps:
        return None
    return min(root.steps, key=lambda s: (_worst(s), s.cost))


def _open_leaf(root: Molecule, solved: list[Step]) -> Molecule | None:
    """Return the compound to take apart next, moving last steps that are solved to `solved`; None where nothing is left."""
    if root.steps is None:
        return root
    while True:
        alive = [s for s in root.steps if not s.finished and math.isfinite(s.total)]
        if not alive:
            return None
        step = min(alive, key=lambda s: (s.total, s.disconnection.key))
        if not step.solved:
            break
        step.finished = True
        solved.append(step)
        return _open_leaf(root, solved) if len(solved) < 100 else None
    while True:
        molecule = max((m for m in step.precursors if not m.solved), key=lambda m: m.cost)
        if molecule.steps is None:
            return molecule
        best = molecule.best
        assert best is not None  # a dead end costs infinity, and its step is not alive
        step = best


def _update(molecule: Molecule) -> None:
    now: Molecule | None = molecule
    while now is not None:
        now.cost = min((s.total for s in now.steps or ()), default=math.inf)
        now = now.above.product if now.above else None


def _price(found: Disconnection, all_in_stock: bool) -> float:
    prices = []
    if found.score is not None and found.score >= LEAST_SCORE:
        prices.append(-math.log(found.score))
    if found.rule is not None:
        prices.append(found.rule.prior + (0.0 if all_in_stock else RULE_OUTSIDE_STOCK))
    return min(prices, default=math.inf) + STEP_COST


def _guess(molecule: Molecule, depth: int) -> float:
    from rdkit.Chem import MolFromSmiles

    if molecule.depth >= depth:
        return math.inf
    return HARDNESS * float(MolFromSmiles(molecule.smiles).GetNumHeavyAtoms())


def _steps(last: Step) -> Iterator[Step]:
    """Yield the steps of a route from the target back, each compound made once."""
    todo, made = [last], set[str]()
    while todo:
        step = todo.pop(0)
        if step.product.smiles in made:
            continue
        made.add(step.product.smiles)
        yield step
        for molecule in step.precursors:
            below = None if molecule.in_stock else molecule.best or best_partial(molecule)
            if below is not None:
                todo.append(below)


def _worst(step: Step) -> int:
    return max((_missing(m) for m in step.precursors), default=0)


def _missing(molecule: Molecule) -> int:
    from rdkit.Chem import MolFromSmiles

    if molecule.in_stock:
        return 0
    own = int(MolFromSmiles(molecule.smiles).GetNumHeavyAtoms())
    return min([own, *(_worst(step) for step in molecule.steps or ())])
