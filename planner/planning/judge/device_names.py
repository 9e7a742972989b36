"""Devices as measured tables name them: ``h100_sxm``, ``NVIDIA A100-SXM-40GB``, ``Mac Studio (M3 Ultra 512GB)``.

A name is looked up as it stands, then without vendor, brand and memory size, then as a part of a longer text. Never by
resemblance: an RTX 3070 Ti is no RTX 3070, and a wrong device would be judged as our error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from planner.records import dataclass
from planner.specs.books.books import Shelf
from planner.specs.books.hardware import HardwareSpec

Tokens = tuple[str, ...]

TOKEN = re.compile(r"[a-z]+|\d+")
PARENTHESES = re.compile(r"\(([^()]*)\)")
MEMORY = re.compile(r"(\d+(?:\.\d+)?)[ -]*(gb|gib|g)(?![a-z0-9])")
NOISE = re.compile(
    r"\d+(?:\.\d+)?[ -]*(?:gb|gib|g)(?![a-z0-9])|\d+[ -]?(?:gpu[ -]?)?core(?: gpu)?|(?<![a-z0-9])\d+c(?![a-z0-9])|hbm\d?e?|\((?:r|tm)\)|(?<=sxm)\d|[®™]"
)
BRANDS = frozenset(
    [
        "nvidia",
        "geforce",
        "amd",
        "radeon",
        "intel",
        "tesla",
        "instinct",
        "apple",
        "rtx",
        "gtx",
        "rx",
        "hgx",
        "dgx",
        "virtualized",
        "cts",
        "google",
        "aws",
    ]
)
# A word behind a name that makes another device of it. "5070 Ti", "M3 Max", "A10G", "Laptop GPU".
MODIFIERS = frozenset(
    [
        "ti",
        "super",
        "xt",
        "xtx",
        "gre",
        "pro",
        "max",
        "ultra",
        "mobile",
        "laptop",
        "maxq",
        "nvl",
        "pcie",
        "d",
        "g",
        "s",
        "x",
        "plus",
        "ada",
        "blackwell",
        "nano",
        "cluster",
    ]
)
# Fewer GPU cores make another device of a chip; what counts processor cores matches no row and changes nothing.
CORES = re.compile(r"(\d+)[ -]?(?:gpu[ -]?)?core(?: gpu)?|(?<![a-z0-9])(\d+)c(?![a-z0-9])")
# A part of a card, or several cards: nothing that the book describes.
NOT_ONE = re.compile(r"\||(?<![a-z])or(?![a-z])|(?<![a-z])mig(?![a-z])|\d+g\.\d+gb", re.IGNORECASE)
GRAPHICS = re.compile(r"nvidia|amd|radeon|geforce|intel arc|rtx|gtx")
WORDS_OF_A_NAME = 3  #: a name without a number is no accident from here on: "Jetson Orin Nano"
NEAR_MEMORY = 0.12  #: stated memory against the book's: boxes say 80 GB where programs see 79.19 GiB
SOLD_IN_ONE_SIZE = frozenset({"gpu", "consumer-gpu"})


def device_tokens(text: str) -> Tokens:
    """Return the words and numbers that tell devices apart.

    >>> device_tokens("NVIDIA GeForce RTX4090 24GB"), device_tokens("H100-SXM5-80GB")
    (('4090',), ('h', '100', 'sxm'))
    """
    plain = NOISE.sub(" ", text.casefold().replace("_", " "))
    return tuple(token for token in TOKEN.findall(plain) if token not in BRANDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceNames:
    """The hardware book under every name, as tokens; ``plain`` names state no memory size and win."""

    shelf: Shelf[HardwareSpec]
    plain: Mapping[Tokens, frozenset[str]]
    sized: Mapping[Tokens, frozenset[str]]
    cored: Mapping[tuple[Tokens, str], str]
    """Rows that differ in their GPU cores, by the name without them and the number."""

    def find(self, name: str) -> str | None:
        """Return the id that a name means, or ``None`` when no device or several are meant."""
        ids = self.shelf.ids_of(name)
        if len(ids) == 1:
            return ids[0]
        if NOT_ONE.search(name):
            return None
        cores = core_counts(name)
        for text in _readings(name):
            found = self._inside(text, cores)
            if found is not None:
                return found
        return None

    def _inside(self, text: str, cores: tuple[str, ...]) -> str | None:
        """Return the device with the longest name in a text, beside the cores that are stated anywhere."""
        tokens = device_tokens(text)
        for length in range(len(tokens), 0, -1):
            for start in range(len(tokens) - length + 1):
                key = tokens[start : start + length]
                found = self._meant(key, text)
                after = tokens[start + length : start + length + 1]
                if found is not None and not self._another(found, after):
                    smaller = (self.cored[key, each] for each in cores if (key, each) in self.cored)
                    return next(smaller, found)
        return None

    def _another(self, found: str, after: Tokens) -> bool:
        """Tell whether the word behind a name makes another device of it; a card for a slot may say so."""
        return bool(MODIFIERS.intersection(after)) and not (after == ("pcie",) and not found.endswith("sxm"))

    def _meant(self, key: Tokens, text: str) -> str | None:
        """Return the device of a key whose memory is what the text states."""
        if not any(token.isdigit() for token in key) and len(key) < WORDS_OF_A_NAME:
            return None
        stated = [float(size) for size, _ in MEMORY.findall(text.casefold())]
        for names in (self.plain, self.sized):
            fitting = [each for each in sorted(names.get(key, ())) if self._has(each, stated)]
            if len(fitting) == 1:
                return fitting[0]
        return None

    def _has(self, device: str, stated: list[float]) -> bool:
        row = self.shelf.rows[device]
        if not stated or row.kind not in SOLD_IN_ONE_SIZE:
            return True
        return any(abs(row.memory_gib / size - 1.0) <= NEAR_MEMORY for size in stated)


def device_names(shelf: Shelf[HardwareSpec]) -> DeviceNames:
    """Return the index of the hardware book."""
    plain: dict[Tokens, set[str]] = {}
    sized: dict[Tokens, set[str]] = {}
    cored: dict[tuple[Tokens, str], str] = {}
    for row in shelf.rows.values():
        for name in (row.id, row.name, *row.aliases):
            cores = core_counts(name)
            if cores:
                cored[device_tokens(name), cores[0]] = row.id
                continue
            names = sized if MEMORY.search(name.casefold()) else plain
            names.setdefault(device_tokens(name), set()).add(row.id)
    for device, ids in plain.items():  # "A100" means the 80 GB card and is still asked for with 40 GB
        sized.setdefault(device, set()).update(ids)
    return DeviceNames(
        shelf=shelf,
        plain={key: frozenset(ids) for key, ids in plain.items()},
        sized={key: frozenset(ids) for key, ids in sized.items()},
        cored=cored,
    )


def core_counts(text: str) -> tuple[str, ...]:
    """Return the numbers of cores that a text states.

    >>> core_counts("M3 Max (30-core GPU)"), core_counts("M2 Ultra 60c"), core_counts("RTX 4090")
    (('30',), ('60',), ())
    """
    return tuple(first or second for first, second in CORES.findall(text.casefold()))


def _readings(name: str) -> Iterator[str]:
    """Yield what a text may name: a graphics card in parentheses goes before the machine around it."""
    inner = [text for text in PARENTHESES.findall(name) if text]
    cards = [text for text in inner if GRAPHICS.search(text.casefold())]
    outer = PARENTHESES.sub(" ", name)
    for text in cards or (outer, *inner):
        yield text
        if text.endswith("1"):
            yield text[:-1]  # a footnote's number that a conversion left behind: "RTX 40901"
    if cards and "gb10" in outer.casefold():
        yield outer
