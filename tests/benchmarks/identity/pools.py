"""The names, nicknames, streets, places and trades that made people are built of."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path

from .dice import Dice, Weighted

_NAMES = Path(__file__).with_name("names")

NICKNAMES = {
    "william": ("bill", "will", "billy", "liam"), "robert": ("bob", "rob", "bobby"), "richard": ("dick", "rick", "rich"),
    "james": ("jim", "jimmy", "jamie"), "john": ("jack", "johnny"), "michael": ("mike", "mick", "mickey"),
    "thomas": ("tom", "tommy"), "charles": ("charlie", "chuck"), "joseph": ("joe", "joey"), "edward": ("ed", "ted", "ned"),
    "daniel": ("dan", "danny"), "matthew": ("matt",), "anthony": ("tony",), "christopher": ("chris", "kit"),
    "david": ("dave", "davy"), "steven": ("steve",), "stephen": ("steve",), "andrew": ("andy", "drew"),
    "kenneth": ("ken", "kenny"), "joshua": ("josh",), "timothy": ("tim",), "jeffrey": ("jeff",), "frank": ("frankie",),
    "gregory": ("greg",), "samuel": ("sam", "sammy"), "benjamin": ("ben", "benny"), "patrick": ("pat", "paddy"),
    "alexander": ("alex", "sandy", "sasha"), "nicholas": ("nick",), "henry": ("harry", "hank"), "peter": ("pete",),
    "lawrence": ("larry",), "raymond": ("ray",), "gerald": ("gerry", "jerry"), "walter": ("walt",), "albert": ("bert", "al"),
    "elizabeth": ("liz", "beth", "betty", "lizzie", "eliza"), "margaret": ("maggie", "peggy", "meg", "greta"),
    "katherine": ("kate", "kathy", "katie"), "catherine": ("cathy", "kate"), "jennifer": ("jen", "jenny"),
    "patricia": ("pat", "tricia", "patty"), "barbara": ("barb", "babs"), "susan": ("sue", "susie"), "deborah": ("debbie", "deb"),
    "rebecca": ("becky", "becca"), "victoria": ("vicky", "tori"), "christina": ("chris", "tina"), "jessica": ("jess", "jessie"),
    "dorothy": ("dot", "dolly"), "sarah": ("sally", "sadie"), "mary": ("molly", "polly", "mamie"), "ann": ("annie", "nan"),
    "martha": ("patsy", "mattie"), "kimberly": ("kim",), "cynthia": ("cindy",), "sandra": ("sandy",), "pamela": ("pam",),
    "amanda": ("mandy",), "theresa": ("terry", "tess"), "virginia": ("ginny",), "judith": ("judy",), "jacqueline": ("jackie",),
    "abigail": ("abby",), "helen": ("nell", "nellie"), "eleanor": ("nora", "ellie"), "frances": ("fanny", "fran"),
}  # fmt: skip

_PLACE_STARTS = (
    "ash bar black bram brent brook burn cal castle clare cole cran dal dun east elm fair farn glen green hal hart "
    "hazel high hol king lang lin long marl mel mill new north nor oak old pen red ring rock rose sand shel south stan "
    "stoke sut thorn wal warm west whit wil win wood"
).split()
_PLACE_ENDS = "borough bridge brook burn bury by combe dale field ford gate ham haven hill hurst leigh ley mere mouth port stead ton well wick wood worth".split()  # fmt: skip
_STREET_KINDS = ("street", "street", "street", "road", "road", "avenue", "lane", "court", "drive", "close", "place", "way", "crescent", "terrace")  # fmt: skip
_TREES = "acacia alder beech birch cedar cherry chestnut elm fir hawthorn hazel holly juniper laurel lime linden magnolia maple oak pine poplar rowan spruce sycamore walnut willow".split()  # fmt: skip
_STREET_WORDS = (*_TREES, "church", "station", "park", "mill", "school", "victoria", "king", "queen", "high", "main", "bridge", "castle", "market", "garden", "river", "lake", "hill", "meadow", "north", "south", "spring", "valley", "manor", "abbey", "chapel")  # fmt: skip


def _read(name: str) -> Weighted:
    weights: dict[str, float] = {}
    for line in (_NAMES / f"{name}.txt").read_text().splitlines():
        frequency, *names = line.split()
        weights |= dict.fromkeys(names, float(frequency))
    return Weighted(weights)


@cache
def family_names() -> Weighted:
    """8,000 surnames as frequent as they are."""
    return _read("family")


@cache
def given_names(sex: str) -> Weighted:
    """Given names of a sex, "f" or "m", as frequent as they are."""
    return _read("female" if sex == "f" else "male")


@cache
def towns() -> tuple[str, ...]:
    """Some 1,500 names of places, in an order of chance that is always the same."""
    return tuple(Dice(1, 1, 0).shuffled([a + b for a, b in product(_PLACE_STARTS, _PLACE_ENDS)]))


def skewed_town(dice: Dice, n: int) -> str:
    """One of the first n places; the first are the large ones (share falls as 1 over rank, roughly)."""
    return towns()[int(n ** dice.share()) - 1]


@cache
def streets() -> tuple[str, ...]:
    """Some 1,000 names of streets, most of them the name of a person."""
    named = [f"{w} {k}" for w, k in product(_STREET_WORDS, sorted(set(_STREET_KINDS)))]
    people = family_names().values[150:1_000:2]
    dice = Dice(1, 2, 0)
    return tuple(dice.shuffled(named + [f"{p} {dice.pick(_STREET_KINDS)}" for p in people]))


def short_name(dice: Dice, given: str) -> str:
    """A nickname where one is known, else the name."""
    return dice.pick(NICKNAMES[given]) if given in NICKNAMES else given
