"""Tables of coverage: subscribers, group contracts, and the carrier's coverage of record."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from benegraph.db.base import Base, Cents, Id, Versioned, id_format_check, tenant_foreign_key
from benegraph.domain.ids import IdPrefix


class Subscriber(Versioned, Base):
    """A person in the carrier's records, and the employee that it is linked to, if any."""

    __tablename__ = "subscribers"

    #: The subscriber number, which the carrier assigns.
    subscriber_id: Mapped[Id]
    employer_id: Mapped[Id | None]
    employee_id: Mapped[Id | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]

    __table_args__ = (
        id_format_check(IdPrefix.SUBSCRIBER),
        CheckConstraint("char_length(subscriber_id) BETWEEN 1 AND 9", name="subscriber_id"),
        CheckConstraint("(employer_id IS NULL) = (employee_id IS NULL)", name="employee"),
        UniqueConstraint("tenant_id", "subscriber_id", name="uq_subscribers_subscriber_id"),
        tenant_foreign_key("subscribers_employee", "employer_id employee_id", "employees", "employer_id id"),
        # At most one subscriber for each employee. The index omits the subscribers that are linked to no employee.
        Index(
            "uq_subscribers_employee",
            "tenant_id",
            "employee_id",
            unique=True,
            postgresql_where=text("employee_id IS NOT NULL"),
        ),
        Index(
            "ix_subscribers_employee",
            "tenant_id",
            "employer_id",
            "employee_id",
            postgresql_where=text("employee_id IS NOT NULL"),
        ),
    )


class GroupContract(Versioned, Base):
    """A carrier's contract with a group's division, from the day the group's coverage started."""

    __tablename__ = "group_contracts"

    #: The employer that the group belongs to, if it is known in this tenant.
    employer_id: Mapped[Id | None]
    group_id: Mapped[Id]
    division_id: Mapped[Id]
    coverage_start: Mapped[date]
    coverage_end: Mapped[date | None]
    policy_number: Mapped[str | None]

    __table_args__ = (
        id_format_check(IdPrefix.GROUP_CONTRACT),
        CheckConstraint(
            "char_length(group_id) BETWEEN 1 AND 20 AND char_length(division_id) BETWEEN 1 AND 20"
            " AND char_length(policy_number) <= 25",
            name="lengths",
        ),
        CheckConstraint("coverage_start <= coverage_end", name="coverage"),
        UniqueConstraint("tenant_id", "group_id", "division_id", "coverage_start", name="uq_group_contracts_key"),
        tenant_foreign_key("group_contracts_employer", "employer_id", "employers", "id"),
        Index(
            "ix_group_contracts_employer",
            "tenant_id",
            "employer_id",
            "id",
            postgresql_where=text("employer_id IS NOT NULL"),
        ),
    )


class SubscriberEnrollment(Versioned, Base):
    """The coverage of record of a subscriber under a group contract, identified by five columns.

    `employer_id` is copied from the contract and `employee_id` from the subscriber, for row-level security.
    """

    __tablename__ = "subscriber_enrollments"

    employer_id: Mapped[Id | None]
    employee_id: Mapped[Id | None]
    subscriber_id: Mapped[Id]
    group_id: Mapped[Id]
    division_id: Mapped[Id]
    group_coverage_start: Mapped[date]
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    annual_max_cents: Mapped[Cents | None]
    lifetime_max_cents: Mapped[Cents | None]
    date_employed: Mapped[date | None]
    eligibility_date: Mapped[date | None]
    original_enrollment_date: Mapped[date | None]
    paid_through: Mapped[date | None]
    policy_number: Mapped[str | None]
    term_date: Mapped[date | None]
    #: The coverage in the division that the employee left on the day before this one starts.
    continues_id: Mapped[Id | None]
    entry_user: Mapped[str]
    update_user: Mapped[str]

    __table_args__ = (
        id_format_check(IdPrefix.SUBSCRIBER_ENROLLMENT),
        CheckConstraint("start_date <= end_date", name="coverage"),
        CheckConstraint("annual_max_cents >= 0 AND lifetime_max_cents >= 0", name="cents"),
        CheckConstraint(
            "char_length(policy_number) <= 25 AND char_length(entry_user) <= 50 AND char_length(update_user) <= 50",
            name="lengths",
        ),
        UniqueConstraint(
            "tenant_id",
            "subscriber_id",
            "group_id",
            "division_id",
            "group_coverage_start",
            "start_date",
            name="uq_subscriber_enrollments_key",
        ),
        tenant_foreign_key("subscriber_enrollments_subscriber", "subscriber_id", "subscribers"),
        tenant_foreign_key(
            "subscriber_enrollments_contract",
            "group_id division_id group_coverage_start",
            "group_contracts",
            "group_id division_id coverage_start",
        ),
        tenant_foreign_key("subscriber_enrollments_employer", "employer_id", "employers", "id"),
        # Deferred, because coverage sync may delete a row and insert it again with the same ID.
        tenant_foreign_key(
            "subscriber_enrollments_continues",
            "continues_id",
            "subscriber_enrollments",
            "id",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index(
            "ix_subscriber_enrollments_continues",
            "tenant_id",
            "continues_id",
            postgresql_where=text("continues_id IS NOT NULL"),
        ),
        Index(
            "ix_subscriber_enrollments_contract", "tenant_id", "group_id", "division_id", "group_coverage_start", "id"
        ),
        Index(
            "ix_subscriber_enrollments_employer",
            "tenant_id",
            "employer_id",
            "id",
            postgresql_where=text("employer_id IS NOT NULL"),
        ),
    )
