"""The fonts of synthetic pages in other scripts than Latin, Greek and Cyrillic, as fontconfig knows them."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from PIL import ImageFont

FC_LIST = "/usr/bin/fc-list"
CODES = {
    "zh-hans": "zh-cn", "zh-hant": "zh-tw", "ja": "ja", "ko": "ko", "ar": "ar", "fa": "fa", "ur": "ur", "he": "he",
    "hi": "hi", "bn": "bn", "ta": "ta", "th": "th",
}  # fmt: skip
"""Fontconfig's codes of the languages of `script_words`."""
REGION = {
    "zh-hans": re.compile(r" (SC|CN)$"), "zh-hant": re.compile(r" (TC|HK|TW|TW MBE)$"), "ja": re.compile(r" JP$"),
    "ko": re.compile(r" KR$"),
}  # fmt: skip
"""Which of the families that end in a region's name draw the characters as a language prints them."""
ANY_REGION = re.compile(r" (SC|TC|HK|TW|TW MBE|CN|JP|KR)$")
UNREADABLE = re.compile(
    r"Keyboard|Initials|Quran|Qurn|Rashi|Stam|Decorative|Thin|Brush|Pilgi|Dinaru|KacstArt|Motoya|Emoji|Ellinia|Shmulik"
)
"""Families and styles that few documents are set in, and that would cost the network more than they teach."""
HELD_OUT = {
    "zh-hans": ("WenQuanYi Micro Hei", "AR PL UMing CN"),
    "zh-hant": ("WenQuanYi Micro Hei", "AR PL UMing TW"),
    "ja": ("VL Gothic", "Ume Mincho"),
    "ko": ("NanumBarunGothic", "Baekmuk Batang"),
    "ar": ("Scheherazade", "KacstOffice"),
    "fa": ("Nazli",),
    "ur": (),
    "he": ("David CLM", "Arimo"),
    "hi": ("Lohit Devanagari", "Samyak Devanagari"),
    "bn": ("Lohit Bengali",),
    "ta": ("Lohit Tamil",),
    "th": ("Loma", "Norasi"),
}
"""Families that are not trained on, for measuring."""
HELD_OUT_KIN = re.compile(
    "^(WenQuanYi Micro Hei|AR PL UMing|VL P?Gothic|Ume P? ?Mincho|NanumBarun|Arimo|Tinos|Cousine)"
)
"""Families that share their drawings with one that is held out."""


class Face(NamedTuple):
    """One font in a file: its path and its number in a collection."""

    path: str
    number: int


@lru_cache(maxsize=400)
def characters(face: Face) -> frozenset[int]:
    """The code points that a font draws."""
    from fontTools.ttLib import TTFont  # the extra "train"

    with TTFont(face.path, fontNumber=face.number, lazy=True) as font:
        return frozenset(font.getBestCmap())


@lru_cache(maxsize=600)
def sized(face: Face, size: int, *, shaped: bool) -> ImageFont.FreeTypeFont:
    """A font at a size in px; `shaped` where letters change with their neighbours, which needs Raqm."""
    engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
    return ImageFont.truetype(face.path, size, index=face.number, layout_engine=engine)


@dataclass
class Fonts:
    """The fonts of each language by family; each family is as likely as the others, whatever its number of styles."""

    families: dict[str, dict[str, list[Face]]] = field(default_factory=dict)

    @staticmethod
    def load(codes: Sequence[str] = tuple(CODES), *, held_out: bool = False) -> Fonts:
        """The fonts to train on, or those that are `held_out`."""
        return Fonts({code: families(code, held_out=held_out) for code in codes})

    def choose(self, code: str, rng: random.Random) -> Face:
        """A random font of a language."""
        return rng.choice(rng.choice(list(self.families[code].values())))


def families(code: str, *, held_out: bool) -> dict[str, list[Face]]:
    """The fonts of a language by family: those to train on, or those that are held out."""
    wanted = ["--format", "%{family[0]}|%{style[0]}|%{index}|%{variable}|%{file}\n"]
    listed = subprocess.run([FC_LIST, f":lang={CODES[code]}", *wanted], capture_output=True, text=True, check=True)
    out: dict[str, list[Face]] = {}
    for line in sorted(set(listed.stdout.splitlines())):
        family, style, index, variable, path = line.split("|")
        if UNREADABLE.search(f"{family} {style}") or variable == "True" or not path.endswith((".ttf", ".otf", ".ttc")):
            continue
        if ANY_REGION.search(family) and not (code in REGION and REGION[code].search(family)):
            continue
        if code not in ("ja", "zh-hans", "zh-hant") and re.search("WenQuanYi", family):
            continue
        if code == "ja" and re.search("WenQuanYi|AR PL", family):
            continue
        chosen = family in HELD_OUT[code] if held_out else not HELD_OUT_KIN.search(family)
        if chosen and (held_out or not any(family in names for names in HELD_OUT.values())):
            out.setdefault(family, []).append(Face(path, int(index)))
    return out
