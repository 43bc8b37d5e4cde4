// Print the version of the Elastic Common Schema, and the type of each of its fields.
import ecs from "@elastic/ecs";

const types = Object.fromEntries(Object.entries(ecs.EcsFlat).map(([name, field]) => [name, field.type]));
console.log(JSON.stringify({ version: ecs.EcsVersion, types }));
