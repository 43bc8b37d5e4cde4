// The demo's viewers: each with its rights, its API key, and a command to paste into a shell.
import { CopyButton } from "./copy-button.jsx";

const RIGHTS = {
  administrator: "The administrator sees and changes everything in the tenant.",
  employer: "An employer sees its own employees, and changes their enrollments and its plan years.",
  employee: "An employee sees their own family and enrollments, and elects plans.",
};
const QUERIES = {
  administrator: "{ employers(first: 3) { nodes { name timeZone } } }",
  employer: "{ viewer { employer { name employees(first: 3) { nodes { firstName startDate } } } } }",
  employee: "{ viewer { employee { firstName enrollments(first: 3) { nodes { status benefitProduct { name } } } } } }",
};

export function Viewers({ endpoint, viewers, viewer, onChange }) {
  return (
    <section aria-labelledby="viewers">
      <h2 id="viewers">The viewers of the demo</h2>
      <p>An API key decides what its owner sees and may change. The examples below run as the selected viewer.</p>
      <div className="viewers">
        {viewers.map((each) => (
          <Viewer key={each.name} viewer={each} isSelected={each === viewer} {...{ endpoint, onChange }} />
        ))}
      </div>
    </section>
  );
}

function Viewer({ endpoint, viewer, isSelected, onChange }) {
  const { name, label, key } = viewer;
  const command = curl(new URL(endpoint, location.href), key, QUERIES[name] ?? "{ viewer { role } }");
  const [role, person] = label.split(": ");
  return (
    <article className={isSelected ? "selected" : ""}>
      <h3>
        <label>
          <input type="radio" name="viewer" checked={isSelected} onChange={() => onChange(viewer)} />
          {person ?? role}
        </label>
      </h3>
      <p>{RIGHTS[name]}</p>
      <div className="copied">
        <code>{key}</code>
        <CopyButton text={key}>Copy key</CopyButton>
      </div>
      <div className="copied">
        <pre>{command}</pre>
        <CopyButton text={command}>Copy curl</CopyButton>
      </div>
    </article>
  );
}

function curl(url, key, query) {
  const options = [`-H 'Authorization: Bearer ${key}'`, "-H 'Content-Type: application/json'"];
  return [`curl -sS ${url}`, ...options, `-d '${JSON.stringify({ query })}'`].join(" \\\n  ");
}
