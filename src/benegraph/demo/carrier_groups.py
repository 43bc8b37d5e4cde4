"""Carrier groups: an employer's contracts with the carrier, one for each division, and the carrier's numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from random import Random

from benegraph.db.models import Division, GroupContract
from benegraph.demo.random_source import weighted_choice
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.demo.times_of_day import DRAFTING_MINUTE, instant_of
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import ONE_DAY, add_years

# Without I and O, which look like digits.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
#: How many subscriber numbers there are: a letter and eight digits.
SUBSCRIBER_NUMBER_COUNT = len(_LETTERS) * 10**8
#: How many group numbers there are: six digits.
GROUP_NUMBER_COUNT = 10**6
# Coprime to both counts, so that its multiples, modulo a count, visit every number before one repeats.
_STRIDE = 1_618_033_993

_DIVISION_WEIGHTS = {("SALARIED", "HOURLY"): 3, ("OFFICE", "FIELD"): 3, ("NORTH", "SOUTH"): 2, ("001", "002"): 2}
_SINGLE_DIVISION = ("001",)


@dataclass(frozen=True, slots=True)
class CarrierGroup:
    """An employer's group with the carrier: its ID, and the row of the contract of each division."""

    employer_id: str
    id: str
    coverage_start: date
    contracts: Mapping[str, Row]

    @property
    def divisions(self) -> tuple[str, ...]:
        return tuple(self.contracts)


def subscriber_number(index: int) -> str:
    """Return the subscriber number at an index. The numbers are distinct, and consecutive ones are unrelated."""
    letter, digits = divmod(index * _STRIDE % SUBSCRIBER_NUMBER_COUNT, 10**8)
    return f"{_LETTERS[letter]}{digits:08}"


def generate_carrier_group(
    records: RecordBuffer, rng: Random, employer: Row, index: int, first_plan_year_on: date, *, has_divisions: bool
) -> CarrierGroup:
    """Add an employer's contracts, which began years before the employer's first plan year here."""
    added_at = instant_of(employer["created_at"].date(), DRAFTING_MINUTE)
    number = index * _STRIDE % GROUP_NUMBER_COUNT
    prefix = "".join(letter for letter in employer["name"].split()[0].upper() if "A" <= letter <= "Z")
    group_id = f"{prefix[:13]}-{number:06}"
    start = date(first_plan_year_on.year - rng.randrange(3, 9), rng.choice((1, 1, 4, 7)), 1)
    end = add_years(start, 30) - ONE_DAY if rng.random() < 0.2 else None
    divisions = weighted_choice(rng, _DIVISION_WEIGHTS) if has_divisions else _SINGLE_DIVISION
    contracts = {}
    for position, division_id in enumerate(divisions, 1):
        row = {
            "id": records.new_id(IdPrefix.GROUP_CONTRACT, employer["id"]),
            "employer_id": employer["id"],
            "group_id": group_id,
            "division_id": division_id,
            "coverage_start": start,
            "coverage_end": end,
            "policy_number": f"PN-{number:06}-{position:02}",
        }
        division = {
            "id": records.new_id(IdPrefix.DIVISION, employer["id"]),
            "employer_id": employer["id"],
            "code": division_id,
            "name": division_id,
            "active": True,
        }
        records.add(Division, division, added_at)
        records.add_creation_event(Division, division, "CREATED", added_at)
        contracts[division_id] = records.add(GroupContract, row, added_at)
        records.add_creation_event(GroupContract, row, "CREATED", added_at)
    return CarrierGroup(employer["id"], group_id, start, contracts)


def choose_division(rng: Random, group: CarrierGroup) -> str:
    """Choose an employee's division; the first division is the larger one."""
    first, *others = group.divisions
    return rng.choice(others) if others and rng.random() < 0.35 else first
