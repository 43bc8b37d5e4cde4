// Life events to review. An approval lets the employee change their coverage outside open enrollment.
import { useId, useRef, useState } from "react";

import { errorsAt, errorsElsewhere, FieldErrors, useErrorFocus } from "../common/errors";
import { Failure } from "../common/failure";
import { formatCode, formatDate } from "../common/format";
import { useSubmit } from "../common/submit";
import { graphql } from "../generated";
import type { LifeEventDecision, LifeEventToReviewFragment } from "../generated/graphql";

type LifeEvent = LifeEventToReviewFragment;

graphql(`
  fragment LifeEventToReview on QualifyingLifeEvent {
    id
    eventType
    eventDate
    enrollmentWindowEnd
    notes
    version
    employee {
      id
      firstName
      lastName
    }
    dependent {
      id
      firstName
      lastName
    }
  }
`);

const REVIEW = graphql(`
  mutation ReviewLifeEvent($input: ReviewLifeEventInput!) {
    reviewLifeEvent(input: $input) {
      qualifyingLifeEvent {
        id
        status
        version
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

export function LifeEvents({ lifeEvents }: { lifeEvents: LifeEvent[] }) {
  const [outcome, setOutcome] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  function onReviewed(text: string) {
    setOutcome(text);
    heading.current?.focus(); // the form that had the focus is gone
  }
  return (
    <section className="reviews" aria-labelledby="life-events">
      <h2 id="life-events" ref={heading} tabIndex={-1}>
        Life events to review
      </h2>
      <p role="status">{outcome}</p>
      {lifeEvents.length === 0 && <p>There is nothing to review.</p>}
      <ul>
        {lifeEvents.map((lifeEvent) => (
          <li key={lifeEvent.id}>
            <LifeEventReview lifeEvent={lifeEvent} onReviewed={onReviewed} />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Properties {
  lifeEvent: LifeEvent;
  onReviewed: (text: string) => void;
}

function LifeEventReview({ lifeEvent, onReviewed }: Properties) {
  const { id, employee, dependent, eventType, eventDate, enrollmentWindowEnd, notes, version } = lifeEvent;
  // The list shows what is still to review, so it is read again. The event itself follows from the payload.
  const { submit, errors, failure, isPending } = useSubmit(REVIEW, { refetchQueries: ["HrPage"] });
  const [reviewNotes, setReviewNotes] = useState("");
  const form = useErrorFocus<HTMLFormElement>(errors);
  const fieldId = useId();
  const name = `${employee.firstName} ${employee.lastName}`;
  const noteErrors = errorsAt(errors, "reviewNotes");

  async function review(decision: LifeEventDecision) {
    const input = { qualifyingLifeEventId: id, decision, reviewNotes: reviewNotes || null, expectedVersion: version };
    if (!isPending && (await submit(input))) {
      onReviewed(`${name}’s event was ${decision.toLowerCase()}.`);
    }
  }

  return (
    <form aria-label={`Life event of ${name}`} ref={form} onSubmit={(event) => event.preventDefault()}>
      <h3>
        {formatCode(eventType)}: {name}
      </h3>
      <p className="faint">
        {formatDate(eventDate)}
        {dependent && `, ${dependent.firstName} ${dependent.lastName}`}
        <br />
        Can change coverage until {formatDate(enrollmentWindowEnd)}
      </p>
      {notes && <blockquote>{notes}</blockquote>}
      <label htmlFor={fieldId}>Note (optional, not shown to the employee)</label>
      <textarea
        id={fieldId}
        rows={2}
        value={reviewNotes}
        aria-invalid={noteErrors.length > 0}
        aria-describedby={`${fieldId}-errors`}
        onChange={({ target }) => setReviewNotes(target.value)}
      />
      <FieldErrors errors={noteErrors} id={`${fieldId}-errors`} />
      <FieldErrors errors={errorsElsewhere(errors, ["reviewNotes"])} />
      {failure && <Failure error={failure} />}
      {/* While they submit, the buttons are not `disabled`: a disabled button loses the keyboard's focus. */}
      <div className="buttons">
        <button type="button" aria-disabled={isPending} onClick={() => void review("DENIED")}>
          Deny
        </button>
        <button
          type="button"
          className="primary"
          aria-disabled={isPending}
          onClick={() => void review("APPROVED")}
        >
          Approve
        </button>
      </div>
    </form>
  );
}
