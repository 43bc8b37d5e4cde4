// The rules of graphql-eslint for the schema: all recommended ones and all of Relay's, some of them stricter.
import graphql from "@graphql-eslint/eslint-plugin";

// Value types: they have no identity of their own, and belong to the node that contains them.
const VALUES = [
  "Address",
  "ApiKey",
  "CensusSummary",
  "ClassParticipation",
  "ConfirmedDependentCoverage",
  "CopiedPlan",
  "CoveragePreview",
  "DependentCoverage",
  "DependentCoverageChange",
  "DependentUpsertResult",
  "ElectionPreview",
  "ElectionWindow",
  "Eligibility",
  "EligibilityRule",
  "EligiblePlan",
  "EmployeeMergePreview",
  "EmployeeUpsertResult",
  "EndedCoveragePreview",
  "EnrollmentEffect",
  "PageInfo",
  "PaidThroughResult",
  "PlanCost",
  "PlanParticipation",
  "PlanRate",
  "PlanYearParticipation",
  "PlanYearPreview",
  "SubscriberEnrollmentUpsertResult",
  "TenantSettings",
  "TierParticipation",
  "UserError",
  "Viewer",
  "WorklistItem",
];

export default [
  {
    files: ["**/*.graphql"],
    linterOptions: { noInlineConfig: true },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: process.env.SCHEMA } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      // The recommended rule requires descriptions of types and root fields only; here everything has one.
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          DirectiveDefinition: true,
          EnumValueDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
        },
      ],
      "@graphql-eslint/strict-id-in-types": [
        "error",
        { exceptions: { types: VALUES, suffixes: ["Connection", "Edge", "Payload"] } },
      ],
      // `nodes` is a shortcut past the edges, and short lists (a family, a catalogue) are plain lists. API keys and
      // items of the worklist are no nodes, though there are connections of them.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
];
