// Example operations that run in place, as the current viewer.
import { useEffect, useState } from "react";

import { formatJson } from "./format.js";
import { send } from "./gateway.js";

// For keys of unknown tenants: it contains no IDs, and every role may run it.
const OWN_RIGHTS = {
  query: `# The tenant and the role of the API key, and the
# employer and the employee that it is limited to.

query Viewer {
  viewer {
    tenant
    role
    employer { name timeZone }
    employee {
      firstName
      enrollments(first: 5) {
        nodes { status benefitProduct { name } selectedPlan { name } }
      }
    }
  }
}
`,
};

export function Examples({ endpoint, viewer, tabs = [OWN_RIGHTS] }) {
  return (
    <section aria-labelledby="examples">
      <h2 id="examples">Examples</h2>
      {tabs.map((tab) => (
        <Example key={tab.query} {...{ endpoint, viewer, tab }} />
      ))}
    </section>
  );
}

function Example({ endpoint, viewer, tab: { query, variables } }) {
  const [result, setResult] = useState(null);
  const [isRunning, setIsRunning] = useState(false);
  const { title, comment, operation } = splitQuery(query);
  useEffect(() => setResult(null), [viewer]);
  const run = async () => {
    setIsRunning(true);
    try {
      setResult(await send(endpoint, viewer.key, query, variables));
    } catch (error) {
      setResult({ problem: `The gateway did not respond: ${error.message}` });
    }
    setIsRunning(false);
  };
  return (
    <article className="example">
      <h3>{title}</h3>
      <p>{comment}</p>
      <div className="request">
        <pre tabIndex={0} role="group" aria-label={`Request: ${title}`}>
          {operation}
          {variables && <span>{`\n\nvariables: ${formatJson(variables, 54)}`}</span>}
        </pre>
        <button type="button" className="run" onClick={run} aria-disabled={isRunning}>
          Run<span className="hidden"> {title}</span>
        </button>
      </div>
      <div className="response">
        <pre tabIndex={0} role="group" aria-label={`Response: ${title}`}>
          {result?.body ? formatJson(result.body, matchMedia("(max-width: 700px)").matches ? 40 : 92) : (result?.problem ?? "")}
        </pre>
        <p role="status">{describe(result, isRunning)}</p>
      </div>
    </article>
  );
}

function describe(result, isRunning) {
  if (isRunning || !result?.body) {
    return isRunning ? "Running …" : result ? "" : "The response appears here.";
  }
  const { body, milliseconds } = result;
  return `${body.errors ? "Refused" : "Done"} in ${Math.round(milliseconds)} ms`;
}

// Separates the comment on top of a query from the operation, and makes a title from the operation's name.
function splitQuery(query) {
  const [, comment, operation] = /^((?:#.*\n)*)\s*([^]*?)\s*$/.exec(query);
  const words = /\w+\s+(\w+)/.exec(operation)[1].replace(/\B[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return { title: words, comment: comment.replace(/^# ?/gm, "").replace(/\n/g, " ").trim(), operation };
}
