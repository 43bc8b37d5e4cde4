// The picture of the graph: boxes with lines between them, and the description of the selected type beside it.
import { useEffect, useRef, useState } from "react";

import { Description } from "./description.jsx";
import { fetchSchemaText } from "./gateway.js";
import { layOut } from "./layout.js";
import { fetchTypes } from "./schema.js";

const ROOT = "Employee";

export default function Graph({ endpoint, apiKey }) {
  const [types, setTypes] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (apiKey) {
      fetchTypes(endpoint, apiKey).then(setTypes, (error) => setProblem(error.message));
    }
  }, [endpoint, apiKey]);
  return (
    <section aria-labelledby="graph">
      <h2 id="graph">The graph</h2>
      {apiKey ? (
        <p>
          The types within three steps of an employee. Choose a box to read its description.{" "}
          {types && <SchemaDownload {...{ apiKey }} />}
        </p>
      ) : (
        <p>The picture is drawn from the schema, which is shown only to API keys that may read it. Sign in to see it.</p>
      )}
      {problem && <p role="alert">The graph cannot be drawn. {problem}</p>}
      {types && <Picture {...{ types }} />}
    </section>
  );
}

function Picture({ types }) {
  const [picture] = useState(() => layOut(types, ROOT));
  const [selected, select] = useSelectedName(types);
  const viewport = useRef(null);
  const { boxes, lines, width, height } = picture;
  useEffect(() => {
    const root = boxes.find(({ name }) => name === ROOT);
    viewport.current.scrollTop = root.y + (root.height - viewport.current.clientHeight) / 2;
  }, [boxes]);
  const isNear = ({ from, to }) => from === selected || to === selected;
  const near = new Set(lines.filter(isNear).flatMap(({ from, to }) => [from, to]));
  return (
    <div className="picture">
      <nav className="viewport" aria-label="Types" ref={viewport}>
        <div className="canvas" style={{ width, height }}>
          <svg width={width} height={height} aria-hidden="true">
            {[...lines].sort((one, other) => isNear(one) - isNear(other)).map((line) => (
              <path key={`${line.from}.${line.field}`} d={line.path} className={isNear(line) ? "near" : ""} />
            ))}
          </svg>
          <ul>
            {boxes.map((box) => (
              <Box key={box.name} {...{ box, select }} isSelected={box.name === selected} isNear={near.has(box.name)} />
            ))}
          </ul>
        </div>
      </nav>
      <Description {...{ types, select }} name={selected} />
    </div>
  );
}

function Box({ box: { name, x, y, width, height, rows, column }, isSelected, isNear, select }) {
  const classes = ["box", column === 0 && "root", isSelected && "selected", isNear && "near"].filter(Boolean);
  return (
    <li className={classes.join(" ")} style={{ left: x, top: y, width, height }}>
      <a href={`#${name}`} aria-current={isSelected || undefined} onClick={() => select(name)} id={`box-${name}`}>
        {name}
      </a>
      {rows.map(({ field, target, isList, isForward }) => (
        <span key={field}>
          {field}
          {isForward || <small>{isList ? `[${target}]` : target}</small>}
        </span>
      ))}
    </li>
  );
}

// Keeps the selected type in the fragment of the URL, so that the browser's history and links work.
function useSelectedName(types) {
  const read = () => {
    const name = location.hash.slice(1);
    return types.has(name) ? name : ROOT;
  };
  const [selected, setSelected] = useState(read);
  useEffect(() => {
    const update = () => setSelected(read());
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  // The description gets the focus: beside the picture for the keyboard, and below it on a phone.
  const select = (name) => {
    setSelected(name);
    requestAnimationFrame(() => document.getElementById("description").focus());
  };
  return [selected, select];
}

function SchemaDownload({ apiKey }) {
  const [problem, setProblem] = useState(null);
  const download = async () => {
    const url = URL.createObjectURL(new Blob([await fetchSchemaText(apiKey)], { type: "text/plain" }));
    Object.assign(document.createElement("a"), { href: url, download: "schema.graphql" }).click();
    URL.revokeObjectURL(url);
  };
  return (
    <>
      <button type="button" className="link" onClick={() => download().catch((error) => setProblem(error.message))}>
        Download schema.graphql
      </button>
      {problem && <span role="alert"> {problem}</span>}
    </>
  );
}
