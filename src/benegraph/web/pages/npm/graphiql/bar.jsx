// The bar above GraphiQL: the gateway's name, and a choice of viewers or a field for an API key.
import { useId, useRef, useState } from "react";

export function Bar({ viewers, viewer, onChange, signIn, rejection }) {
  return (
    <header className="bar">
      <h1>benegraph</h1>
      {viewers.length ? (
        <Picker {...{ viewers, viewer, onChange, rejection }} />
      ) : (
        <SignIn {...{ viewer, onChange, signIn, rejection }} />
      )}
    </header>
  );
}

function Picker({ viewers, viewer, onChange, rejection }) {
  const id = useId();
  const pick = ({ target }) => onChange(viewers.find(({ name }) => name === target.value));
  return (
    <>
      <label htmlFor={id}>Viewer</label>
      <select id={id} value={viewer.name} onChange={pick} autoComplete="off">
        {viewers.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      <span role="status" data-invalid={Boolean(rejection)}>
        {rejection}
      </span>
    </>
  );
}

// The key is kept in the page's memory only. It is never stored. It is used once the gateway has accepted it.
function SignIn({ viewer, onChange, signIn, rejection }) {
  const id = useId();
  const field = useRef(null);
  const submitted = useRef("");
  const [state, setState] = useState({ text: "API key required" });
  const { text, isInvalid } = rejection ? { text: rejection, isInvalid: true } : state;
  const submit = async () => {
    const key = field.current.value.trim();
    if (key === submitted.current) {
      return;
    }
    submitted.current = key;
    onChange(null);
    setState({ text: key ? "checking the key …" : "API key required" });
    const result = key ? await signIn(key) : {};
    if (key !== submitted.current) {
      return; // another key was entered meanwhile
    }
    if (result.error) {
      setState({ text: result.error, isInvalid: true });
      submitted.current = ""; // the same key can be tried again
    } else if (result.viewer) {
      setState({ text: `signed in to ${result.viewer.tenant} as ${result.viewer.role}` });
      onChange({ key });
    }
  };
  return (
    <>
      <label htmlFor={id}>API key</label>
      <input
        id={id}
        ref={field}
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder="bgk_…, then Enter"
        aria-invalid={Boolean(isInvalid)}
        aria-describedby={`${id}-status`}
        onBlur={submit}
        onKeyDown={(event) => event.key === "Enter" && submit()}
      />
      <span id={`${id}-status`} role="status" data-invalid={Boolean(isInvalid)} data-signed-in={Boolean(viewer)}>
        {text}
      </span>
    </>
  );
}
