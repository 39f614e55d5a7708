"""Making solutions: the mass to weigh, the stock to dilute, the concentration of what was weighed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.formulas import parse_species
from benchmate.tools.chemistry.named_equations import Substance, label_of, read_substance

# Liquids whose volumes do not add up with water, by formula in Hill order.
CONTRACTING = {
    "C2H6O",
    "CH4O",
    "C3H8O",
    "C3H6O",
    "C2H4O2",
    "C2H6OS",
    "C2H3N",
    "H2O4S",
    "HNO3",
    "ClH",
    "H3O4P",
}
HEATING = {
    "H2O4S": "sulfuric acid",
    "HNO3": "nitric acid",
    "ClH": "hydrochloric acid",
    "ClHO4": "perchloric acid",
}
CONCENTRATED = 1.0  # mol/L of stock, from which acids are handled as concentrated
MILLILITRES = 1000.0  # per litre


@dataclass
class _Answer:
    """What is found out on the way: quantities, steps for the bench, warnings."""

    quantities: dict[str, Quantity] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, method: str, **conditions: str) -> None:
        self.quantities[name] = Quantity(
            value=value, unit=unit, property=name, method=method, conditions=conditions or None
        )


@tool(
    domain="chemistry",
    properties={
        "mass": "mass to weigh, mass, grams, how much to weigh, weigh out, amount to weigh, weigh",
        "stock_volume": "volume of stock, stock volume, how much stock, volume to take, how many mL of stock, volume of concentrated",
        "diluent_volume": "solvent to add, volume of solvent, diluent, how much water",
        "concentration": "concentration, molarity, molar concentration, final concentration",
        "mass_concentration": "mass concentration, grams per litre, mg per mL",
        "volume_percent": "volume fraction, percent by volume, % v/v",
        "stock_concentration": "concentration of the stock, stock molarity, molarity of the concentrated solution",
        "amount": "amount of substance, moles, number of moles, how many moles, mmol",
        "molar_mass": "molar mass of what is weighed, molar mass, formula weight, molecular weight",
    },
    examples=(
        "How many grams of NaCl do I weigh out for 250 mL of a 0.150 M solution?",
        "How do I make 1 L of 50 mM Tris?",
        "Prepare 500 mL of 0.1 M CuSO4·5H2O",
        "How much 37 % HCl (density 1.19 g/mL) do I need for 1 L of 1 M HCl?",
        "Dilute a 10 mM stock to 50 uM in 2 mL",
        "What is the molarity of 5.85 g NaCl in 500 mL?",
        "I need 200 mL of 70 % v/v ethanol from 96 % v/v ethanol",
    ),
    example={"solute": "NaCl", "concentration": "0.150 M", "volume": "250 mL"},
)
def prepare_solution(
    volume: Annotated[float, Unit("mL", "volume, final volume, total volume"), Field(gt=0, le=1e9)],
    solute: str | None = None,
    concentration: Annotated[
        float | None,
        Unit(
            "mol/L",
            "concentration, molarity, final concentration, target, solution, buffer, stock to, diluted to, dilute to",
        ),
        Field(gt=0, le=100),
    ] = None,
    mass_concentration: Annotated[
        float | None, Unit("g/L", "mass concentration, w/v"), Field(gt=0, le=5000)
    ] = None,
    volume_percent: Annotated[
        float | None, Unit("percent", "v/v, volume percent, % v/v"), Field(gt=0, le=100)
    ] = None,
    mass: Annotated[float | None, Unit("g", "mass, weighed, dissolved"), Field(gt=0, le=1e9)] = None,
    stock_concentration: Annotated[
        float | None, Unit("mol/L", "stock, stock concentration, from a, stock solution"), Field(gt=0, le=100)
    ] = None,
    stock_mass_concentration: Annotated[
        float | None, Unit("g/L", "stock mass concentration, mg/mL stock"), Field(gt=0, le=5000)
    ] = None,
    stock_volume_percent: Annotated[
        float | None, Unit("percent", "stock v/v, stock volume percent"), Field(gt=0, le=100)
    ] = None,
    stock_mass_percent: Annotated[
        float | None, Unit("percent", "w/w, mass percent, weight percent, wt"), Field(gt=0, le=100)
    ] = None,
    stock_density: Annotated[float | None, Unit("g/mL", "density, d"), Field(gt=0, le=25)] = None,
    stock_volume: Annotated[
        float | None, Unit("mL", "volume of stock, of stock, stock volume, aliquot"), Field(gt=0, le=1e9)
    ] = None,
    purity: Annotated[float, Unit("percent", "purity, pure, assay"), Field(gt=0, le=100)] = 100.0,
    hydrate: Annotated[int, Unit("", "waters of crystallization, hydrate"), Field(ge=0, le=24)] = 0,
    molar_mass: Annotated[
        float | None,
        Unit("g/mol", "molar mass, formula weight, FW, MW, molecular weight"),
        Field(gt=0, le=1e7),
    ] = None,
) -> ToolResult:
    """Work out how a solution is made: mass to weigh, volume of stock to dilute (C1·V1 = C2·V2), or the concentration made.

    The molar mass is that of the form weighed: write the hydrate or the salt ('CuSO4·5H2O'), or give `hydrate`. Final
    volumes are reached by filling up to the mark. Give one of concentration, mass_concentration and volume_percent; or
    what was weighed (`mass`) or taken (`stock_volume`), and the concentration follows.

    Raises InvalidInput: `underspecified`, `overspecified`, `stock_too_dilute`, `solute_needed`, `not_neutral`, and
    what reading the solute raises (`salt_form_lost`, `ambiguous_name`, …); NotFound: `unknown_compound`.

    Args:
        volume: The final volume of the solution.
        solute: What is dissolved, by formula or name, in the form that is weighed. Not needed to dilute a stock.
        concentration: The concentration wanted.
        mass_concentration: The mass concentration wanted (5 % w/v is 50 g/L).
        volume_percent: The volume fraction wanted, of a liquid in the solution.
        mass: A mass that is dissolved, where the concentration is asked.
        stock_concentration: The concentration of the stock to dilute.
        stock_mass_concentration: The mass concentration of the stock to dilute.
        stock_volume_percent: The volume fraction of the stock to dilute.
        stock_mass_percent: The mass fraction of the solute in a liquid stock, as in 37 % HCl; needs `stock_density`.
        stock_density: The density of the liquid stock.
        stock_volume: A volume of stock that is diluted, where the concentration is asked.
        purity: The mass fraction of the solute in the solid weighed.
        hydrate: Water molecules per formula unit of the solid, where the formula does not say them.
        molar_mass: The molar mass from the label, where it is to replace the one of the formula.
    """
    answer = _Answer()
    targets = {
        "concentration": concentration, "mass_concentration": mass_concentration, "volume_percent": volume_percent,
        "mass": mass, "stock_volume": stock_volume,
    }  # fmt: skip
    given = [name for name, value in targets.items() if value is not None]
    if len(given) != 1:
        raise InvalidInput(
            "overspecified" if given else "underspecified",
            f"give one of {', '.join(targets)}; given: {', '.join(given) or 'none'}",
            hint="for a stock that is diluted also give its concentration",
        )
    substance = read_substance(solute) if solute else None
    if hydrate and substance is None:
        raise InvalidInput(
            "solute_needed", "a number of waters needs the solute that holds them", hint="name the solute"
        )
    weight = _molar_mass(substance, hydrate, molar_mass, answer)
    stock = _stock(
        stock_concentration, stock_mass_concentration, stock_volume_percent, stock_mass_percent, stock_density,
        weight, answer,
    )  # fmt: skip
    label = _label(substance, hydrate)
    if stock_volume is not None and stock is None:
        raise InvalidInput(
            "underspecified",
            "a volume of stock needs the concentration of the stock",
            hint="give stock_concentration",
        )
    if mass is not None:
        if weight is None:
            raise InvalidInput(
                "solute_needed", "a molarity needs the solute or its molar mass", hint="name the solute"
            )
        pure = mass * purity / 100
        litres = volume / MILLILITRES
        answer.add("amount", pure / weight, "mol", "mass × purity / molar mass")
        answer.add("concentration", pure / weight / litres, "mol/L", "amount / volume")
        answer.add("mass_concentration", pure / litres, "g/L", "mass × purity / volume")
        answer.steps.append(f"dissolve {mass:.4g} g {label} and fill up to {volume:g} mL")
    elif stock is not None:
        _dilute(stock, targets, volume, weight, label, answer)
        if substance is not None:
            _handling(substance, stock, answer)
    else:
        _weigh(targets, volume, weight, purity, label, answer)
    return ToolResult(
        data={
            "solute": label or None,
            "formula": substance.species.hill if substance else None,
            "steps": answer.steps,
            "purity_percent": purity,
        },
        quantities=answer.quantities,
        entities=(substance.compound.entity("solute"),) if substance and substance.compound else (),
        source=Source(kind="computed", name="benchmate", reference="atomic weights of RDKit (IUPAC)"),
        warnings=tuple(dict.fromkeys([*(substance.species.warnings if substance else ()), *answer.warnings])),
    )


def _label(substance: Substance | None, hydrate: int) -> str:
    if substance is None:
        return "stock"
    return label_of(substance) + (f"·{hydrate}H2O" if hydrate else "")


def _molar_mass(
    substance: Substance | None, hydrate: int, stated: float | None, answer: _Answer
) -> float | None:
    """Return the molar mass of the form that is weighed, or None where nothing says it."""
    if substance is None:
        return stated
    species = substance.species
    if species.charge:
        raise InvalidInput(
            "not_neutral",
            f"{species.text} is an ion and cannot be weighed alone",
            hint="name the salt, as in NaCl",
        )
    water = parse_species("H2O").molar_mass
    own = species.molar_mass + hydrate * water
    answer.add(
        "molar_mass", stated or own, "g/mol", "as stated" if stated else "average atomic weights",
        form=_label(substance, hydrate),
    )  # fmt: skip
    if stated and abs(stated - own) > 0.005 * own:
        waters = round((stated - own) / water)
        near = ""
        if waters and abs((stated - own) / water - waters) < 0.05:
            near = f"; it fits a form with {abs(waters)} H2O {'more' if waters > 0 else 'fewer'}"
        answer.warnings.append(
            f"the stated molar mass {stated:g} g/mol is not the {own:.5g} g/mol of {_label(substance, hydrate)}{near}"
        )
    if not hydrate and "·" not in species.text and stated is None and _often_hydrated(substance):
        answer.warnings.append(
            f"{own:.5g} g/mol is {species.text} without water of crystallization: compare it with the label of the bottle"
        )
    return stated or own


def _often_hydrated(substance: Substance) -> bool:
    """Return whether the solid is a salt of a metal that is mostly sold as a hydrate."""
    atoms = set(substance.species.atoms)
    if substance.compound is not None and "O" in substance.compound.components:
        return False
    metals = {"Cu", "Mg", "Ca", "Fe", "Co", "Ni", "Mn", "Zn", "Al", "Cr", "Ba", "Sr", "La", "Ce"}
    return bool(atoms & metals) and bool(atoms & {"Cl", "S", "N", "P"}) and not (atoms & {"C"})


def _stock(
    molar: float | None,
    mass: float | None,
    by_volume: float | None,
    by_mass: float | None,
    density: float | None,
    weight: float | None,
    answer: _Answer,
) -> dict[str, float] | None:
    """Return what is known of the stock: 'concentration' (mol/L), 'mass_concentration' (g/L), 'volume_percent'."""
    ways = [name for name, value in (("stock_concentration", molar), ("stock_mass_concentration", mass),
            ("stock_volume_percent", by_volume), ("stock_mass_percent", by_mass)) if value is not None]  # fmt: skip
    if not ways and density is None:
        return None
    if len(ways) > 1:
        raise InvalidInput(
            "overspecified", f"the stock is described {len(ways)} times: {', '.join(ways)}", hint="give one"
        )
    if by_volume is not None:
        return {"volume_percent": by_volume}
    if by_mass is not None or density is not None:
        if density is None:
            raise InvalidInput(
                "underspecified",
                f"a stock of {by_mass:g} % by mass needs its density",
                hint="give stock_density in g/mL",
            )
        if ways and by_mass is None:
            raise InvalidInput(
                "overspecified",
                f"{ways[0]} says the stock already; a density adds nothing",
                hint="leave it out",
            )
        if by_mass is None:
            answer.warnings.append("the liquid was taken as pure (100 % by mass)")
        mass = (by_mass or 100) / 100 * density * 1000
    known: dict[str, float] = {}
    if mass is not None:
        known["mass_concentration"] = mass
        if weight is not None:
            known["concentration"] = mass / weight
    if molar is not None:
        known["concentration"] = molar
        if weight is not None:
            known["mass_concentration"] = molar * weight
    if "concentration" in known:
        answer.add(
            "stock_concentration", known["concentration"], "mol/L",
            "as stated" if molar is not None else "mass fraction × density / molar mass" if density else "mass / molar mass",
        )  # fmt: skip
    return known


def _dilute(
    stock: dict[str, float],
    targets: dict[str, float | None],
    volume: float,
    weight: float | None,
    label: str,
    answer: _Answer,
) -> None:
    units = {"concentration": "mol/L", "mass_concentration": "g/L", "volume_percent": "percent"}
    taken = targets["stock_volume"]
    if taken is not None:
        if taken > volume:
            raise InvalidInput(
                "stock_too_dilute",
                f"{taken:g} mL of stock do not fit into {volume:g} mL",
                hint="give the final volume",
            )
        for kind, value in stock.items():
            answer.add(kind, value * taken / volume, units[kind], "C1·V1 = C2·V2")
        answer.add("diluent_volume", volume - taken, "mL", "final volume - stock volume")
    else:
        kind, wanted = next((k, v) for k, v in targets.items() if v is not None)
        if kind not in stock:
            raise InvalidInput(
                "solute_needed", f"a stock given as {' or '.join(stock)} cannot be compared with a {kind}",
                hint="name the solute, or give both in the same kind of concentration",
            )  # fmt: skip
        if wanted > stock[kind]:
            raise InvalidInput(
                "stock_too_dilute",
                f"the stock has {stock[kind]:.4g} {units[kind]}, less than the {wanted:.4g} {units[kind]} wanted",
                hint="dilution only lowers a concentration", details={"stock": stock[kind], "wanted": wanted},
            )  # fmt: skip
        taken = volume * wanted / stock[kind]
        answer.add("stock_volume", taken, "mL", "C1·V1 = C2·V2", final_volume=f"{volume:g} mL")
        answer.add("diluent_volume", volume - taken, "mL", "final volume - stock volume")
    answer.steps.append(f"take {taken:.4g} mL of the {label} and fill up to {volume:g} mL")
    if taken < 0.001:
        answer.warnings.append("less than 1 µL of stock: dilute in two steps")
    if "concentration" in stock:
        answer.add(
            "amount",
            stock["concentration"] * taken / MILLILITRES,
            "mol",
            "stock concentration × stock volume",
        )


def _weigh(
    targets: dict[str, float | None],
    volume: float,
    weight: float | None,
    purity: float,
    label: str,
    answer: _Answer,
) -> None:
    litres = volume / MILLILITRES
    molar, by_mass = targets["concentration"], targets["mass_concentration"]
    if targets["volume_percent"] is not None:
        pure = volume * targets["volume_percent"] / 100
        answer.add("stock_volume", pure, "mL", "volume fraction × final volume", stock="pure liquid")
        answer.steps.append(f"take {pure:.4g} mL of the pure liquid and fill up to {volume:g} mL")
        answer.warnings.append(
            "volumes do not add up on mixing: fill up to the final volume, do not add the difference"
        )
        return
    if molar is not None:
        if weight is None:
            raise InvalidInput(
                "solute_needed", "a mass needs the solute or its molar mass", hint="name the solute"
            )
        pure = molar * litres * weight
        answer.add("amount", molar * litres, "mol", "concentration × volume")
        conditions = {"concentration": f"{molar:g} mol/L"}
    else:
        pure = (by_mass or 0.0) * litres
        conditions = {"mass concentration": f"{by_mass:g} g/L"}
        if weight is not None:
            answer.add("concentration", (by_mass or 0.0) / weight, "mol/L", "mass concentration / molar mass")
    weighed = pure * 100 / purity
    method = "concentration × volume × molar mass" if molar is not None else "mass concentration × volume"
    answer.quantities["mass"] = Quantity(
        value=weighed, unit="g", property="mass", method=method + (" / purity" if purity < 100 else ""),
        conditions={**conditions, "volume": f"{volume:g} mL", "form": label, "purity": f"{purity:g} %"},
    )  # fmt: skip
    answer.steps.append(
        f"weigh {weighed:.4g} g {label}, dissolve in part of the solvent, fill up to {volume:g} mL"
    )
    if weighed < 0.001:
        answer.warnings.append(
            f"{weighed * 1e3:.3g} mg is too little to weigh well: make a stock and dilute it"
        )
    if weighed / volume > 0.5:
        answer.warnings.append(
            f"{weighed / volume * 1000:.0f} g in a litre may be above the solubility; it was not checked"
        )


def _handling(substance: Substance, stock: dict[str, float], answer: _Answer) -> None:
    formula = substance.species.hill
    if formula in CONTRACTING:
        answer.warnings.append(
            "volumes do not add up on mixing (the mixture contracts): fill up to the final volume; "
            "the volume of solvent is only the difference"
        )
    if formula in HEATING and stock.get("concentration", 0) >= CONCENTRATED:
        answer.warnings.append(
            f"mixing {HEATING[formula]} with water gives heat: add the acid to the water, slowly"
        )
