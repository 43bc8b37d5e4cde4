// The field for an API key. The key is kept in the page's memory only, and is never stored.
import { useId, useState } from "react";

import { send } from "./gateway.js";

export function SignIn({ endpoint, viewer, onChange }) {
  const id = useId();
  const [problem, setProblem] = useState(null);
  const signIn = async (event) => {
    event.preventDefault();
    const key = new FormData(event.target).get("key").trim();
    const { body } = await send(endpoint, key, "{ viewer { tenant role } }");
    setProblem(body.errors?.[0].message);
    onChange(body.errors ? null : { key, ...body.data.viewer });
  };
  const report = (error) => setProblem(`The gateway did not respond: ${error.message}`);
  return (
    <section aria-labelledby="sign-in">
      <h2 id="sign-in">Sign in</h2>
      <p>The key stays in this page and is never stored.</p>
      <form className="sign-in" onSubmit={(event) => signIn(event).catch(report)}>
        <label htmlFor={id}>API key</label>
        <input id={id} name="key" type="password" autoComplete="off" spellCheck={false} placeholder="bgk_…" required />
        <button type="submit">Sign in</button>
        <span role="status">
          {problem ?? (viewer && `Signed in to ${viewer.tenant} as ${viewer.role}`)}
        </span>
      </form>
    </section>
  );
}
