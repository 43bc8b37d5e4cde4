"""Groups: an employer as the carrier knows it, with a contract for each division, and the numbers the carrier gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from random import Random

from benegraph.db.models import GroupContract
from benegraph.demo.random_source import pick
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.demo.times_of_day import DRAFTING, at
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import ONE_DAY, add_years

# Without I and O, which are taken for digits.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
#: How many numbers there are: of subscribers, a letter and eight digits; of groups, six digits.
MEMBERS = len(_LETTERS) * 10**8
GROUPS = 10**6
# Has no divisor in common with either, so that going round by it comes to every number once before any comes again.
_STRIDE = 1_618_033_993

_DIVISIONS = {("SALARIED", "HOURLY"): 3, ("OFFICE", "FIELD"): 3, ("NORTH", "SOUTH"): 2, ("001", "002"): 2}
_ONE_FOR_ALL = ("001",)


@dataclass(frozen=True, slots=True)
class Group:
    """An employer's group with the carrier: its number, and the contract of each division."""

    employer_id: str
    id: str
    coverage_start: date
    contracts: Mapping[str, Row]

    @property
    def divisions(self) -> tuple[str, ...]:
        return tuple(self.contracts)


def subscriber_number(place: int) -> str:
    """Give a subscriber's number: neighbours in place have nothing in common, and all are different."""
    letter, digits = divmod(place * _STRIDE % MEMBERS, 10**8)
    return f"{_LETTERS[letter]}{digits:08}"


def enter_group(ledger: Ledger, rng: Random, employer: Row, place: int, first_year_on: date, *, divided: bool) -> Group:
    """Enter the contracts that an employer brings along when it comes to us, older than its first plan year here."""
    entered_at = at(employer["created_at"].date(), DRAFTING)
    number = place * _STRIDE % GROUPS
    word = "".join(letter for letter in employer["name"].split()[0].upper() if "A" <= letter <= "Z")
    id = f"{word[:13]}-{number:06}"
    start = date(first_year_on.year - rng.randrange(3, 9), rng.choice((1, 1, 4, 7)), 1)
    end = add_years(start, 30) - ONE_DAY if rng.random() < 0.2 else None
    divisions = pick(rng, _DIVISIONS) if divided else _ONE_FOR_ALL
    contracts = {}
    for place_of_division, division_id in enumerate(divisions, 1):
        row = {
            "id": ledger.new_id(IdPrefix.GROUP_CONTRACT, entered_at),
            "employer_id": employer["id"],
            "group_id": id,
            "division_id": division_id,
            "coverage_start": start,
            "coverage_end": end,
            "policy_number": f"PN-{number:06}-{place_of_division:02}",
        }
        contracts[division_id] = ledger.add(GroupContract, row, entered_at)
    return Group(employer["id"], id, start, contracts)


def draw_division(rng: Random, group: Group) -> str:
    """Draw somebody's division: the first is the larger."""
    first, *others = group.divisions
    return rng.choice(others) if others and rng.random() < 0.35 else first
