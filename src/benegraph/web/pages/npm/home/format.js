// JSON for readers: arrays and objects that fit on one line are written on one line.
export function formatJson(value, width, indentation = "") {
  const line = inline(value);
  if (typeof value !== "object" || value === null || indentation.length + line.length <= width) {
    return line;
  }
  const inner = `${indentation}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const items = Array.isArray(value)
    ? value.map((item) => inner + formatJson(item, width, inner))
    : Object.entries(value).map(([name, item]) => `${inner}"${name}": ${formatJson(item, width, inner)}`);
  return `${open}\n${items.join(",\n")}\n${indentation}${close}`;
}

function inline(value) {
  return JSON.stringify(value, null, 1).replace(/\n */g, " ");
}
