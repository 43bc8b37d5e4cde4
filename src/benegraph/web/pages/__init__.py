"""The pages for browsers: GraphiQL, bundled with npm and served with the gateway's own configuration."""

from benegraph.web.pages.config import PagesConfig, Persona, Tab
from benegraph.web.pages.views import Pages

__all__ = ["Pages", "PagesConfig", "Persona", "Tab"]
