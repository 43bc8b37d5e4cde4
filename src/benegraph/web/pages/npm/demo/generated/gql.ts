/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  fragment LifeEventToReview on QualifyingLifeEvent {\n    id\n    eventType\n    eventDate\n    enrollmentWindowEnd\n    notes\n    version\n    employee {\n      id\n      firstName\n      lastName\n    }\n    dependent {\n      id\n      firstName\n      lastName\n    }\n  }\n": typeof types.LifeEventToReviewFragmentDoc,
    "\n  mutation ReviewLifeEvent($input: ReviewLifeEventInput!) {\n    reviewLifeEvent(input: $input) {\n      qualifyingLifeEvent {\n        id\n        status\n        version\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n": typeof types.ReviewLifeEventDocument,
    "\n  query HrPage {\n    viewer {\n      employer {\n        id\n        name\n        planYears(first: 50) {\n          nodes {\n            ...PlanYearSummary\n          }\n        }\n      }\n    }\n    qualifyingLifeEvents(filter: { status: PENDING }, first: 50) {\n      totalCount\n      nodes {\n        ...LifeEventToReview\n      }\n    }\n  }\n": typeof types.HrPageDocument,
    "\n  fragment PlanYearMix on PlanYear {\n    participation {\n      byTier {\n        coverageTier\n        enrolled\n        employerContributionCents\n      }\n      byPlan {\n        plan {\n          id\n          name\n        }\n        enrolled\n        employerContributionCents\n      }\n    }\n  }\n": typeof types.PlanYearMixFragmentDoc,
    "\n  query HrPlanYear($id: ID!) {\n    planYear(id: $id) {\n      id\n      ...PlanYearMix\n    }\n  }\n": typeof types.HrPlanYearDocument,
    "\n  fragment PlanYearSummary on PlanYear {\n    id\n    status\n    coverageStart\n    coverageEnd\n    openEnrollmentStart\n    openEnrollmentEnd\n    renewal\n    version\n    benefitProduct {\n      id\n      name\n    }\n    participation {\n      asOf\n      issued\n      pending\n      enrolled\n      waived\n      lapsed\n      ended\n      pendingReissues\n      employeeContributionCents\n      employerContributionCents\n    }\n  }\n": typeof types.PlanYearSummaryFragmentDoc,
    "\n  mutation OpenEnrollment($input: OpenEnrollmentInput!) {\n    openEnrollment(input: $input) {\n      issuedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n": typeof types.OpenEnrollmentDocument,
    "\n  mutation CloseEnrollment($input: CloseEnrollmentInput!) {\n    closeEnrollment(input: $input) {\n      lapsedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n": typeof types.CloseEnrollmentDocument,
    "\n  query HrUnanswered($planYearId: ID!, $after: String) {\n    planYear(id: $planYearId) {\n      id\n      enrollments(filter: { status: [PENDING] }, first: 10, after: $after) {\n        totalCount\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n        nodes {\n          id\n          employee {\n            id\n            firstName\n            lastName\n          }\n          electionWindow {\n            closesOn\n            reason\n          }\n        }\n      }\n    }\n  }\n": typeof types.HrUnansweredDocument,
    "\n  query MayaPage {\n    viewer {\n      employee {\n        id\n        firstName\n        lastName\n      }\n    }\n  }\n": typeof types.MayaPageDocument,
};
const documents: Documents = {
    "\n  fragment LifeEventToReview on QualifyingLifeEvent {\n    id\n    eventType\n    eventDate\n    enrollmentWindowEnd\n    notes\n    version\n    employee {\n      id\n      firstName\n      lastName\n    }\n    dependent {\n      id\n      firstName\n      lastName\n    }\n  }\n": types.LifeEventToReviewFragmentDoc,
    "\n  mutation ReviewLifeEvent($input: ReviewLifeEventInput!) {\n    reviewLifeEvent(input: $input) {\n      qualifyingLifeEvent {\n        id\n        status\n        version\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n": types.ReviewLifeEventDocument,
    "\n  query HrPage {\n    viewer {\n      employer {\n        id\n        name\n        planYears(first: 50) {\n          nodes {\n            ...PlanYearSummary\n          }\n        }\n      }\n    }\n    qualifyingLifeEvents(filter: { status: PENDING }, first: 50) {\n      totalCount\n      nodes {\n        ...LifeEventToReview\n      }\n    }\n  }\n": types.HrPageDocument,
    "\n  fragment PlanYearMix on PlanYear {\n    participation {\n      byTier {\n        coverageTier\n        enrolled\n        employerContributionCents\n      }\n      byPlan {\n        plan {\n          id\n          name\n        }\n        enrolled\n        employerContributionCents\n      }\n    }\n  }\n": types.PlanYearMixFragmentDoc,
    "\n  query HrPlanYear($id: ID!) {\n    planYear(id: $id) {\n      id\n      ...PlanYearMix\n    }\n  }\n": types.HrPlanYearDocument,
    "\n  fragment PlanYearSummary on PlanYear {\n    id\n    status\n    coverageStart\n    coverageEnd\n    openEnrollmentStart\n    openEnrollmentEnd\n    renewal\n    version\n    benefitProduct {\n      id\n      name\n    }\n    participation {\n      asOf\n      issued\n      pending\n      enrolled\n      waived\n      lapsed\n      ended\n      pendingReissues\n      employeeContributionCents\n      employerContributionCents\n    }\n  }\n": types.PlanYearSummaryFragmentDoc,
    "\n  mutation OpenEnrollment($input: OpenEnrollmentInput!) {\n    openEnrollment(input: $input) {\n      issuedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n": types.OpenEnrollmentDocument,
    "\n  mutation CloseEnrollment($input: CloseEnrollmentInput!) {\n    closeEnrollment(input: $input) {\n      lapsedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n": types.CloseEnrollmentDocument,
    "\n  query HrUnanswered($planYearId: ID!, $after: String) {\n    planYear(id: $planYearId) {\n      id\n      enrollments(filter: { status: [PENDING] }, first: 10, after: $after) {\n        totalCount\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n        nodes {\n          id\n          employee {\n            id\n            firstName\n            lastName\n          }\n          electionWindow {\n            closesOn\n            reason\n          }\n        }\n      }\n    }\n  }\n": types.HrUnansweredDocument,
    "\n  query MayaPage {\n    viewer {\n      employee {\n        id\n        firstName\n        lastName\n      }\n    }\n  }\n": types.MayaPageDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment LifeEventToReview on QualifyingLifeEvent {\n    id\n    eventType\n    eventDate\n    enrollmentWindowEnd\n    notes\n    version\n    employee {\n      id\n      firstName\n      lastName\n    }\n    dependent {\n      id\n      firstName\n      lastName\n    }\n  }\n"): (typeof documents)["\n  fragment LifeEventToReview on QualifyingLifeEvent {\n    id\n    eventType\n    eventDate\n    enrollmentWindowEnd\n    notes\n    version\n    employee {\n      id\n      firstName\n      lastName\n    }\n    dependent {\n      id\n      firstName\n      lastName\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ReviewLifeEvent($input: ReviewLifeEventInput!) {\n    reviewLifeEvent(input: $input) {\n      qualifyingLifeEvent {\n        id\n        status\n        version\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation ReviewLifeEvent($input: ReviewLifeEventInput!) {\n    reviewLifeEvent(input: $input) {\n      qualifyingLifeEvent {\n        id\n        status\n        version\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query HrPage {\n    viewer {\n      employer {\n        id\n        name\n        planYears(first: 50) {\n          nodes {\n            ...PlanYearSummary\n          }\n        }\n      }\n    }\n    qualifyingLifeEvents(filter: { status: PENDING }, first: 50) {\n      totalCount\n      nodes {\n        ...LifeEventToReview\n      }\n    }\n  }\n"): (typeof documents)["\n  query HrPage {\n    viewer {\n      employer {\n        id\n        name\n        planYears(first: 50) {\n          nodes {\n            ...PlanYearSummary\n          }\n        }\n      }\n    }\n    qualifyingLifeEvents(filter: { status: PENDING }, first: 50) {\n      totalCount\n      nodes {\n        ...LifeEventToReview\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment PlanYearMix on PlanYear {\n    participation {\n      byTier {\n        coverageTier\n        enrolled\n        employerContributionCents\n      }\n      byPlan {\n        plan {\n          id\n          name\n        }\n        enrolled\n        employerContributionCents\n      }\n    }\n  }\n"): (typeof documents)["\n  fragment PlanYearMix on PlanYear {\n    participation {\n      byTier {\n        coverageTier\n        enrolled\n        employerContributionCents\n      }\n      byPlan {\n        plan {\n          id\n          name\n        }\n        enrolled\n        employerContributionCents\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query HrPlanYear($id: ID!) {\n    planYear(id: $id) {\n      id\n      ...PlanYearMix\n    }\n  }\n"): (typeof documents)["\n  query HrPlanYear($id: ID!) {\n    planYear(id: $id) {\n      id\n      ...PlanYearMix\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment PlanYearSummary on PlanYear {\n    id\n    status\n    coverageStart\n    coverageEnd\n    openEnrollmentStart\n    openEnrollmentEnd\n    renewal\n    version\n    benefitProduct {\n      id\n      name\n    }\n    participation {\n      asOf\n      issued\n      pending\n      enrolled\n      waived\n      lapsed\n      ended\n      pendingReissues\n      employeeContributionCents\n      employerContributionCents\n    }\n  }\n"): (typeof documents)["\n  fragment PlanYearSummary on PlanYear {\n    id\n    status\n    coverageStart\n    coverageEnd\n    openEnrollmentStart\n    openEnrollmentEnd\n    renewal\n    version\n    benefitProduct {\n      id\n      name\n    }\n    participation {\n      asOf\n      issued\n      pending\n      enrolled\n      waived\n      lapsed\n      ended\n      pendingReissues\n      employeeContributionCents\n      employerContributionCents\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation OpenEnrollment($input: OpenEnrollmentInput!) {\n    openEnrollment(input: $input) {\n      issuedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation OpenEnrollment($input: OpenEnrollmentInput!) {\n    openEnrollment(input: $input) {\n      issuedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CloseEnrollment($input: CloseEnrollmentInput!) {\n    closeEnrollment(input: $input) {\n      lapsedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation CloseEnrollment($input: CloseEnrollmentInput!) {\n    closeEnrollment(input: $input) {\n      lapsedCount\n      planYear {\n        ...PlanYearSummary\n        ...PlanYearMix\n      }\n      userErrors {\n        code\n        message\n        field\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query HrUnanswered($planYearId: ID!, $after: String) {\n    planYear(id: $planYearId) {\n      id\n      enrollments(filter: { status: [PENDING] }, first: 10, after: $after) {\n        totalCount\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n        nodes {\n          id\n          employee {\n            id\n            firstName\n            lastName\n          }\n          electionWindow {\n            closesOn\n            reason\n          }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query HrUnanswered($planYearId: ID!, $after: String) {\n    planYear(id: $planYearId) {\n      id\n      enrollments(filter: { status: [PENDING] }, first: 10, after: $after) {\n        totalCount\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n        nodes {\n          id\n          employee {\n            id\n            firstName\n            lastName\n          }\n          electionWindow {\n            closesOn\n            reason\n          }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MayaPage {\n    viewer {\n      employee {\n        id\n        firstName\n        lastName\n      }\n    }\n  }\n"): (typeof documents)["\n  query MayaPage {\n    viewer {\n      employee {\n        id\n        firstName\n        lastName\n      }\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;