"""benegraph: a benefits-enrollment GraphQL gateway."""
