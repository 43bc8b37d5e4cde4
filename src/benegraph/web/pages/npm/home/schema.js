// The part of the schema that the picture shows: the object types and their fields, read by introspection.
import { send } from "./gateway.js";

const INTROSPECTION = `query SchemaPicture {
  __schema {
    types {
      kind
      name
      description
      fields {
        name
        description
        args { name }
        type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
      }
    }
  }
}`;

// Returns the object types by name. Throws with the gateway's message if it refuses the introspection.
export async function fetchTypes(endpoint, key) {
  const { body } = await send(endpoint, key, INTROSPECTION);
  if (body.errors) {
    throw new Error(body.errors[0].message);
  }
  const objectTypes = body.data.__schema.types.filter(({ kind }) => kind === "OBJECT");
  return new Map(objectTypes.map((type) => [type.name, type]));
}

// Returns a type reference in GraphQL's notation, such as "[Plan!]!".
export function typeText({ kind, name, ofType }) {
  if (kind === "NON_NULL") {
    return `${typeText(ofType)}!`;
  }
  return kind === "LIST" ? `[${typeText(ofType)}]` : name;
}

// Returns the field's object type, and whether the field lists objects of it. A connection lists its nodes. Returns null
// for a field without an object type.
export function findTarget(types, { type }) {
  const target = types.get(namedType(type));
  const nodes = target?.name.endsWith("Connection") && target.fields.find(({ name }) => name === "nodes");
  if (nodes) {
    return { name: namedType(nodes.type), isList: true };
  }
  return target ? { name: target.name, isList: typeText(type).startsWith("[") } : null;
}

function namedType({ name, ofType }) {
  return ofType ? namedType(ofType) : name;
}
