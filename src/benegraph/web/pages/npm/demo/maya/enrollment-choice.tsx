// The choice for one pending enrollment: the dependents to cover, and a plan or a waiver.
import { useId } from "react";

import { errorsAt, errorsElsewhere, FieldErrors, type UserError } from "../common/errors";
import { countDays, formatCents, formatCode, formatDate, formatDays, formatWholeDollars } from "../common/format";
import type { CoverageTier } from "../generated/graphql";
import { deriveTier, type Enrollment, formatTier } from "./enrollment";
import type { Employee } from "./page";

/** A choice without a plan is possible: the gateway refuses it, and the message appears at the plans. */
export interface Choice {
  isWaived: boolean;
  planId?: string;
  dependentIds: string[];
}

/** Return the choice that a form starts with: nothing decided, and the dependents who are covered now. */
export function initialChoice(employee: Employee, current: Enrollment | undefined): Choice {
  const covered = current?.enrolledDependents.map(({ id }) => id) ?? [];
  return {
    isWaived: false,
    dependentIds: covered.filter((id) => employee.dependents.some((dependent) => dependent.id === id && dependent.active)),
  };
}

/** Return the tier that a choice leads to. */
export function tierOf(choice: Choice, employee: Employee): CoverageTier {
  const covered = employee.dependents.filter(({ id }) => choice.dependentIds.includes(id));
  return deriveTier(covered.map(({ relationship }) => relationship));
}

interface Properties {
  enrollment: Enrollment;
  employee: Employee;
  current: Enrollment | undefined;
  choice: Choice;
  isChosen: boolean;
  onChange: (choice: Choice | undefined) => void;
  errors: UserError[];
  onReload: () => void;
}

export function EnrollmentChoice(properties: Properties) {
  const { enrollment, employee, current, choice, isChosen, onChange, errors, onReload } = properties;
  const name = useId();
  const { benefitProduct, effectiveDate, electionWindow, qualifyingLifeEvent } = enrollment;
  const benefit = formatCode(benefitProduct.category);
  const { today } = employee.employer;
  const tier = tierOf(choice, employee);
  const planErrors = [...errorsAt(errors, "selectedPlanId"), ...errorsAt(errors, "coverageTier")];
  const decisionErrors = errorsAt(errors, "decision");
  // The others concern the enrollment itself: it is answered or closed, or has changed since it was read.
  const otherErrors = errorsElsewhere(errors, ["selectedPlanId", "coverageTier", "dependentIds", "decision"]);
  return (
    <section className="choice" aria-labelledby={`${name}-title`}>
      <header>
        <h3 id={`${name}-title`}>
          {benefit} from {formatDate(effectiveDate)}
        </h3>
        <p>
          {benefitProduct.name}
          {qualifyingLifeEvent && ` · Change after: ${formatCode(qualifyingLifeEvent.eventType).toLowerCase()}`}
        </p>
        <p className="deadline" data-urgent={countDays(today, electionWindow.closesOn) < 7 || undefined}>
          {countDays(today, electionWindow.closesOn) > 0
            ? `${formatDays(today, electionWindow.closesOn)} left, until ${formatDate(electionWindow.closesOn)}`
            : "Today is the last day"}
        </p>
      </header>
      {otherErrors.length > 0 && (
        <div className="refusal">
          <FieldErrors errors={otherErrors} />
          <button type="button" onClick={onReload}>
            Load the current state
          </button>
        </div>
      )}
      <Dependents {...{ employee, choice, onChange, errors }} isDisabled={choice.isWaived} />
      <fieldset aria-describedby={planErrors.length > 0 ? `${name}-errors` : undefined}>
        <legend>
          Plan <span>your share per month for: {formatTier(tier).toLowerCase()}</span>
        </legend>
        <div className="plans" data-invalid={planErrors.length > 0 || undefined}>
          {enrollment.eligiblePlans.map((offer) => (
            <PlanCard
              key={offer.plan.id}
              offer={offer}
              tier={tier}
              name={name}
              isCurrent={offer.plan.carrierPlanId === current?.selectedPlan?.carrierPlanId}
              isChecked={choice.planId === offer.plan.id}
              onSelect={() => onChange({ ...choice, isWaived: false, planId: offer.plan.id })}
            />
          ))}
        </div>
        <FieldErrors errors={planErrors} id={`${name}-errors`} />
        <div className="waiver">
          <label>
            <input
              type="radio"
              name={name}
              checked={choice.isWaived}
              aria-invalid={decisionErrors.length > 0}
              aria-describedby={decisionErrors.length > 0 ? `${name}-decision` : undefined}
              onChange={() => onChange({ ...choice, isWaived: true, planId: undefined })}
            />
            Waive {benefit.toLowerCase()}
          </label>
          {isChosen && (
            <button type="button" className="link" onClick={() => onChange(undefined)}>
              Decide later
            </button>
          )}
        </div>
        <FieldErrors errors={decisionErrors} id={`${name}-decision`} />
      </fieldset>
    </section>
  );
}

