// Life events: the report of one, its review, and the change of an enrollment after its approval.
import { useQuery } from "@apollo/client/react";
import { type FormEvent, useId } from "react";

import { errorsAt, errorsElsewhere, FieldErrors, useErrorFocus } from "../common/errors";
import { Failure } from "../common/failure";
import { formatCode, formatDate } from "../common/format";
import { useSubmit } from "../common/submit";
import { graphql } from "../generated";
import type { LifeEventFieldsFragment, LifeEventType } from "../generated/graphql";
import type { Enrollment } from "./enrollment";
import type { Employee } from "./page";

export const LIFE_EVENT = graphql(`
  fragment LifeEventFields on QualifyingLifeEvent {
    id
    eventType
    eventDate
    status
    enrollmentWindowEnd
  }
`);

const LIFE_EVENT_STATUSES = graphql(`
  query LifeEventStatuses {
    viewer {
      employee {
        id
        qualifyingLifeEvents {
          id
          status
          enrollmentWindowEnd
        }
      }
    }
  }
`);

const REPORT = graphql(`
  mutation ReportLifeEvent($input: ReportLifeEventInput!) {
    reportLifeEvent(input: $input) {
      qualifyingLifeEvent {
        ...LifeEventFields
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

const REISSUE = graphql(`
  mutation Reissue($input: ReissueInput!) {
    reissue(input: $input) {
      enrollment {
        ...EnrollmentFields
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

const REVIEW_POLL_MILLISECONDS = 4000;
// The events that an employee may report, the most frequent ones first.
const EVENT_TYPES: LifeEventType[] = [
  "MARRIAGE",
  "BIRTH",
  "ADOPTION",
  "DIVORCE",
  "DEATH",
  "JOB_LOSS",
  "EMPLOYER_BANKRUPTCY",
  "MEDICARE_ENTITLEMENT",
  "MEDICAID_LOSS",
  "OTHER",
];

interface Properties {
  employee: Employee;
  onChanged: (notice: string) => void;
}

export function LifeEvents({ employee, onChanged }: Properties) {
  const events = employee.qualifyingLifeEvents;
  // While a review is awaited, the statuses are polled. The cache passes a change on to the page's query.
  const isWaiting = events.some(({ status }) => status === "PENDING");
  useQuery(LIFE_EVENT_STATUSES, { skip: !isWaiting, pollInterval: REVIEW_POLL_MILLISECONDS });
  return (
    <section aria-labelledby="life-events">
      <h2 id="life-events">Life events</h2>
      <div className="life-events">
        <ul className="cards">
          {events.map((event) => (
            <LifeEvent key={event.id} event={event} employee={employee} onChanged={onChanged} />
          ))}
          {events.length === 0 && <li className="empty">No life event is reported.</li>}
        </ul>
        <ReportForm employee={employee} onChanged={onChanged} />
      </div>
    </section>
  );
}

const STATUS_TEXTS = { PENDING: "Pending: HR reviews it", APPROVED: "Approved", DENIED: "Denied", WITHDRAWN: "Withdrawn" };

function LifeEvent({ event, employee, onChanged }: Properties & { event: LifeEventFieldsFragment }) {
  const { today } = employee.employer;
  const enrollments = employee.enrollments.nodes;
  // An enrollment of this event itself is answered again by reopening it.
  const isPending = ({ id }: Enrollment) => enrollments.some(({ replaces }) => replaces?.id === id);
  const changeable = enrollments.filter(
    (enrollment) =>
      enrollment.status !== "PENDING" &&
      enrollment.planYear.coverageStart <= today &&
      enrollment.qualifyingLifeEvent?.id !== event.id &&
      !isPending(enrollment),
  );
  const canChange = event.status === "APPROVED" && today <= event.enrollmentWindowEnd;
  return (
    <li className="card">
      <h3>{formatCode(event.eventType)}</h3>
      <p>
        {formatDate(event.eventDate)} · <span className={`status ${event.status}`}>{STATUS_TEXTS[event.status] ?? event.status}</span>
      </p>
      {canChange && (
        <>
          <p>You can change this year’s coverage until {formatDate(event.enrollmentWindowEnd)}.</p>
          <div className="reissues">
            {changeable.map((enrollment) => (
              <ReissueButton key={enrollment.id} {...{ event, enrollment, onChanged }} />
            ))}
          </div>
        </>
      )}
    </li>
  );
}

interface ReissueProperties {
  event: LifeEventFieldsFragment;
  enrollment: Enrollment;
  onChanged: (notice: string) => void;
}

function ReissueButton({ event, enrollment, onChanged }: ReissueProperties) {
  const { submit, errors, failure, isPending } = useSubmit(REISSUE, { refetchQueries: ["MayaPage"] });
  const benefit = formatCode(enrollment.benefitProduct.category);

  async function reissue() {
    const input = {
      enrollmentId: enrollment.id,
      qualifyingLifeEventId: event.id,
      expectedVersion: enrollment.version,
    };
    if (await submit(input)) {
      onChanged(`${benefit} is open for a change. Your coverage stays in force until you confirm a new choice.`);
    }
  }

  return (
    <div>
      <button type="button" disabled={isPending} onClick={reissue}>
        Change {benefit.toLowerCase()}
      </button>
      <FieldErrors errors={errors} />
      {failure && <Failure error={failure} onRetry={reissue} />}
    </div>
  );
}

const FIELDS = ["eventType", "eventDate", "notes"];

function ReportForm({ employee, onChanged }: Properties) {
  const id = useId();
  const { submit, errors, failure, isPending } = useSubmit(REPORT, { refetchQueries: ["MayaPage"] });
  const form = useErrorFocus<HTMLFormElement>(errors);

  async function report(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    const input = {
      employeeId: employee.id,
      eventType: values.eventType as LifeEventType,
      eventDate: values.eventDate!,
      notes: values.notes || null,
    };
    if (await submit(input)) {
      form.current?.reset();
      onChanged("Your life event is reported. HR reviews it.");
    }
  }

  // An invalid field refers to its message.
  const describe = (field: string) => ({
    id: `${id}-${field}`,
    name: field,
    "aria-invalid": errorsAt(errors, field).length > 0,
    "aria-describedby": `${id}-${field}-errors`,
  });
  return (
    <form className="card report" onSubmit={report} ref={form}>
      <h3>Report a life event</h3>
      <label htmlFor={`${id}-eventType`}>Event</label>
      <select {...describe("eventType")} required defaultValue="">
        <option value="" disabled>
          Choose …
        </option>
        {EVENT_TYPES.map((type) => (
          <option key={type} value={type}>
            {formatCode(type)}
          </option>
        ))}
      </select>
      <FieldErrors errors={errorsAt(errors, "eventType")} id={`${id}-eventType-errors`} />
      <label htmlFor={`${id}-eventDate`}>Date</label>
      <input {...describe("eventDate")} type="date" required />
      <FieldErrors errors={errorsAt(errors, "eventDate")} id={`${id}-eventDate-errors`} />
      <label htmlFor={`${id}-notes`}>Notes for HR (optional)</label>
      <textarea {...describe("notes")} rows={2} />
      <FieldErrors errors={errorsAt(errors, "notes")} id={`${id}-notes-errors`} />
      <button type="submit" disabled={isPending}>
        {isPending ? "Reporting …" : "Report"}
      </button>
      <FieldErrors errors={errorsElsewhere(errors, FIELDS)} />
      {failure && <Failure error={failure} />}
    </form>
  );
}
