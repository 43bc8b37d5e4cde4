"""Census files: one row for each employee and each dependent, parsed into the items of a census."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, BinaryIO

from benegraph.domain.addresses import PostalAddress
from benegraph.domain.people import EmploymentClass, MaritalStatus, Relationship, Sex
from benegraph.domain.ssn import normalize_ssn
from benegraph.exchange import CensusFormat, FileFormat
from benegraph.exchange.census_mapping import CensusMapping
from benegraph.exchange.rows import ColumnNames, FileRow, read_rows
from benegraph.exchange.values import JsonNumber, UnreadableInput, parse_date, parse_text
from benegraph.exchange.workbooks import read_workbook_rows
from benegraph.services.census import CensusDependent, CensusItem

#: The value of the field `relationship` in an employee's row; an empty one means the same.
EMPLOYEE = "EMPLOYEE"
_ADDRESS_FIELDS = ("addressLine1", "addressLine2", "city", "state", "postalCode", "country")
#: Digits that a spreadsheet drops at the front of a number, by field.
_PADDED_LENGTHS = {"ssn": 9, "postalCode": 5}
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_TRUE, _FALSE = ("true", "yes", "y", "1"), ("false", "no", "n", "0")


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a census file: the column that it sets, its parser, and whose rows may have it.

    An empty cell clears the column if `is_cleared`; otherwise it is as if the file did not have the field.
    """

    column: str
    parse: Callable[[Any], Any]
    is_cleared: bool = False
    of_employee: bool = True
    of_dependent: bool = False


def _parse_code(codes: type[StrEnum]) -> Callable[[Any], Any]:
    def parse(value: Any) -> StrEnum:
        text = parse_text(value).strip().upper().replace(" ", "_")
        if text not in list(codes):
            raise UnreadableInput(f"Expected one of {', '.join(codes)}; map other words in the mapping file.")
        return codes(text)

    return parse


def _parse_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = parse_text(value).strip().lower()
    if text in (*_TRUE, *_FALSE):
        return text in _TRUE
    raise UnreadableInput(f"Expected one of {', '.join((*_TRUE, *_FALSE))}.")


def _parse_name(value: Any) -> str:
    text = parse_text(value).strip()
    if text.startswith(("=", "+", "-", "@")):
        raise UnreadableInput("The text begins like a formula of a spreadsheet, with =, +, - or @.")
    return text


def _parse_digits(value: Any) -> str:
    return parse_text(value).strip()


_SHARED = {"of_dependent": True}
FIELDS: dict[str, _Field] = {
    "externalId": _Field("external_id", _parse_name, **_SHARED),
    "relationship": _Field("relationship", _parse_code(Relationship), of_employee=False, of_dependent=True),
    "firstName": _Field("first_name", _parse_name, **_SHARED),
    "middleName": _Field("middle_name", _parse_name, is_cleared=True, **_SHARED),
    "lastName": _Field("last_name", _parse_name, **_SHARED),
    "nameSuffix": _Field("name_suffix", _parse_name, is_cleared=True, **_SHARED),
    "dateOfBirth": _Field("date_of_birth", parse_date, **_SHARED),
    "sex": _Field("sex", _parse_code(Sex), is_cleared=True, **_SHARED),
    "maritalStatus": _Field("marital_status", _parse_code(MaritalStatus), is_cleared=True),
    "ssn": _Field("ssn", _parse_digits, **_SHARED),
    "email": _Field("email", _parse_name, is_cleared=True),
    "phone": _Field("phone", _parse_digits, is_cleared=True, **_SHARED),
    **{name: _Field(name, _parse_name, is_cleared=True, **_SHARED) for name in _ADDRESS_FIELDS},
    "employmentClass": _Field("employment_class", _parse_code(EmploymentClass)),
    "startDate": _Field("hired_on", parse_date),
    "terminationDate": _Field("terminated_on", parse_date),
    "terminationReason": _Field("termination_reason", _parse_name),
    "divisionId": _Field("division_id", _parse_name),
    "divisionEffectiveDate": _Field("division_effective_on", parse_date),
    "subscriberId": _Field("subscriber_id", _parse_name),
    "disabled": _Field("disabled", _parse_flag, of_employee=False, of_dependent=True),
    "active": _Field("active", _parse_flag, of_employee=False, of_dependent=True),
}
FIELD_NAMES = tuple(FIELDS)


