// The enrollments of the page: the fields that its parts read, and the terms that they share.
import { graphql } from "../generated";
import type { CoverageTier, EnrollmentFieldsFragment, Relationship } from "../generated/graphql";

export type Enrollment = EnrollmentFieldsFragment;

// Every mutation of the page selects these fields, so that its payload updates all that the page shows.
export const ENROLLMENT = graphql(`
  fragment EnrollmentFields on Enrollment {
    id
    version
    status
    effectiveDate
    coverageTier
    coverageStatus
    coverageStartDate
    coverageEndDate
    employeeContributionCents
    employerContributionCents
    benefitProduct {
      id
      name
      category
    }
    planYear {
      id
      coverageStart
      coverageEnd
    }
    selectedPlan {
      id
      carrierPlanId
      name
    }
    enrolledDependents {
      id
      firstName
    }
    electionWindow {
      closesOn
      isOpen
    }
    qualifyingLifeEvent {
      id
      eventType
    }
    replaces {
      id
      version
      status
      coverageStatus
      coverageEndDate
    }
    eligiblePlans {
      plan {
        id
        carrierPlanId
        name
        tier
        deductibleCents
        outOfPocketMaxCents
      }
      costs {
        coverageTier
        employeeContributionCents
        employerContributionCents
      }
    }
  }
`);

const TIERS: Partial<Record<CoverageTier, string>> = {
  EE: "You",
  ES: "You + spouse",
  EC: "You + children",
  EF: "Family",
};

export const formatTier = (tier: CoverageTier) => TIERS[tier] ?? tier;

/** Return the tier of an election that covers dependents of these relationships, as the gateway derives it. */
export function deriveTier(relationships: Relationship[]): CoverageTier {
  const hasChild = relationships.includes("CHILD");
  return relationships.includes("SPOUSE") ? (hasChild ? "EF" : "ES") : hasChild ? "EC" : "EE";
}

/** Return the coverage in force that an answer to a pending enrollment would follow or replace. */
export function findCurrent(enrollments: Enrollment[], pending: Enrollment): Enrollment | undefined {
  return enrollments.find(
    ({ coverageStatus, benefitProduct }) =>
      coverageStatus === "EFFECTIVE" && benefitProduct.id === pending.benefitProduct.id,
  );
}

export const sum = (amounts: (number | null | undefined)[]) => amounts.reduce<number>((a, b) => a + (b ?? 0), 0);
