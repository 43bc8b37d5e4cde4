/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** The plan year whose enrollment closes. */
export type CloseEnrollmentInput = {
  /** The version that you read. If the object has changed since, the mutation is refused. */
  expectedVersion?: number | null | undefined;
  /** A key of your choice, 1 to 255 characters. A repeated call with the same key and input within 30 days changes nothing and returns the same objects; the same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
  /** The plan year, whose open enrollment must be over. */
  planYearId: string | number;
};

/** The status of elected coverage today, in the employer's time zone. */
export type CoverageStatus =
  /** Coverage was ended before it started. */
  | 'CANCELLED'
  /** Coverage is in force. */
  | 'EFFECTIVE'
  /** The last day of coverage has passed. */
  | 'ENDED'
  /** Coverage starts on a later day. */
  | 'UPCOMING';

/** The coverage tier: which family members are covered. */
export type CoverageTier =
  /** The employee and at least one child. */
  | 'EC'
  /** The employee alone. */
  | 'EE'
  /** The employee, a spouse and at least one child. */
  | 'EF'
  /** The employee and a spouse. */
  | 'ES'
  /** No particular tier. A contribution class with it applies to every tier without a class of its own. An election with it derives the tier from the dependents. */
  | 'UNSPECIFIED';

/** An employee's elections, which are applied all together or not at all. */
export type ElectInput = {
  /** If true, the elections are only previewed and nothing is changed. */
  dryRun?: boolean;
  /** The elections, at most one for each enrollment. */
  elections: Array<ElectionInput>;
  /** The employee. */
  employeeId: string | number;
  /** A key of your choice, 1 to 255 characters. A repeated call with the same key and input within 30 days changes nothing and returns the same objects; the same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
};

/** An employee's answer to an enrollment. */
export type ElectionDecision =
  /** The employee elects coverage by a plan. */
  | 'ENROLLED'
  /** The employee waives coverage. */
  | 'WAIVED';

/** An employee's answer to one pending enrollment. */
export type ElectionInput = {
  /** The coverage tier; derived from the dependents if left out. */
  coverageTier?: CoverageTier | null | undefined;
  /** Whether the employee enrolls or waives. */
  decision: ElectionDecision;
  /** The dependents to cover. */
  dependentIds?: Array<string | number> | null | undefined;
  /** The enrollment, pending and within its window. */
  enrollmentId: string | number;
  /** The version that you read. If the object has changed since, the mutation is refused. */
  expectedVersion?: number | null | undefined;
  /** The plan; required to enroll. */
  selectedPlanId?: string | number | null | undefined;
  /** With the decision WAIVED: why the employee waives. */
  waiverReason?: WaiverReason | null | undefined;
};

/** The kind of employment, which determines eligibility and the contributions. */
export type EmploymentClass =
  /** Full-time employment. */
  | 'FULL_TIME'
  /** Work as an independent contractor. */
  | 'INDIVIDUAL_CONTRACTOR'
  /** Internship. */
  | 'INTERN'
  /** Part-time employment. */
  | 'PART_TIME'
  /** Employment for a season of the year. */
  | 'SEASONAL'
  /** Employment for a limited time. */
  | 'TEMPORARY';

/** The status of an enrollment today, in the employer's time zone. */
export type EnrollmentStatus =
  /** Coverage was elected, and is in force or starts later. */
  | 'ENROLLED'
  /** The enrollment is closed, its coverage or plan year has ended, or it wasn't answered within the election window. */
  | 'INACTIVE'
  /** Not answered yet, and the election window hasn't ended. */
  | 'PENDING'
  /** Coverage was waived. */
  | 'WAIVED';

/** The result of reviewing a life event. */
export type LifeEventDecision =
  /** The employee may change enrollments because of the event. */
  | 'APPROVED'
  /** The event allows no change. */
  | 'DENIED';

/** The status of a life event's review. */
export type LifeEventStatus =
  /** Approved: the event allows a change. */
  | 'APPROVED'
  /** Denied: the event allows no change. */
  | 'DENIED'
  /** Not reviewed yet. */
  | 'PENDING'
  /** Withdrawn: the event allows no change. It may have been reviewed before. */
  | 'WITHDRAWN';

/** The type of a life event, which determines its window and the changes that it allows. */
export type LifeEventType =
  /** A child was adopted, or placed for adoption. */
  | 'ADOPTION'
  /** A child was born. */
  | 'BIRTH'
  /** The employee's spouse or child died. */
  | 'DEATH'
  /** The employee was divorced. */
  | 'DIVORCE'
  /** An employer's bankruptcy ended other coverage. */
  | 'EMPLOYER_BANKRUPTCY'
  /** A family member lost a job, and with it other coverage. */
  | 'JOB_LOSS'
  /** The employee married. */
  | 'MARRIAGE'
  /** The employee or a family member lost Medicaid or CHIP. */
  | 'MEDICAID_LOSS'
  /** The employee or a family member became entitled to Medicare. */
  | 'MEDICARE_ENTITLEMENT'
  /** An event of no listed type. The reviewer decides whether it allows a change. */
  | 'OTHER'
  /** The employee's hours were reduced, which ends eligibility. */
  | 'REDUCTION_IN_HOURS'
  /** The employment ended, and eligibility with it. */
  | 'TERMINATION';

/** The draft whose enrollment opens. */
export type OpenEnrollmentInput = {
  /** The version that you read. If the object has changed since, the mutation is refused. */
  expectedVersion?: number | null | undefined;
  /** A key of your choice, 1 to 255 characters. A repeated call with the same key and input within 30 days changes nothing and returns the same objects; the same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
  /** The plan year, which must be a draft. */
  planYearId: string | number;
};

/** The metal tier of a plan: the share of average medical costs that the plan pays. */
export type PlanTier =
  /** About 60%. */
  | 'BRONZE'
  /** About 80%. */
  | 'GOLD'
  /** About 90%. */
  | 'PLATINUM'
  /** About 70%. */
  | 'SILVER';

/** The status of a plan year today, in the employer's time zone. */
export type PlanYearStatus =
  /** Open enrollment is closed; coverage is in force or starts later. */
  | 'ACTIVE'
  /** Not opened yet: it can be changed and deleted, and employees can't see it. */
  | 'DRAFT'
  /** The last day of coverage has passed. */
  | 'EXPIRED'
  /** Enrollment was opened and is not closed. An enrollment can be answered only within its election window. */
  | 'OPEN_ENROLLMENT';

/** The kind of benefit that a product provides. */
export type ProductCategory =
  /** Dental insurance. */
  | 'DENTAL'
  /** Hospital indemnity insurance. */
  | 'HOSPITAL'
  /** Medical insurance. */
  | 'MEDICAL'
  /** Vision insurance. */
  | 'VISION';

/** The enrollment to reissue, and the life event that allows it. */
export type ReissueInput = {
  /** The enrollment: enrolled, waived or lapsed. */
  enrollmentId: string | number;
  /** The version that you read. If the object has changed since, the mutation is refused. */
  expectedVersion?: number | null | undefined;
  /** A key of your choice, 1 to 255 characters. A repeated call with the same key and input within 30 days changes nothing and returns the same objects; the same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
  /** An approved life event of the same employee. */
  qualifyingLifeEventId: string | number;
  /** The reason; it is recorded in the history. */
  reason?: string | null | undefined;
};

/** The relationship of a dependent to the employee. */
export type Relationship =
  /** The employee's child, by birth, adoption or marriage. */
  | 'CHILD'
  /** The employee's spouse. */
  | 'SPOUSE';

/** Whether closing enrollment renews last year's coverage for unanswered enrollments. */
export type RenewalMode =
  /** No renewal: an employee who doesn't answer has no coverage. */
  | 'ACTIVE'
  /** Renewal: last year's coverage continues with the same carrier plan and tier if still offered. */
  | 'PASSIVE';

/** The election to reopen. */
export type ReopenElectionInput = {
  /** The enrollment, answered and still within its window. */
  enrollmentId: string | number;
  /** The version that you read. If the object has changed since, the mutation is refused. */
  expectedVersion?: number | null | undefined;
  /** A key of your choice, 1 to 255 characters. A repeated call with the same key and input within 30 days changes nothing and returns the same objects; the same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
};

/** A life event of an employee. */
export type ReportLifeEventInput = {
  /** The dependent that the event concerns. */
  dependentId?: string | number | null | undefined;
  /** The employee. */
  employeeId: string | number;
  /** The day of the event: today, or at most 30 days ago (60 for the loss of Medicaid or CHIP). */
  eventDate: string;
  /** The type of event. */
  eventType: LifeEventType;
  /** A key of your choice, 1 to 255 characters. A repeated call with the same key and input within 30 days changes nothing and returns the same objects; the same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
  /** Notes for the reviewer. */
  notes?: string | null | undefined;
};

/** The review of a life event. */
export type ReviewLifeEventInput = {
  /** The decision. */
  decision: LifeEventDecision;
  /** Only with the approval of a `REDUCTION_IN_HOURS`: the employee's class from today, as by `updateEmployee`. */
  employmentClass?: EmploymentClass | null | undefined;
  /** The version that you read. If the object has changed since, the mutation is refused. */
  expectedVersion?: number | null | undefined;
  /** A key of your choice, 1 to 255 characters. A repeated call with the same key and input within 30 days changes nothing and returns the same objects; the same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
  /** The life event, which must be pending. */
  qualifyingLifeEventId: string | number;
  /** The reasons for the decision. Employees cannot read them. */
  reviewNotes?: string | null | undefined;
  /** Only with the approval of a `TERMINATION`: the first day without employment, as by `terminateEmployee`. The notes are the reason. */
  terminationDate?: string | null | undefined;
};

/** Why a mutation was refused. */
export type UserErrorCode =
  /** Another object already has this key. */
  | 'ALREADY_EXISTS'
  /** The life event does not allow this change. */
  | 'CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT'
  /** A date is before the date that it must follow. */
  | 'DATES_OUT_OF_ORDER'
  /** The dependent is another employee's, is inactive, or is a child without a disability who is 26 or older when coverage starts. */
  | 'DEPENDENT_NOT_COVERABLE'
  /** The call answers the same enrollment twice. */
  | 'DUPLICATE_ELECTION'
  /** The enrollment is already answered or closed, or its plan year has ended. */
  | 'ENROLLMENT_NOT_PENDING'
  /** The idempotency key was used with another input of the same mutation. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** A value is invalid: blank, too long, negative, out of range, or not an ID of the right type. */
  | 'INVALID_INPUT'
  /** The object's current status does not allow this change. */
  | 'INVALID_STATUS_TRANSITION'
  /** The life event is not approved. */
  | 'LIFE_EVENT_NOT_APPROVED'
  /** The period for reporting the life event, or for making the change, is over. */
  | 'LIFE_EVENT_WINDOW_CLOSED'
  /** An election determines this coverage; change the election instead. */
  | 'LINKED_TO_ENROLLMENT'
  /** The employee is not eligible on the day coverage would start. */
  | 'NOT_ELIGIBLE'
  /** The object does not exist, or the viewer may not see it. */
  | 'NOT_FOUND'
  /** The enrollment's status or the type of life event does not allow a reissue, or the change would take effect after the plan year. */
  | 'NOT_REISSUABLE'
  /** The coverage overlaps other coverage of the same benefit product, or of the same subscriber in the same group and division. */
  | 'OVERLAPPING_COVERAGE'
  /** The decision WAIVED must not select a plan. */
  | 'PLAN_NOT_ALLOWED_ON_WAIVER'
  /** The plan year does not offer this plan. */
  | 'PLAN_NOT_OFFERED'
  /** The decision ENROLLED requires a plan. */
  | 'PLAN_REQUIRED'
  /** The draft has no plans or no contribution classes. */
  | 'PLAN_YEAR_INCOMPLETE'
  /** The plan year overlaps another one of the same employer and product. */
  | 'PLAN_YEAR_OVERLAP'
  /** A reissue in the same plan year is already pending. */
  | 'REISSUE_ALREADY_OPEN'
  /** The dependents do not match the coverage tier. */
  | 'TIER_DEPENDENTS_MISMATCH'
  /** The plan has no rate for the tier, or no contribution class applies to it. */
  | 'TIER_NOT_OFFERED'
  /** The object has changed since the version in `expectedVersion`; read it again. */
  | 'VERSION_CONFLICT'
  /** Today is outside the enrollment's window, or the plan year's open enrollment is over. */
  | 'WINDOW_NOT_OPEN'
  /** Open enrollment is not over yet. */
  | 'WINDOW_STILL_OPEN';

/** Why an employee waives coverage: the other coverage that the employee has. */
export type WaiverReason =
  /** A plan of the individual market. */
  | 'INDIVIDUAL_PLAN'
  /** Medicaid. */
  | 'MEDICAID'
  /** Medicare. */
  | 'MEDICARE'
  /** A plan of any other employer. */
  | 'OTHER_EMPLOYER_PLAN'
  /** A plan of a parent's employer. */
  | 'PARENT_EMPLOYER_PLAN'
  /** A plan of the spouse's employer. */
  | 'SPOUSE_EMPLOYER_PLAN'
  /** TRICARE, the health program of the armed forces. */
  | 'TRICARE';

/** The reason why an enrollment was issued, which determines its election window. */
export type WindowReason =
  /** An approved life event reissued an earlier enrollment. */
  | 'LIFE_EVENT'
  /** The employee was hired or became eligible after enrollment was opened, or becomes eligible after the plan year's first day. The window ends 30 days after the later of the issue date and the eligibility date; a change of eligibility can move it. */
  | 'NEW_HIRE'
  /** The plan year was opened. The window is the plan year's open enrollment. */
  | 'OPEN_ENROLLMENT'
  /** An administrator replaced an earlier answer outside its window. The window is the day of the override; the answer cannot be reopened. */
  | 'OVERRIDE';

export type LifeEventToReviewFragment = { id: string, eventType: LifeEventType, eventDate: string, enrollmentWindowEnd: string, notes: string | null, version: number, employee: { id: string, firstName: string, lastName: string }, dependent: { id: string, firstName: string, lastName: string } | null };

export type ReviewLifeEventMutationVariables = Exact<{
  input: ReviewLifeEventInput;
}>;


export type ReviewLifeEventMutation = { reviewLifeEvent: { qualifyingLifeEvent: { id: string, status: LifeEventStatus, version: number } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type HrPageQueryVariables = Exact<{ [key: string]: never; }>;


export type HrPageQuery = { viewer: { employer: { id: string, name: string, planYears: { nodes: Array<{ id: string, status: PlanYearStatus, coverageStart: string, coverageEnd: string, openEnrollmentStart: string, openEnrollmentEnd: string, renewal: RenewalMode, version: number, benefitProduct: { id: string, name: string }, participation: { asOf: string, issued: number, pending: number, enrolled: number, waived: number, lapsed: number, ended: number, pendingReissues: number, employeeCents: number, employerCents: number } | null }> } } | null }, qualifyingLifeEvents: { totalCount: number, nodes: Array<{ id: string, eventType: LifeEventType, eventDate: string, enrollmentWindowEnd: string, notes: string | null, version: number, employee: { id: string, firstName: string, lastName: string }, dependent: { id: string, firstName: string, lastName: string } | null }> } };

export type PlanYearMixFragment = { participation: { byTier: Array<{ coverageTier: CoverageTier, enrolled: number, employerCents: number }>, byPlan: Array<{ enrolled: number, employerCents: number, plan: { id: string, name: string } }> } | null };

export type HrPlanYearQueryVariables = Exact<{
  id: string | number;
}>;


export type HrPlanYearQuery = { planYear: { id: string, participation: { byTier: Array<{ coverageTier: CoverageTier, enrolled: number, employerCents: number }>, byPlan: Array<{ enrolled: number, employerCents: number, plan: { id: string, name: string } }> } | null } | null };

export type PlanYearSummaryFragment = { id: string, status: PlanYearStatus, coverageStart: string, coverageEnd: string, openEnrollmentStart: string, openEnrollmentEnd: string, renewal: RenewalMode, version: number, benefitProduct: { id: string, name: string }, participation: { asOf: string, issued: number, pending: number, enrolled: number, waived: number, lapsed: number, ended: number, pendingReissues: number, employeeCents: number, employerCents: number } | null };

export type OpenEnrollmentMutationVariables = Exact<{
  input: OpenEnrollmentInput;
}>;


export type OpenEnrollmentMutation = { openEnrollment: { issuedCount: number | null, planYear: { id: string, status: PlanYearStatus, coverageStart: string, coverageEnd: string, openEnrollmentStart: string, openEnrollmentEnd: string, renewal: RenewalMode, version: number, benefitProduct: { id: string, name: string }, participation: { asOf: string, issued: number, pending: number, enrolled: number, waived: number, lapsed: number, ended: number, pendingReissues: number, employeeCents: number, employerCents: number, byTier: Array<{ coverageTier: CoverageTier, enrolled: number, employerCents: number }>, byPlan: Array<{ enrolled: number, employerCents: number, plan: { id: string, name: string } }> } | null } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type CloseEnrollmentMutationVariables = Exact<{
  input: CloseEnrollmentInput;
}>;


export type CloseEnrollmentMutation = { closeEnrollment: { lapsedCount: number | null, planYear: { id: string, status: PlanYearStatus, coverageStart: string, coverageEnd: string, openEnrollmentStart: string, openEnrollmentEnd: string, renewal: RenewalMode, version: number, benefitProduct: { id: string, name: string }, participation: { asOf: string, issued: number, pending: number, enrolled: number, waived: number, lapsed: number, ended: number, pendingReissues: number, employeeCents: number, employerCents: number, byTier: Array<{ coverageTier: CoverageTier, enrolled: number, employerCents: number }>, byPlan: Array<{ enrolled: number, employerCents: number, plan: { id: string, name: string } }> } | null } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type HrUnansweredQueryVariables = Exact<{
  planYearId: string | number;
  after?: string | null | undefined;
}>;


export type HrUnansweredQuery = { planYear: { id: string, enrollments: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, nodes: Array<{ id: string, employee: { id: string, firstName: string, lastName: string }, electionWindow: { closesOn: string, reason: WindowReason } }> } } | null };

export type ReopenElectionMutationVariables = Exact<{
  input: ReopenElectionInput;
}>;


export type ReopenElectionMutation = { reopenElection: { enrollment: { id: string, version: number, status: EnrollmentStatus, effectiveDate: string, coverageTier: CoverageTier | null, coverageStatus: CoverageStatus | null, coverageStartDate: string | null, coverageEndDate: string | null, employeeContributionCents: number | null, employerContributionCents: number | null, benefitProduct: { id: string, name: string, category: ProductCategory }, planYear: { id: string, coverageStart: string, coverageEnd: string }, selectedPlan: { id: string, carrierPlanId: string, name: string } | null, enrolledDependents: Array<{ id: string, firstName: string }>, electionWindow: { closesOn: string, isOpen: boolean }, qualifyingLifeEvent: { id: string, eventType: LifeEventType } | null, replaces: { id: string, version: number, status: EnrollmentStatus, coverageStatus: CoverageStatus | null, coverageEndDate: string | null } | null, eligiblePlans: Array<{ plan: { id: string, carrierPlanId: string, name: string, tier: PlanTier | null, deductibleCents: number | null, outOfPocketMaxCents: number | null }, costs: Array<{ coverageTier: CoverageTier, employeeContributionCents: number, employerContributionCents: number }> }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type ElectMutationVariables = Exact<{
  input: ElectInput;
}>;


export type ElectMutation = { elect: { enrollments: Array<{ id: string, version: number, status: EnrollmentStatus, effectiveDate: string, coverageTier: CoverageTier | null, coverageStatus: CoverageStatus | null, coverageStartDate: string | null, coverageEndDate: string | null, employeeContributionCents: number | null, employerContributionCents: number | null, benefitProduct: { id: string, name: string, category: ProductCategory }, planYear: { id: string, coverageStart: string, coverageEnd: string }, selectedPlan: { id: string, carrierPlanId: string, name: string } | null, enrolledDependents: Array<{ id: string, firstName: string }>, electionWindow: { closesOn: string, isOpen: boolean }, qualifyingLifeEvent: { id: string, eventType: LifeEventType } | null, replaces: { id: string, version: number, status: EnrollmentStatus, coverageStatus: CoverageStatus | null, coverageEndDate: string | null } | null, eligiblePlans: Array<{ plan: { id: string, carrierPlanId: string, name: string, tier: PlanTier | null, deductibleCents: number | null, outOfPocketMaxCents: number | null }, costs: Array<{ coverageTier: CoverageTier, employeeContributionCents: number, employerContributionCents: number }> }> }> | null, previews: Array<{ enrollmentId: string, status: EnrollmentStatus, coverageTier: CoverageTier | null, coverageStartDate: string | null, employeeContributionCents: number | null, employerContributionCents: number | null, selectedPlan: { id: string, name: string } | null, dependents: Array<{ id: string, firstName: string }> }> | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type EnrollmentFieldsFragment = { id: string, version: number, status: EnrollmentStatus, effectiveDate: string, coverageTier: CoverageTier | null, coverageStatus: CoverageStatus | null, coverageStartDate: string | null, coverageEndDate: string | null, employeeContributionCents: number | null, employerContributionCents: number | null, benefitProduct: { id: string, name: string, category: ProductCategory }, planYear: { id: string, coverageStart: string, coverageEnd: string }, selectedPlan: { id: string, carrierPlanId: string, name: string } | null, enrolledDependents: Array<{ id: string, firstName: string }>, electionWindow: { closesOn: string, isOpen: boolean }, qualifyingLifeEvent: { id: string, eventType: LifeEventType } | null, replaces: { id: string, version: number, status: EnrollmentStatus, coverageStatus: CoverageStatus | null, coverageEndDate: string | null } | null, eligiblePlans: Array<{ plan: { id: string, carrierPlanId: string, name: string, tier: PlanTier | null, deductibleCents: number | null, outOfPocketMaxCents: number | null }, costs: Array<{ coverageTier: CoverageTier, employeeContributionCents: number, employerContributionCents: number }> }> };

export type LifeEventFieldsFragment = { id: string, eventType: LifeEventType, eventDate: string, status: LifeEventStatus, enrollmentWindowEnd: string };

export type LifeEventStatusesQueryVariables = Exact<{ [key: string]: never; }>;


export type LifeEventStatusesQuery = { viewer: { employee: { id: string, qualifyingLifeEvents: Array<{ id: string, status: LifeEventStatus, enrollmentWindowEnd: string }> } | null } };

export type ReportLifeEventMutationVariables = Exact<{
  input: ReportLifeEventInput;
}>;


export type ReportLifeEventMutation = { reportLifeEvent: { qualifyingLifeEvent: { id: string, eventType: LifeEventType, eventDate: string, status: LifeEventStatus, enrollmentWindowEnd: string } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type ReissueMutationVariables = Exact<{
  input: ReissueInput;
}>;


export type ReissueMutation = { reissue: { enrollment: { id: string, version: number, status: EnrollmentStatus, effectiveDate: string, coverageTier: CoverageTier | null, coverageStatus: CoverageStatus | null, coverageStartDate: string | null, coverageEndDate: string | null, employeeContributionCents: number | null, employerContributionCents: number | null, benefitProduct: { id: string, name: string, category: ProductCategory }, planYear: { id: string, coverageStart: string, coverageEnd: string }, selectedPlan: { id: string, carrierPlanId: string, name: string } | null, enrolledDependents: Array<{ id: string, firstName: string }>, electionWindow: { closesOn: string, isOpen: boolean }, qualifyingLifeEvent: { id: string, eventType: LifeEventType } | null, replaces: { id: string, version: number, status: EnrollmentStatus, coverageStatus: CoverageStatus | null, coverageEndDate: string | null } | null, eligiblePlans: Array<{ plan: { id: string, carrierPlanId: string, name: string, tier: PlanTier | null, deductibleCents: number | null, outOfPocketMaxCents: number | null }, costs: Array<{ coverageTier: CoverageTier, employeeContributionCents: number, employerContributionCents: number }> }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type MayaPageQueryVariables = Exact<{ [key: string]: never; }>;


export type MayaPageQuery = { viewer: { employee: { id: string, firstName: string, lastName: string, employer: { id: string, name: string, today: string }, dependents: Array<{ id: string, firstName: string, lastName: string, dateOfBirth: string | null, relationship: Relationship, active: boolean }>, qualifyingLifeEvents: Array<{ id: string, eventType: LifeEventType, eventDate: string, status: LifeEventStatus, enrollmentWindowEnd: string }>, enrollments: { nodes: Array<{ id: string, version: number, status: EnrollmentStatus, effectiveDate: string, coverageTier: CoverageTier | null, coverageStatus: CoverageStatus | null, coverageStartDate: string | null, coverageEndDate: string | null, employeeContributionCents: number | null, employerContributionCents: number | null, benefitProduct: { id: string, name: string, category: ProductCategory }, planYear: { id: string, coverageStart: string, coverageEnd: string }, selectedPlan: { id: string, carrierPlanId: string, name: string } | null, enrolledDependents: Array<{ id: string, firstName: string }>, electionWindow: { closesOn: string, isOpen: boolean }, qualifyingLifeEvent: { id: string, eventType: LifeEventType } | null, replaces: { id: string, version: number, status: EnrollmentStatus, coverageStatus: CoverageStatus | null, coverageEndDate: string | null } | null, eligiblePlans: Array<{ plan: { id: string, carrierPlanId: string, name: string, tier: PlanTier | null, deductibleCents: number | null, outOfPocketMaxCents: number | null }, costs: Array<{ coverageTier: CoverageTier, employeeContributionCents: number, employerContributionCents: number }> }> }> } } | null } };

export type PastEnrollmentsQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type PastEnrollmentsQuery = { viewer: { employee: { id: string, enrollments: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, nodes: Array<{ id: string, coverageStatus: CoverageStatus | null, coverageStartDate: string | null, coverageEndDate: string | null, benefitProduct: { id: string, category: ProductCategory }, selectedPlan: { id: string, name: string } | null }> } } | null } };

export const LifeEventToReviewFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LifeEventToReview"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"QualifyingLifeEvent"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}},{"kind":"Field","name":{"kind":"Name","value":"eventDate"}},{"kind":"Field","name":{"kind":"Name","value":"enrollmentWindowEnd"}},{"kind":"Field","name":{"kind":"Name","value":"notes"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"employee"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}},{"kind":"Field","name":{"kind":"Name","value":"lastName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"dependent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}},{"kind":"Field","name":{"kind":"Name","value":"lastName"}}]}}]}}]} as unknown as DocumentNode<LifeEventToReviewFragment, unknown>;
export const PlanYearMixFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearMix"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"byTier"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"byPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}}]}}]} as unknown as DocumentNode<PlanYearMixFragment, unknown>;
export const PlanYearSummaryFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearSummary"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentStart"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentEnd"}},{"kind":"Field","name":{"kind":"Name","value":"renewal"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"issued"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"waived"}},{"kind":"Field","name":{"kind":"Name","value":"lapsed"}},{"kind":"Field","name":{"kind":"Name","value":"ended"}},{"kind":"Field","name":{"kind":"Name","value":"pendingReissues"}},{"kind":"Field","name":{"kind":"Name","value":"employeeCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}}]} as unknown as DocumentNode<PlanYearSummaryFragment, unknown>;
export const EnrollmentFieldsFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"EnrollmentFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Enrollment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"effectiveDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStartDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"category"}}]}},{"kind":"Field","name":{"kind":"Name","value":"planYear"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}}]}},{"kind":"Field","name":{"kind":"Name","value":"selectedPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolledDependents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"electionWindow"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"closesOn"}},{"kind":"Field","name":{"kind":"Name","value":"isOpen"}}]}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}}]}},{"kind":"Field","name":{"kind":"Name","value":"replaces"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}}]}},{"kind":"Field","name":{"kind":"Name","value":"eligiblePlans"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"tier"}},{"kind":"Field","name":{"kind":"Name","value":"deductibleCents"}},{"kind":"Field","name":{"kind":"Name","value":"outOfPocketMaxCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"costs"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}}]}}]}}]}}]} as unknown as DocumentNode<EnrollmentFieldsFragment, unknown>;
export const LifeEventFieldsFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LifeEventFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"QualifyingLifeEvent"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}},{"kind":"Field","name":{"kind":"Name","value":"eventDate"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"enrollmentWindowEnd"}}]}}]} as unknown as DocumentNode<LifeEventFieldsFragment, unknown>;
export const ReviewLifeEventDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ReviewLifeEvent"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ReviewLifeEventInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reviewLifeEvent"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"version"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}}]} as unknown as DocumentNode<ReviewLifeEventMutation, ReviewLifeEventMutationVariables>;
export const HrPageDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"HrPage"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"employer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"planYears"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"50"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"PlanYearSummary"}}]}}]}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvents"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"status"},"value":{"kind":"EnumValue","value":"PENDING"}}]}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"50"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"LifeEventToReview"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearSummary"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentStart"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentEnd"}},{"kind":"Field","name":{"kind":"Name","value":"renewal"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"issued"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"waived"}},{"kind":"Field","name":{"kind":"Name","value":"lapsed"}},{"kind":"Field","name":{"kind":"Name","value":"ended"}},{"kind":"Field","name":{"kind":"Name","value":"pendingReissues"}},{"kind":"Field","name":{"kind":"Name","value":"employeeCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LifeEventToReview"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"QualifyingLifeEvent"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}},{"kind":"Field","name":{"kind":"Name","value":"eventDate"}},{"kind":"Field","name":{"kind":"Name","value":"enrollmentWindowEnd"}},{"kind":"Field","name":{"kind":"Name","value":"notes"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"employee"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}},{"kind":"Field","name":{"kind":"Name","value":"lastName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"dependent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}},{"kind":"Field","name":{"kind":"Name","value":"lastName"}}]}}]}}]} as unknown as DocumentNode<HrPageQuery, HrPageQueryVariables>;
export const HrPlanYearDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"HrPlanYear"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"planYear"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"PlanYearMix"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearMix"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"byTier"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"byPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}}]}}]} as unknown as DocumentNode<HrPlanYearQuery, HrPlanYearQueryVariables>;
export const OpenEnrollmentDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"OpenEnrollment"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"OpenEnrollmentInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"openEnrollment"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"issuedCount"}},{"kind":"Field","name":{"kind":"Name","value":"planYear"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"PlanYearSummary"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"PlanYearMix"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearSummary"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentStart"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentEnd"}},{"kind":"Field","name":{"kind":"Name","value":"renewal"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"issued"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"waived"}},{"kind":"Field","name":{"kind":"Name","value":"lapsed"}},{"kind":"Field","name":{"kind":"Name","value":"ended"}},{"kind":"Field","name":{"kind":"Name","value":"pendingReissues"}},{"kind":"Field","name":{"kind":"Name","value":"employeeCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearMix"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"byTier"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"byPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}}]}}]} as unknown as DocumentNode<OpenEnrollmentMutation, OpenEnrollmentMutationVariables>;
export const CloseEnrollmentDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CloseEnrollment"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CloseEnrollmentInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"closeEnrollment"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"lapsedCount"}},{"kind":"Field","name":{"kind":"Name","value":"planYear"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"PlanYearSummary"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"PlanYearMix"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearSummary"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentStart"}},{"kind":"Field","name":{"kind":"Name","value":"openEnrollmentEnd"}},{"kind":"Field","name":{"kind":"Name","value":"renewal"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"issued"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"waived"}},{"kind":"Field","name":{"kind":"Name","value":"lapsed"}},{"kind":"Field","name":{"kind":"Name","value":"ended"}},{"kind":"Field","name":{"kind":"Name","value":"pendingReissues"}},{"kind":"Field","name":{"kind":"Name","value":"employeeCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PlanYearMix"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PlanYear"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"participation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"byTier"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"byPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolled"}},{"kind":"Field","name":{"kind":"Name","value":"employerCents"}}]}}]}}]}}]} as unknown as DocumentNode<CloseEnrollmentMutation, CloseEnrollmentMutationVariables>;
export const HrUnansweredDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"HrUnanswered"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"planYearId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"planYear"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"planYearId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"enrollments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"status"},"value":{"kind":"ListValue","values":[{"kind":"EnumValue","value":"PENDING"}]}}]}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"employee"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}},{"kind":"Field","name":{"kind":"Name","value":"lastName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"electionWindow"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"closesOn"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}}]}}]}}]}}]}}]} as unknown as DocumentNode<HrUnansweredQuery, HrUnansweredQueryVariables>;
export const ReopenElectionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ReopenElection"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ReopenElectionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reopenElection"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"enrollment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"EnrollmentFields"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"EnrollmentFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Enrollment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"effectiveDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStartDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"category"}}]}},{"kind":"Field","name":{"kind":"Name","value":"planYear"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}}]}},{"kind":"Field","name":{"kind":"Name","value":"selectedPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolledDependents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"electionWindow"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"closesOn"}},{"kind":"Field","name":{"kind":"Name","value":"isOpen"}}]}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}}]}},{"kind":"Field","name":{"kind":"Name","value":"replaces"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}}]}},{"kind":"Field","name":{"kind":"Name","value":"eligiblePlans"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"tier"}},{"kind":"Field","name":{"kind":"Name","value":"deductibleCents"}},{"kind":"Field","name":{"kind":"Name","value":"outOfPocketMaxCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"costs"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}}]}}]}}]}}]} as unknown as DocumentNode<ReopenElectionMutation, ReopenElectionMutationVariables>;
export const ElectDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Elect"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ElectInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"elect"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"enrollments"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"EnrollmentFields"}}]}},{"kind":"Field","name":{"kind":"Name","value":"previews"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"enrollmentId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStartDate"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"selectedPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"dependents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"EnrollmentFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Enrollment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"effectiveDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStartDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"category"}}]}},{"kind":"Field","name":{"kind":"Name","value":"planYear"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}}]}},{"kind":"Field","name":{"kind":"Name","value":"selectedPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolledDependents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"electionWindow"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"closesOn"}},{"kind":"Field","name":{"kind":"Name","value":"isOpen"}}]}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}}]}},{"kind":"Field","name":{"kind":"Name","value":"replaces"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}}]}},{"kind":"Field","name":{"kind":"Name","value":"eligiblePlans"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"tier"}},{"kind":"Field","name":{"kind":"Name","value":"deductibleCents"}},{"kind":"Field","name":{"kind":"Name","value":"outOfPocketMaxCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"costs"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}}]}}]}}]}}]} as unknown as DocumentNode<ElectMutation, ElectMutationVariables>;
export const LifeEventStatusesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"LifeEventStatuses"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"employee"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"enrollmentWindowEnd"}}]}}]}}]}}]}}]} as unknown as DocumentNode<LifeEventStatusesQuery, LifeEventStatusesQueryVariables>;
export const ReportLifeEventDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ReportLifeEvent"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ReportLifeEventInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reportLifeEvent"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"LifeEventFields"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LifeEventFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"QualifyingLifeEvent"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}},{"kind":"Field","name":{"kind":"Name","value":"eventDate"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"enrollmentWindowEnd"}}]}}]} as unknown as DocumentNode<ReportLifeEventMutation, ReportLifeEventMutationVariables>;
export const ReissueDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Reissue"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ReissueInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reissue"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"enrollment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"EnrollmentFields"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"EnrollmentFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Enrollment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"effectiveDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStartDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"category"}}]}},{"kind":"Field","name":{"kind":"Name","value":"planYear"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}}]}},{"kind":"Field","name":{"kind":"Name","value":"selectedPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolledDependents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"electionWindow"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"closesOn"}},{"kind":"Field","name":{"kind":"Name","value":"isOpen"}}]}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}}]}},{"kind":"Field","name":{"kind":"Name","value":"replaces"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}}]}},{"kind":"Field","name":{"kind":"Name","value":"eligiblePlans"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"tier"}},{"kind":"Field","name":{"kind":"Name","value":"deductibleCents"}},{"kind":"Field","name":{"kind":"Name","value":"outOfPocketMaxCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"costs"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}}]}}]}}]}}]} as unknown as DocumentNode<ReissueMutation, ReissueMutationVariables>;
export const MayaPageDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"MayaPage"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"employee"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}},{"kind":"Field","name":{"kind":"Name","value":"lastName"}},{"kind":"Field","name":{"kind":"Name","value":"employer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"today"}}]}},{"kind":"Field","name":{"kind":"Name","value":"dependents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}},{"kind":"Field","name":{"kind":"Name","value":"lastName"}},{"kind":"Field","name":{"kind":"Name","value":"dateOfBirth"}},{"kind":"Field","name":{"kind":"Name","value":"relationship"}},{"kind":"Field","name":{"kind":"Name","value":"active"}}]}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"LifeEventFields"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrollments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"50"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"status"},"value":{"kind":"ListValue","values":[{"kind":"EnumValue","value":"PENDING"},{"kind":"EnumValue","value":"ENROLLED"},{"kind":"EnumValue","value":"WAIVED"}]}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"EnrollmentFields"}}]}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LifeEventFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"QualifyingLifeEvent"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}},{"kind":"Field","name":{"kind":"Name","value":"eventDate"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"enrollmentWindowEnd"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"EnrollmentFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Enrollment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"effectiveDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStartDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"category"}}]}},{"kind":"Field","name":{"kind":"Name","value":"planYear"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStart"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEnd"}}]}},{"kind":"Field","name":{"kind":"Name","value":"selectedPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"enrolledDependents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"firstName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"electionWindow"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"closesOn"}},{"kind":"Field","name":{"kind":"Name","value":"isOpen"}}]}},{"kind":"Field","name":{"kind":"Name","value":"qualifyingLifeEvent"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"eventType"}}]}},{"kind":"Field","name":{"kind":"Name","value":"replaces"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}}]}},{"kind":"Field","name":{"kind":"Name","value":"eligiblePlans"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"plan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"carrierPlanId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"tier"}},{"kind":"Field","name":{"kind":"Name","value":"deductibleCents"}},{"kind":"Field","name":{"kind":"Name","value":"outOfPocketMaxCents"}}]}},{"kind":"Field","name":{"kind":"Name","value":"costs"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"coverageTier"}},{"kind":"Field","name":{"kind":"Name","value":"employeeContributionCents"}},{"kind":"Field","name":{"kind":"Name","value":"employerContributionCents"}}]}}]}}]}}]} as unknown as DocumentNode<MayaPageQuery, MayaPageQueryVariables>;
export const PastEnrollmentsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PastEnrollments"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"employee"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"enrollments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"2"}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"status"},"value":{"kind":"ListValue","values":[{"kind":"EnumValue","value":"INACTIVE"}]}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStatus"}},{"kind":"Field","name":{"kind":"Name","value":"coverageStartDate"}},{"kind":"Field","name":{"kind":"Name","value":"coverageEndDate"}},{"kind":"Field","name":{"kind":"Name","value":"benefitProduct"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"category"}}]}},{"kind":"Field","name":{"kind":"Name","value":"selectedPlan"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]}}]}}]}}]}}]} as unknown as DocumentNode<PastEnrollmentsQuery, PastEnrollmentsQueryVariables>;