@dataclass(slots=True)
class CensusRow:
    """A row of a file: whose it is, its values by column, and its errors."""

    line: int
    external_id: str | None = None
    is_dependent: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CensusEntry:
    """A person of a file: the rows of the employee and of the dependents, and the item unless a row has an error."""

    external_id: str | None
    rows: list[CensusRow]
    item: CensusItem | None = None
    #: The row of each of the item's dependents.
    dependent_rows: list[CensusRow] = field(default_factory=list)


def parse_census(source: BinaryIO, file_format: CensusFormat, mapping: CensusMapping) -> list[CensusEntry]:
    """Parse a file, and group its rows by the employee's external ID, in the order of the file.

    Raises UnreadableInput if the header is invalid, or the file is not in UTF-8.
    """
    if source.seekable():
        if source.read(2) in _UTF_16_MARKS:
            raise UnreadableInput("The file is in UTF-16; save it in UTF-8, such as “CSV UTF-8” in Excel.")
        source.seek(0)
    unmapped = [name for name in FIELD_NAMES if name not in mapping.columns.values()]
    columns = ColumnNames([*mapping.columns, *unmapped, *mapping.ignore], ())
    rows = (
        read_workbook_rows(source, columns)
        if file_format is CensusFormat.XLSX
        else read_rows(source, FileFormat(file_format), columns)
    )
    has_null = file_format is CensusFormat.JSONL
    parsed = [
        _parse_row(row, mapping, has_null=has_null)
        for row in rows
        if row.error or any(map(_is_filled, row.values.values()))
    ]
    return _group(parsed)


