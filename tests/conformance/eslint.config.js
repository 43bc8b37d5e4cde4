// The rules of graphql-eslint that the schema keeps: all those it recommends and all of Relay's, and stricter where it can.
import graphql from "@graphql-eslint/eslint-plugin";

// Values, which have no life of their own: they stand within the node that they are about.
const VALUES = [
  "DependentCoverage",
  "ElectionPreview",
  "ElectionWindow",
  "Eligibility",
  "EligibilityRule",
  "EligiblePlan",
  "PageInfo",
  "PaidThroughResult",
  "PlanCost",
  "PlanRate",
  "SubscriberEnrollmentUpsertResult",
  "TenantSettings",
  "UserError",
  "Viewer",
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
      // Recommended are descriptions of types and root fields alone; here everything says what it is.
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
      // Lists page forward alone, as Relay's specification allows: `first` and `after`.
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      // `nodes` is the short way past the edges, and what is few (a family, a catalogue) is a plain list.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
];
