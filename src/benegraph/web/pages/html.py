"""The HTML of the pages, and of those shown while the bundle is built or if the build failed."""

from collections.abc import Sequence
from html import escape

from benegraph.web.pages.bundle import BuildProgress

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Cg fill='none' stroke='%230b7285' stroke-width='3'%3E%3Cpath d='M8 16 24 7M8 16l16 9'/%3E"
    "%3Cg fill='%230b7285'%3E%3Ccircle cx='8' cy='16' r='4'/%3E%3Ccircle cx='24' cy='7' r='3'/%3E"
    "%3Ccircle cx='24' cy='25' r='3'/%3E%3C/g%3E%3C/g%3E%3C/svg%3E"
)

_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>benegraph</title>
<link rel="icon" href="{icon}">
{head}
</head>
<body>
{body}
</body>
</html>
"""

_COLORS = """\
:root { --ground: #ffffff; --ink: #3b4b68; --faint: #5d6b85; --line: #e3e6ec; --accent: #0b7285; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #212a3b; --ink: #dfe5f0; --faint: #a3afc4; --line: #3a465d; --accent: #5cc8d7; }
}"""

_STYLE = f"""\
<style>
{_COLORS}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.6 "Roboto", system-ui, sans-serif; }}
main {{ max-width: 34rem; margin: 18vh auto; padding: 0 24px; }}
h1 {{ margin: 0 0 16px; color: var(--accent); font-size: 1.75rem; font-weight: 500; }}
p {{ margin: 0 0 12px; }}
.step {{ margin: 0 0 12px; }}
.step {{ padding: 12px 16px; border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 6px; }}
p.rest {{ color: var(--faint); }}
progress {{ width: 100%; accent-color: var(--accent); }}
code {{ font-family: ui-monospace, monospace; font-size: 0.9em; }}
</style>"""

# The page's own style sheet replaces these rules, because they have no specificity.
_LOADING_STYLE = f"""\
<style>
{_COLORS}
:where(body) {{ margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.6 system-ui, sans-serif; }}
:where(.loading) {{ max-width: 34rem; margin: 30vh auto; padding: 0 24px; }}
:where(.loading progress) {{ width: 100%; accent-color: var(--accent); }}
:where(p[role=alert]) {{ max-width: 34rem; margin: 30vh auto; padding: 0 24px; }}
</style>"""

_HOME = """\
<header>
<h1>benegraph</h1>
<p>A GraphQL gateway for benefits enrollment: employers offer plans for a plan year, employees elect or waive them, and
the carrier gets the resulting coverage. {remark}</p>
<nav aria-label="Pages">{links}</nav>
</header>
<main id="home">
<p role="status">Loading the graph and the examples …</p>
<noscript><p>The graph and the examples require JavaScript.</p></noscript>
</main>
<footer>
<section aria-labelledby="links">
<h2 id="links">Paths</h2>
<dl>
<dt><a href="{graphiql}">{graphiql}</a></dt>
<dd>GraphiQL: write queries, and read the documentation of every type</dd>
<dt><code>{endpoint}</code></dt>
<dd>the API, for GraphQL requests with an API key</dd>
<dt><code>/schema.graphql</code></dt>
<dd>the schema, for requests with a key that may read it</dd>
<dt><a href="/readyz">/readyz</a>, <a href="/livez">/livez</a></dt>
<dd>health: whether the gateway can answer requests, and whether its process runs</dd>
<dt><a href="/metrics">/metrics</a></dt>
<dd>metrics in the format of Prometheus</dd>
<dt><a href="{files}/licences.txt">licences.txt</a></dt>
<dd>the licences of the packages in these pages</dd>
</dl>
</section>
</footer>"""
_DEMO_REMARK = "This is its demo: the people are invented, and you may change everything."
_KEY_REMARK = "Each request needs an API key."

_API_NOTE = "<p class='rest'>The API is available at <code>{endpoint}</code>.</p>"


def script_page(files: str, name: str) -> str:
    """Return the page of this name. Its loader shows a progress bar until the page's files have arrived."""
    head = (
        f'{_LOADING_STYLE}\n<script type="module" src="{files}/load.js"></script>\n'
        "<noscript><style>main > * { display: none; }</style></noscript>"
    )
    loading = (
        f'<main data-page="{name}">\n<div class="loading">\n<label for="loading">Loading the page …</label>\n'
        '<progress id="loading" value="0"></progress>\n</div>\n</main>'
    )
    return _frame(head, f"{loading}\n<noscript><p>This page requires JavaScript.</p></noscript>")


def home_page(files: str, endpoint: str, graphiql: str, demo_paths: Sequence[str]) -> str:
    """Return the home page. Its text is complete without the script, which adds the picture, viewers and examples."""
    head = f'<link rel="stylesheet" href="{files}/home.css">\n<script type="module" src="{files}/home.js"></script>'
    titles = {graphiql: "GraphiQL"} | dict(
        zip(demo_paths, ("Demo: an election", "Demo: open enrollment"), strict=False)
    )
    links = "\n".join(f'<a href="{path}">{title}</a>' for path, title in titles.items())
    remark = _DEMO_REMARK if demo_paths else _KEY_REMARK
    return _frame(head, _HOME.format(files=files, endpoint=endpoint, graphiql=graphiql, links=links, remark=remark))


def progress_page(progress: BuildProgress, elapsed: float, endpoint: str) -> str:
    """Return the page that shows the progress of the build, `elapsed` seconds into its step. It reloads itself."""
    share = progress.share(elapsed)
    value = "" if share is None else f" value='{share:.2f}'"
    left = (
        "" if share is None else f"<p class='rest'>About {progress.seconds_left(elapsed):.0f} seconds are left.</p>\n"
    )
    return _frame(
        '<meta http-equiv="refresh" content="2">\n' + _STYLE,
        "<main>\n<h1>benegraph</h1>\n"
        "<p>The pages are being built. This happens only once; then this page opens.</p>\n"
        f"<div class='step'>\n<label for='progress'>{escape(progress.step)} …</label>\n"
        f"<progress id='progress'{value}></progress>\n</div>\n{left}{_API_NOTE.format(endpoint=endpoint)}\n</main>",
    )


def failure_page(reason: str, endpoint: str) -> str:
    """Return the page that says why the explorer is not available, and how to build it."""
    return _frame(
        _STYLE,
        "<main>\n<h1>benegraph</h1>\n<p>This page is not available.</p>\n"
        f"<p class='step' role='alert'>{escape(reason)}</p>\n"
        "<p>Restart the gateway to try again. Or run <code>benegraph explorer build</code>, "
        f"then reload this page.</p>\n{_API_NOTE.format(endpoint=endpoint)}\n</main>",
    )


def _frame(head: str, body: str) -> str:
    return _FRAME.format(icon=_ICON, head=head, body=body)
