// What the page keeps in the browser: GraphiQL's tabs, history and looks, and never a header, which may hold a key.
const OURS = "benegraph";
const TABS = ["tabState", "query", "variables", "operationName", "headers"].map((name) => `graphiql:${name}`);

// Tabs belong to an edition: those of a demo that is gone hold ids that are gone, and would hide today's.
export function openStorage(edition) {
  const name = (key) => (TABS.includes(key) ? `${OURS}:${edition}:${key}` : `${OURS}:${key}`);
  const kept = (key) => key.startsWith(`${OURS}:`);
  forget((key) => key.startsWith(`${OURS}:demo-`) && !key.startsWith(`${OURS}:${edition}:`));
  return {
    fresh: localStorage.getItem(name(TABS[0])) === null,
    getItem: (key) => localStorage.getItem(name(key)),
    setItem: (key, value) => localStorage.setItem(name(key), withoutHeaders(key, value)),
    removeItem: (key) => localStorage.removeItem(name(key)),
    clear: () => forget(kept),
    get length() {
      return Object.keys(localStorage).filter(kept).length;
    },
  };
}

function forget(which) {
  for (const key of Object.keys(localStorage).filter(which)) {
    localStorage.removeItem(key);
  }
}

// GraphiQL keeps headers out of its tabs, but not out of its history.
function withoutHeaders(key, value) {
  if (!/:(tabState|queries|favorites)$/.test(key)) {
    return key.endsWith(":headers") ? "" : value;
  }
  return JSON.stringify(JSON.parse(value), (member, held) => (member === "headers" ? null : held));
}