interface DependentsProperties {
  employee: Employee;
  choice: Choice;
  onChange: (choice: Choice) => void;
  errors: UserError[];
  isDisabled: boolean;
}

// Each dependent has a field of its own in the input: an error names its position in `dependentIds`.
function Dependents({ employee, choice, onChange, errors, isDisabled }: DependentsProperties) {
  const id = useId();
  const { dependentIds } = choice;
  const paths = dependentIds.map((_, index) => `dependentIds.${index}`);

  function toggle(dependentId: string, isCovered: boolean) {
    const others = dependentIds.filter((other) => other !== dependentId);
    onChange({ ...choice, dependentIds: isCovered ? [...others, dependentId] : others });
  }

  return (
    <fieldset disabled={isDisabled}>
      <legend>Cover with you</legend>
      <div className="dependents">
        {employee.dependents
          .filter(({ active }) => active)
          .map((dependent) => {
            const index = dependentIds.indexOf(dependent.id);
            const ownErrors = errorsAt(errors, `dependentIds.${index}`);
            const errorsId = `${id}-${dependent.id}`;
            return (
              <div key={dependent.id}>
                <label>
                  <input
                    type="checkbox"
                    checked={index >= 0}
                    aria-invalid={ownErrors.length > 0}
                    aria-describedby={ownErrors.length > 0 ? errorsId : undefined}
                    onChange={({ target }) => toggle(dependent.id, target.checked)}
                  />
                  {dependent.firstName}
                </label>
                <FieldErrors errors={ownErrors} id={errorsId} />
              </div>
            );
          })}
      </div>
      <FieldErrors errors={errorsElsewhere(errorsAt(errors, "dependentIds"), paths)} />
    </fieldset>
  );
}

interface PlanCardProperties {
  offer: Enrollment["eligiblePlans"][number];
  tier: CoverageTier;
  name: string;
  isCurrent: boolean;
  isChecked: boolean;
  onSelect: () => void;
}

function PlanCard({ offer: { plan, costs }, tier, name, isCurrent, isChecked, onSelect }: PlanCardProperties) {
  const id = useId();
  const cost = costs.find(({ coverageTier }) => coverageTier === tier);
  return (
    <div className="plan">
      <label>
        <input type="radio" name={name} checked={isChecked} onChange={onSelect} aria-describedby={`${id}-price`} />
        {plan.name}
      </label>
      <p className="marks">
        {plan.tier && <span className="mark">{formatCode(plan.tier)}</span>}
        {isCurrent && <span className="mark current">Current</span>}
      </p>
      <p className="price" id={`${id}-price`}>
        {cost ? formatCents(cost.employeeContributionCents) : "Not offered"}
      </p>
      <table>
        <caption className="hidden">{plan.name}: your share per month</caption>
        <tbody>
          {costs.map(({ coverageTier, employeeContributionCents }) => (
            <tr key={coverageTier} aria-current={coverageTier === tier || undefined}>
              <th scope="row">{formatTier(coverageTier)}</th>
              <td>{formatCents(employeeContributionCents)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl>
        {cost && <Fact term="Employer pays" text={formatCents(cost.employerContributionCents)} />}
        {plan.deductibleCents != null && <Fact term="Deductible" text={formatWholeDollars(plan.deductibleCents)} />}
        {plan.outOfPocketMaxCents != null && (
          <Fact term="Out-of-pocket limit" text={formatWholeDollars(plan.outOfPocketMaxCents)} />
        )}
      </dl>
    </div>
  );
}

function Fact({ term, text }: { term: string; text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}
