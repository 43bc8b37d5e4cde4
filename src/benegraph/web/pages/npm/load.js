// Loads the files of a page and shows the share that has arrived. The page's script then replaces the progress bar.
const main = document.querySelector("main");
const bar = main.querySelector("progress");

async function load(page) {
  const { script, style, bytes } = (await (await request("pages.json")).json())[page];
  bar.max = Object.values(bytes).reduce((sum, size) => sum + size, 0);
  await Promise.all(Object.keys(bytes).map(receive)); // all at once; then the browser has them in its cache
  if (style) {
    await link(style);
  }
  await import(locate(script));
}

async function receive(name) {
  const reader = (await request(name)).body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bar.value += part.value.length;
  }
}

async function request(name) {
  const response = await fetch(locate(name));
  if (!response.ok) {
    throw new Error(`the gateway responded with status ${response.status}`);
  }
  return response;
}

function link(name) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const element = Object.assign(document.createElement("link"), { rel: "stylesheet", href: locate(name) });
  element.addEventListener("load", resolve);
  element.addEventListener("error", () => reject(new Error(`${name} is missing`)));
  document.head.append(element);
  return promise;
}

function locate(name) {
  return new URL(name, import.meta.url).href;
}

load(main.dataset.page).catch((error) => {
  const text = `The page could not be loaded: ${error.message}. Reload it to try again.`;
  main.replaceChildren(Object.assign(document.createElement("p"), { role: "alert", textContent: text }));
});