def _is_filled(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _parse_row(row: FileRow, mapping: CensusMapping, *, has_null: bool) -> CensusRow:
    if row.error is not None:
        return CensusRow(row.line, errors=[row.error])
    values = {
        mapping.columns.get(name, name): value for name, value in row.values.items() if name not in mapping.ignore
    }
    parsed = CensusRow(row.line)
    relationship = values.get("relationship")
    if isinstance(relationship, str):
        relationship = mapping.values.get("relationship", {}).get(relationship.strip(), relationship).strip().upper()
        values["relationship"] = relationship
    parsed.is_dependent = bool(relationship) and relationship != EMPLOYEE
    for name, value in values.items():
        declared = FIELDS[name]
        if not (declared.of_dependent if parsed.is_dependent else declared.of_employee):
            continue
        if not _is_filled(value):
            if declared.is_cleared or (has_null and value is None):
                parsed.values[declared.column] = None
            continue
        try:
            parsed.values[declared.column] = _parse_value(name, declared, value, mapping)
        except UnreadableInput as error:
            parsed.errors.append(f"{name}: {error}")
    _collect_address(parsed, values)
    parsed.external_id = parsed.values.pop("external_id", None)
    if parsed.external_id is None and not any(error.startswith("externalId") for error in parsed.errors):
        parsed.errors.append("externalId: A value is required; it names the employee.")
    if parsed.is_dependent:
        parsed.errors += [
            f"{name}: A value is required of a dependent, who is matched by it."
            for name, column in (("firstName", "first_name"), ("dateOfBirth", "date_of_birth"))
            if parsed.values.get(column) is None and not any(error.startswith(name) for error in parsed.errors)
        ]
    return parsed


def _parse_value(name: str, declared: _Field, value: Any, mapping: CensusMapping) -> Any:
    if isinstance(value, JsonNumber):
        value = str(value)
    if isinstance(value, str):
        value = value.strip()
        value = mapping.values.get(name, {}).get(value, value)
        if name in _PADDED_LENGTHS and value.isdecimal() and value.isascii():
            value = value.zfill(_PADDED_LENGTHS[name])
        if declared.parse is parse_date and mapping.date_format is not None:
            value = _to_iso_date(value, mapping.date_format)
    return declared.parse(value)


def _to_iso_date(text: str, date_format: str) -> str:
    try:
        return datetime.strptime(text, date_format).date().isoformat()  # noqa: DTZ007 - a date has no time zone
    except ValueError:
        return text  # an Excel date cell is in ISO form; the parser refuses anything else


def _collect_address(row: CensusRow, values: dict[str, Any]) -> None:
    """Replace the columns of an address by the address itself; None if all of them are empty."""
    if not any(name in values for name in _ADDRESS_FIELDS):
        return
    parts = {name: row.values.pop(name, None) for name in _ADDRESS_FIELDS}
    if not any(part for name, part in parts.items() if name != "country"):
        row.values["address"] = None
        return
    row.errors += [f"{name}: An address needs it." for name in ("addressLine1", "city") if parts[name] is None]
    line1, line2, city, state, postal_code, country = parts.values()
    row.values["address"] = PostalAddress(line1 or "", line2, city or "", state, postal_code, country or "US")


# -------------------------------------------------------------------------------------------------------- grouping


def _group(rows: Sequence[CensusRow]) -> list[CensusEntry]:
    groups: dict[Any, list[CensusRow]] = defaultdict(list)
    for row in rows:
        groups[row.line if row.external_id is None else row.external_id].append(row)
    numbers = Counter(_number(row) for row in rows if not row.is_dependent)
    return [_build_entry(group, numbers) for group in groups.values()]


def _number(row: CensusRow) -> str | None:
    ssn = row.values.get("ssn")
    return None if ssn is None else normalize_ssn(ssn)


def _build_entry(rows: list[CensusRow], numbers: Counter[str | None]) -> CensusEntry:
    entry = CensusEntry(rows[0].external_id, rows)
    employees = [row for row in rows if not row.is_dependent]
    for row in employees:
        if len(employees) > 1 and row.external_id is not None:
            lines = ", ".join(str(other.line) for other in employees if other is not row)
            row.errors.append(f"externalId: The employee is also on line {lines}; keep one row.")
        if _number(row) is not None and numbers[_number(row)] > 1:
            row.errors.append("ssn: Another employee of the file has the same number.")
    if entry.external_id is None or any(row.errors for row in rows):
        return entry
    values = dict(employees[0].values) if employees else {}
    entry.dependent_rows = [row for row in rows if row.is_dependent]
    termination = {"termination": values.pop("terminated_on")} if "terminated_on" in values else {}
    entry.item = CensusItem(
        entry.external_id,
        dependents=[_build_dependent(row) for row in entry.dependent_rows],
        division_effective_on=values.pop("division_effective_on", None),
        termination_reason=values.pop("termination_reason", None),
        values=values,
        **termination,
    )
    return entry


def _build_dependent(row: CensusRow) -> CensusDependent:
    values = dict(row.values)
    first_name: str = values.pop("first_name")
    date_of_birth: date = values.pop("date_of_birth")
    return CensusDependent(first_name, date_of_birth, values)


def build_missing_entry(external_id: str, terminated_on: date) -> CensusEntry:
    """Return the entry that terminates an employee who is missing in a file of all employees."""
    item = CensusItem(external_id, termination=terminated_on, termination_reason="Missing in the census file.")
    return CensusEntry(external_id, [], item)


def iterate_batches(entries: Sequence[CensusEntry], size: int) -> Iterator[list[CensusEntry]]:
    """Yield the entries with an item in batches."""
    complete = [entry for entry in entries if entry.item is not None]
    for start in range(0, len(complete), size):
        yield complete[start : start + size]
