// The page's storage in the browser: GraphiQL's tabs, history and theme. Headers are never stored: they may contain a key.
const PREFIX = "benegraph";
const TAB_KEYS = ["tabState", "query", "variables", "operationName", "headers"].map((name) => `graphiql:${name}`);

// Tabs are stored by edition: tabs of an earlier demo contain ids that no longer exist, and would hide the new tabs.
export function openStorage(edition) {
  const storageKey = (key) => (TAB_KEYS.includes(key) ? `${PREFIX}:${edition}:${key}` : `${PREFIX}:${key}`);
  const isOwn = (key) => key.startsWith(`${PREFIX}:`);
  removeKeys((key) => key.startsWith(`${PREFIX}:demo-`) && !key.startsWith(`${PREFIX}:${edition}:`));
  return {
    isEmpty: localStorage.getItem(storageKey(TAB_KEYS[0])) === null,
    getItem: (key) => localStorage.getItem(storageKey(key)),
    setItem: (key, value) => localStorage.setItem(storageKey(key), withoutHeaders(key, value)),
    removeItem: (key) => localStorage.removeItem(storageKey(key)),
    clear: () => removeKeys(isOwn),
    get length() {
      return Object.keys(localStorage).filter(isOwn).length;
    },
  };
}

function removeKeys(matches) {
  for (const key of Object.keys(localStorage).filter(matches)) {
    localStorage.removeItem(key);
  }
}

// GraphiQL omits headers from its tabs, but not from its history.
function withoutHeaders(key, value) {
  if (!/:(tabState|queries|favorites)$/.test(key)) {
    return key.endsWith(":headers") ? "" : value;
  }
  return JSON.stringify(JSON.parse(value), (member, item) => (member === "headers" ? null : item));
}
