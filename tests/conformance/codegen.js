// graphql-codegen's configuration: the preset for clients, with a manifest of the documents.
export default {
  schema: process.env.SCHEMA,
  documents: process.env.DOCUMENTS,
  generates: {
    [process.env.OUTPUT]: {
      preset: "client",
      presetConfig: { persistedDocuments: { hashAlgorithm: "sha256" } },
      config: { scalars: { Cents: "number", Date: "string", DateTime: "string", JSON: "unknown" }, strictScalars: true },
    },
  },
};
