// The description of a type: its text, its fields with their types, and a link to the documentation in GraphiQL.
import { findTarget, typeText } from "./schema.js";

export function Description({ types, name, select }) {
  const type = types.get(name);
  const returnToBox = ({ key }) => key === "Escape" && document.getElementById(`box-${name}`)?.focus();
  return (
    <aside id="description" tabIndex={-1} aria-labelledby="description-title" onKeyDown={returnToBox}>
      <h3 id="description-title">{name}</h3>
      <Text>{type.description}</Text>
      <p>
        <a href={`/graphiql#${name}`}>{name} in GraphiQL</a>
      </p>
      <dl>
        {type.fields.map((field) => (
          <div key={field.name}>
            <dt>
              {field.name}
              <Arguments of={field} />: <TypeName {...{ types, field, select }} />
            </dt>
            {field.description && (
              <dd>
                <Text>{field.description}</Text>
              </dd>
            )}
          </div>
        ))}
      </dl>
    </aside>
  );
}

function Arguments({ of: { args } }) {
  return args.length > 0 && <small>({args.map(({ name }) => name).join(", ")})</small>;
}

function TypeName({ types, field, select }) {
  const target = findTarget(types, field)?.name;
  const text = typeText(field.type);
  return target ? (
    <a href={`#${target}`} onClick={() => select(target)}>
      {text}
    </a>
  ) : (
    <span>{text}</span>
  );
}

// Descriptions are Markdown; the schema's use code spans and paragraphs only.
function Text({ children }) {
  return (children ?? "").split("\n\n").map((paragraph, index) => (
    <p key={index}>{paragraph.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}</p>
  ));
}
