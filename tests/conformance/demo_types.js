// graphql-codegen's configuration for the demo app: the preset for clients derives the types of its operations.
export default {
  schema: process.env.SCHEMA,
  documents: [`${process.env.APPLICATION}/**/*.{ts,tsx}`, `!${process.env.APPLICATION}/generated/**`],
  generates: {
    [`${process.env.APPLICATION}/generated/`]: {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        scalars: { Cents: "number", Date: "string", DateTime: "string", JSON: "unknown" },
        strictScalars: true,
        skipTypename: true,
        useTypeImports: true,
      },
    },
  },
};
