"""The pages for browsers: the home page and GraphiQL, bundled with npm and served with the gateway's configuration."""

from benegraph.web.pages.config import PagesConfig, Persona, Tab
from benegraph.web.pages.views import GRAPHIQL_PATH, Pages, accepts_html

__all__ = ["GRAPHIQL_PATH", "Pages", "PagesConfig", "Persona", "Tab", "accepts_html"]
