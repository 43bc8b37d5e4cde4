// The bar above GraphiQL: the gateway's name, and a choice of viewers or a field for an API key.
import { useId } from "react";

export function Bar({ viewers, viewer, onChange }) {
  return (
    <header className="bar">
      <h1>benegraph</h1>
      {viewers.length ? <Picker {...{ viewers, viewer, onChange }} /> : <SignIn {...{ viewer, onChange }} />}
    </header>
  );
}

function Picker({ viewers, viewer, onChange }) {
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
    </>
  );
}

// The key is kept in the page's memory only. It is never stored.
function SignIn({ viewer, onChange }) {
  const id = useId();
  const signIn = ({ target }) => {
    const key = target.value.trim();
    if (key !== (viewer?.key ?? "")) {
      onChange(key ? { key } : null);
    }
  };
  return (
    <>
      <label htmlFor={id}>API key</label>
      <input
        id={id}
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder="bgk_…, then Enter"
        onBlur={signIn}
        onKeyDown={(event) => event.key === "Enter" && signIn(event)}
      />
      <span role="status">{viewer ? "signed in" : "API key required"}</span>
    </>
  );
}
