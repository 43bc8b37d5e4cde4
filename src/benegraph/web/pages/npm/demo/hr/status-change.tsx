// Opening a draft and closing open enrollment, each after a confirmation.
import { type ReactNode, useId, useRef, useState } from "react";

import { FieldErrors } from "../common/errors";
import { Failure } from "../common/failure";
import { useSubmit } from "../common/submit";
import { graphql } from "../generated";
import type { PlanYear } from "./plan-years";

const OPEN = graphql(`
  mutation OpenEnrollment($input: OpenEnrollmentInput!) {
    openEnrollment(input: $input) {
      issuedCount
      planYear {
        ...PlanYearSummary
        ...PlanYearMix
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

const CLOSE = graphql(`
  mutation CloseEnrollment($input: CloseEnrollmentInput!) {
    closeEnrollment(input: $input) {
      lapsedCount
      planYear {
        ...PlanYearSummary
        ...PlanYearMix
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

// The payload updates the plan year; the list of unanswered enrollments gains or loses items, so it is read again.
const OPTIONS = { refetchQueries: ["HrUnanswered"] };

export function StatusChange({ planYear }: { planYear: PlanYear }) {
  const opening = useSubmit(OPEN, OPTIONS);
  const closing = useSubmit(CLOSE, OPTIONS);
  const [outcome, setOutcome] = useState("");
  const input = { planYearId: planYear.id, expectedVersion: planYear.version };
  return (
    <div className="status-change">
      {planYear.status === "DRAFT" && (
        <Confirmed
          action="Open enrollment"
          submission={opening}
          onConfirm={async () => {
            const payload = await opening.submit(input);
            setOutcome(payload ? `Enrollment is open: ${payload.issuedCount} enrollments were issued.` : "");
            return payload !== null;
          }}
        >
          Every eligible employee gets an enrollment to answer. The plans and contributions can’t be changed after that.
        </Confirmed>
      )}
      {planYear.status === "OPEN_ENROLLMENT" && (
        <Confirmed
          action="Close enrollment"
          submission={closing}
          onConfirm={async () => {
            const payload = await closing.submit(input);
            setOutcome(payload ? `Enrollment is closed: ${payload.lapsedCount} enrollments lapsed.` : "");
            return payload !== null;
          }}
        >
          {planYear.participation?.pending} employees have not answered. New hires among them still can.{" "}
          {planYear.renewal === "PASSIVE"
            ? "Of the others, whoever is covered now keeps the plan if it is still offered; the rest remain without coverage."
            : "The others remain without coverage."}
        </Confirmed>
      )}
      <p role="status">{outcome}</p>
    </div>
  );
}

interface Properties {
  action: string;
  submission: Pick<ReturnType<typeof useSubmit>, "errors" | "failure" | "isPending" | "clearErrors">;
  /** Submit, and return whether it was accepted. */
  onConfirm: () => Promise<boolean>;
  children: ReactNode;
}

/** A button that asks for confirmation. A refusal is shown in the dialog, which stays open. */
function Confirmed({ action, submission, onConfirm, children }: Properties) {
  const { errors, failure, isPending, clearErrors } = submission;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  async function confirm() {
    if (!isPending && (await onConfirm())) {
      dialog.current?.close();
    }
  }
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        {action} …
      </button>
      {/* A modal dialog of the browser keeps the focus, returns it, and closes with Escape. */}
      <dialog ref={dialog} aria-labelledby={id} aria-describedby={`${id}-text`} onClose={clearErrors}>
        <h2 id={id}>{action}?</h2>
        <p id={`${id}-text`}>{children}</p>
        <FieldErrors errors={errors} />
        {failure && <Failure error={failure} />}
        <div className="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          {/* Not `disabled`: a disabled button loses the keyboard's focus. */}
          <button type="button" className="primary" aria-disabled={isPending} onClick={() => void confirm()}>
            {action}
          </button>
        </div>
      </dialog>
    </>
  );
}
