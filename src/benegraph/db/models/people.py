"""Tables of people: employees, their moves between divisions, and their dependents."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import Base, Id, Instant, TenantScoped, Versioned, enum_type, id_format_check, tenant_foreign_key
from benegraph.db.models.addresses import Addressed, address_check, address_of, address_values
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Demographics, EmploymentClass, MaritalStatus, Relationship, Sex


class Person(Addressed):
    """A row with a person's demographic data, which is null where it is unknown."""

    middle_name: Mapped[str | None]
    name_suffix: Mapped[str | None]
    sex: Mapped[Sex | None] = mapped_column(enum_type(Sex))
    #: In the form of E.164.
    phone: Mapped[str | None]
    #: The social security number, encrypted by `domain/encryption`, and its keyed hash, which finds equal numbers.
    ssn: Mapped[bytes | None]
    ssn_index: Mapped[bytes | None]
    ssn_last_four: Mapped[str | None]


def demographics_of(row: Person) -> Demographics:
    return Demographics(row.middle_name, row.name_suffix, row.sex, row.phone, address_of(row))


def demographic_values(demographics: Demographics) -> dict[str, Any]:
    """Return the values of the demographic columns."""
    return {
        "middle_name": demographics.middle_name,
        "name_suffix": demographics.name_suffix,
        "sex": demographics.sex,
        "phone": demographics.phone,
        **address_values(demographics.address),
    }


def _ssn_check() -> CheckConstraint:
    return CheckConstraint(
        "num_nonnulls(ssn, ssn_index, ssn_last_four) IN (0, 3) AND ssn_last_four ~ '^[0-9]{4}$'", name="ssn"
    )


class Employee(Person, Versioned, Base):
    """A person's employment with one employer, from hire to termination."""

    __tablename__ = "employees"

    employer_id: Mapped[Id]
    external_id: Mapped[str | None]
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str | None]
    date_of_birth: Mapped[date | None]
    marital_status: Mapped[MaritalStatus | None] = mapped_column(enum_type(MaritalStatus))
    employment_class: Mapped[EmploymentClass] = mapped_column(enum_type(EmploymentClass))
    #: The carrier's code of the employee's division within the group.
    division_id: Mapped[str | None]
    hired_on: Mapped[date]
    #: The day of the last change of class after the hire; a waiting period then starts on it.
    class_changed_on: Mapped[date | None]
    terminated_on: Mapped[date | None]
    #: The employment of the same person that ended before this one began: this one is a rehire.
    previous_employment_id: Mapped[Id | None]
    #: The record of the same employment that this duplicate was merged into. Such a record never changes again.
    merged_into_id: Mapped[Id | None]

    __table_args__ = (
        id_format_check(IdPrefix.EMPLOYEE),
        address_check(),
        _ssn_check(),
        CheckConstraint("terminated_on >= hired_on", name="terminated_after_hire"),
        CheckConstraint("char_length(division_id) BETWEEN 1 AND 20", name="division_id"),
        UniqueConstraint("tenant_id", "employer_id", "id", name="uq_employees_of_employer"),
        tenant_foreign_key("employees_employer", "employer_id", "employers", "id"),
        tenant_foreign_key(
            "employees_previous_employment", "employer_id previous_employment_id", "employees", "employer_id id"
        ),
        tenant_foreign_key("employees_merged_into", "employer_id merged_into_id", "employees", "employer_id id"),
        Index(
            "ix_employees_merged_into",
            "tenant_id",
            "employer_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        # Each employment is followed by at most one other.
        Index(
            "uq_employees_previous_employment",
            "tenant_id",
            "employer_id",
            "previous_employment_id",
            unique=True,
            postgresql_where=text("previous_employment_id IS NOT NULL"),
        ),
        # Partial: an index that includes rows without an external ID would be the smallest, and the planner would use
        # it to look up IDs.
        Index(
            "uq_employees_external_id",
            "tenant_id",
            "employer_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        Index(
            "ix_employees_ssn",
            "tenant_id",
            "employer_id",
            "ssn_index",
            postgresql_where=text("ssn_index IS NOT NULL"),
        ),
        Index("ix_employees_last_name", "tenant_id", "last_name", "id"),
        Index("ix_employees_hired_on", "tenant_id", "hired_on", "id"),
        Index("ix_employees_created_at", "tenant_id", "created_at", "id"),
        Index("ix_employees_employer_last_name", "tenant_id", "employer_id", "last_name", "id"),
        Index("ix_employees_employer_hired_on", "tenant_id", "employer_id", "hired_on", "id"),
        Index("ix_employees_employer_created_at", "tenant_id", "employer_id", "created_at", "id"),
        Index("ix_employees_updated_at", "tenant_id", "updated_at", "id"),
        Index("ix_employees_employer_updated_at", "tenant_id", "employer_id", "updated_at", "id"),
    )


class DivisionMove(TenantScoped, Base):
    """A move of an employee between two of the carrier's divisions, on which the coverage of record depends.

    Before the move the employee belongs to `from_division_id`. From the last move on, the division is the employee's
    own `division_id`.
    """

    __tablename__ = "division_moves"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id] = mapped_column(primary_key=True)
    effective_on: Mapped[date] = mapped_column(primary_key=True)
    from_division_id: Mapped[str | None]
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint("char_length(from_division_id) BETWEEN 1 AND 20", name="from_division_id"),
        tenant_foreign_key("division_moves_employee", "employer_id employee_id", "employees", "employer_id id"),
        Index("ix_division_moves_employee", "tenant_id", "employer_id", "employee_id"),
    )


class Dependent(Person, Versioned, Base):
    """A family member of an employee."""

    __tablename__ = "dependents"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    first_name: Mapped[str]
    last_name: Mapped[str]
    date_of_birth: Mapped[date]
    relationship: Mapped[Relationship] = mapped_column(enum_type(Relationship))
    active: Mapped[bool]
    disabled: Mapped[bool]

    __table_args__ = (
        id_format_check(IdPrefix.DEPENDENT),
        address_check(),
        _ssn_check(),
        UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_dependents_of_employee"),
        tenant_foreign_key("dependents_employee", "employer_id employee_id", "employees", "employer_id id"),
        Index("ix_dependents_employee", "tenant_id", "employee_id", "id"),
    )
