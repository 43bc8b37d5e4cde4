// A button that copies a text.
import { useState } from "react";

export function CopyButton({ text, children }) {
  const [label, setLabel] = useState(null);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setLabel("Copied");
    setTimeout(() => setLabel(null), 2000);
  };
  return (
    <button type="button" onClick={() => copy().catch(() => setLabel("Not copied: select the text"))}>
      <span aria-live="polite">{label ?? children}</span>
    </button>
  );
}
