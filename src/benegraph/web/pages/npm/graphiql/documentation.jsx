// The first page of the documentation, in place of GraphiQL's: it also lists the types that people need first.
import { MarkdownContent } from "@graphiql/react";
import { ExplorerSection, TypeLink } from "@graphiql/plugin-doc-explorer";

const FIRST_TYPES = ["Query", "Mutation", "Employee", "Enrollment", "PlanYear", "Plan", "Employer"];

export function SchemaDocumentation({ schema }) {
  const first = FIRST_TYPES.flatMap((name) => schema.getType(name) ?? []);
  const others = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith("__") && !first.includes(type));
  const [summary, ...details] = (schema.description ?? "").split("\n\n");
  return (
    <>
      <MarkdownContent type="description">{summary}</MarkdownContent>
      <div className="graphiql-doc-explorer-section-title">Start here</div>
      <div className="graphiql-doc-explorer-section-content">
        <dl className="first-types">
          {first.map((type) => (
            <div key={type.name}>
              <dt>
                <TypeLink type={type} />
              </dt>
              <dd>{firstSentence(type.description)}</dd>
            </div>
          ))}
        </dl>
      </div>
      <MarkdownContent type="description">{details.join("\n\n")}</MarkdownContent>
      <ExplorerSection title="All Schema Types">
        {others.map((type) => (
          <div key={type.name}>
            <TypeLink type={type} />
          </div>
        ))}
      </ExplorerSection>
    </>
  );
}

function firstSentence(text) {
  return text?.split(/(?<=\.)\s/, 1)[0].replaceAll("`", "");
}
