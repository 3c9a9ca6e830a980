"""What is known of pairs before any are seen, and the bounds within which learning stays (Winkler 1993)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.fields import Field

Floats = npt.NDArray[np.float64]
_FAINT = 1e-9  # of levels that one could do without
# Two people of one household: father and son with one name, twins; and ages as in any household, half of its pairs
# within 13 years (couples, siblings), an eighth within two, half not (parents and children). Levels as in
# compare_births.py.
_NAMESAKES = 0.01
_RELATIVES_BIRTH = (1.0, 0.01, 0.0003, 0.003, 0.005, 0.0217, 0.03, 0.12, 0.31, 0.5)
# Of these levels those of years alone: twice as frequent as among strangers, and no more than as told above. Where all
# dates are whole there are none.
_YEARS_ALONE = [5, 7]
# The same of whole years: ages that differ by one at most are of people born less than two years apart.
_RELATIVES_AGE = np.array((1.0, 0.125, 0.1, 0.775))
# One person's dates seldom differ by 13 years or more (a slip of one digit has a level of its own).
_A_GENERATION_WRONG = 0.004
# Strangers of one origin: where learning starts, a tenth of all pairs that agree on names and places three times as
# often as others. Where names do not go together both stay as they are, and nothing changes. Second given names go with
# the first ones (Hans Peter, Mary Ann) and with a language as much as these.
ORIGIN = ("given name", "family name", "middle name", "address")
OF_ONE_ORIGIN, _AGREE_AS_OFTEN = 0.1, 3.0
# Levels that say "different" where these are not the last one alone: two kinds of other birth dates; another postcode
# of the same region is another place.
_DIFFERENT = {"birth date": (-2, -1), "address": (-3, -1)}


def at_most_half(origin: float, stranger: float) -> dict[str, float]:
    """Strangers of one origin are the fewer ones: so the two kinds do not change places."""
    least = max(stranger, (origin + stranger) / 2)
    return {"origin": origin + stranger - least, "stranger": least}


def of_one_origin(field: Field, stranger: Floats) -> Floats:
    """Where learning starts for two strangers of one origin."""
    if field.name not in ORIGIN:
        return stranger
    made = stranger * _AGREE_AS_OFTEN
    made[0] = 1.0
    made[-1] = max(1 - made[1:-1].sum(), stranger[-1] / _AGREE_AS_OFTEN)
    made[1:] /= made[1:].sum()
    return made


def of_relatives(field: Field, stranger: Floats) -> Floats:
    """How two people of one household agree on what is their own: as strangers, but for namesakes and ages."""
    if field.name == "birth date":
        made = np.array(_RELATIVES_BIRTH)
        alone = np.minimum(made[_YEARS_ALONE], 2 * stranger[_YEARS_ALONE])
        made[_DIFFERENT["birth date"][0]] += (made[_YEARS_ALONE] - alone).sum()
        made[_YEARS_ALONE] = alone
        return made
    if field.name == "age":  # where all are about of one age, so are those who live together
        return _RELATIVES_AGE if _RELATIVES_AGE[1] > stranger[1] else stranger
    if field.name != "given name":
        return stranger
    made = stranger * (1 - _NAMESAKES)
    made[0] = 1.0
    made[1] += _NAMESAKES
    return made


def at_least_as_different(home: Floats, same: Floats, field: Field) -> Floats:
    """Hold a household's rates to those of one person: two people under one roof differ at least as often as one does.

    They move and marry as one person does, and apart from each other too. Left free, the household kind learns those
    who agree on all they share, and the others, with one phone and two addresses, are taken for people who moved.
    """
    plain = list(_DIFFERENT.get(field.name, (-1,)))
    rest = np.ones(len(home), bool)
    rest[[0, *plain]] = False
    made = home.copy()
    made[plain] = np.maximum(home[plain], same[plain])
    made[rest] *= max(1 - made[plain].sum(), _FAINT) / home[rest].sum()
    return made


def held(shares: Floats, field: Field, most_different: float) -> Floats:
    """Hold the levels that say "different" at a limit; the other levels share what is over."""
    plain = np.zeros(len(shares), bool)
    plain[list(_DIFFERENT.get(field.name, (-1,)))] = True
    made = shares.copy()
    if field.name == "birth date" and made[-1] > _A_GENERATION_WRONG:
        made[1:-1] *= (1 - _A_GENERATION_WRONG) / (1 - made[-1])
        made[-1] = _A_GENERATION_WRONG
    over = made[plain].sum()
    if over <= most_different:
        return made
    rest = ~plain
    rest[0] = False
    made[plain] *= most_different / over
    made[rest] *= (1 - most_different) / (1 - over)
    return made
