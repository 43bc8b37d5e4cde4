"""The explorer: GraphiQL, bundled with npm and served with the gateway's own configuration."""

from benegraph.web.explorer.config import ExplorerConfig, Persona, Tab
from benegraph.web.explorer.views import Explorer

__all__ = ["Explorer", "ExplorerConfig", "Persona", "Tab"]
