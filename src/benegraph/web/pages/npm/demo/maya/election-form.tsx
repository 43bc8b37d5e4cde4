// The election: a choice for each pending enrollment, a preview by a dry run, and the confirmation.
import { useApolloClient } from "@apollo/client/react";
import { useState } from "react";

import { errorsBelow, errorsElsewhere, FieldErrors, useErrorFocus } from "../common/errors";
import { Failure } from "../common/failure";
import { useSubmit } from "../common/submit";
import { graphql } from "../generated";
import type { ElectionInput, ElectMutation } from "../generated/graphql";
import { type Choice, EnrollmentChoice, initialChoice } from "./enrollment-choice";
import { type Enrollment, findCurrent } from "./enrollment";
import type { Employee } from "./page";
import { Preview, Summary } from "./summary";

const ELECT = graphql(`
  mutation Elect($input: ElectInput!) {
    elect(input: $input) {
      enrollments {
        ...EnrollmentFields
      }
      previews {
        enrollmentId
        status
        coverageTier
        coverageStartDate
        employeeContributionCents
        employerContributionCents
        selectedPlan {
          id
          name
        }
        dependents {
          id
          firstName
        }
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

export type ElectionPreview = NonNullable<ElectMutation["elect"]["previews"]>[number];

interface Properties {
  employee: Employee;
  pending: Enrollment[];
  onStored: (notice: string) => void;
}

export function ElectionForm({ employee, pending, onStored }: Properties) {
  const client = useApolloClient();
  const { submit, errors, failure, isPending } = useSubmit(ELECT);
  const form = useErrorFocus<HTMLElement>(errors);
  const [choices, setChoices] = useState<Record<string, Choice>>({});
  // The enrollments of the last submission, in its order: an error's path begins with a position in it. A change to a
  // choice removes it, and with it the errors that it has caused.
  const [submitted, setSubmitted] = useState<(string | null)[]>([]);
  const [previews, setPreviews] = useState<ElectionPreview[] | null>(null);
  const chosen = pending.filter(({ id }) => choices[id]);

  function change(enrollment: Enrollment, choice: Choice | undefined) {
    const { [enrollment.id]: _, ...others } = choices;
    setChoices(choice ? { ...others, [enrollment.id]: choice } : others);
    setSubmitted(submitted.map((id) => (id === enrollment.id ? null : id)));
    setPreviews(null);
  }

  function send(dryRun: boolean) {
    setSubmitted(chosen.map(({ id }) => id));
    const elections = chosen.map((enrollment) => toElection(enrollment, choices[enrollment.id]!));
    return submit({ employeeId: employee.id, elections, dryRun });
  }

  async function review() {
    const payload = await send(true);
    setPreviews(payload?.previews ?? null);
  }

  async function confirm() {
    if (await send(false)) {
      setChoices({});
      setPreviews(null);
      onStored("Your election is stored.");
    }
  }

  if (pending.length === 0) {
    return null;
  }
  const canConfirm = previews !== null && errors.length === 0;
  const position = ({ id }: Enrollment) => `elections.${submitted.indexOf(id)}`;
  return (
    <section aria-labelledby="choose" ref={form}>
      <h2 id="choose">Choose your benefits</h2>
      <div className="election">
        <div className="choices">
          {pending.map((enrollment) => {
            const current = findCurrent(employee.enrollments.nodes, enrollment);
            return (
              <EnrollmentChoice
                key={enrollment.id}
                enrollment={enrollment}
                employee={employee}
                current={current}
                choice={choices[enrollment.id] ?? initialChoice(employee, current)}
                isChosen={enrollment.id in choices}
                onChange={(choice) => change(enrollment, choice)}
                errors={errorsBelow(errors, position(enrollment))}
                onReload={() => client.refetchQueries({ include: ["MayaPage"] })}
              />
            );
          })}
        </div>
        <aside className="summary" aria-label="Your election">
          {canConfirm ? (
            <Preview previews={previews} enrollments={pending} isPending={isPending} onConfirm={confirm} />
          ) : (
            <Summary chosen={chosen} choices={choices} employee={employee} isPending={isPending} onReview={review} />
          )}
          {errors.length > 0 && <p role="alert">Nothing is stored. Correct the choices that are marked.</p>}
          <FieldErrors errors={errorsElsewhere(errors, submitted.map((_, index) => `elections.${index}`))} />
          {failure && <Failure error={failure} onRetry={canConfirm ? confirm : review} />}
        </aside>
      </div>
    </section>
  );
}

function toElection({ id, version }: Enrollment, { isWaived, planId, dependentIds }: Choice): ElectionInput {
  const election = { enrollmentId: id, expectedVersion: version };
  return isWaived
    ? { ...election, decision: "WAIVED" }
    : { ...election, decision: "ENROLLED", selectedPlanId: planId, dependentIds };
}
