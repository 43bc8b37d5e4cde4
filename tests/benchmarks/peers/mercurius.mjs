// Mercurius as its documentation recommends: compiled by its JIT, batched by its loaders, one transaction a request.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

const [, , connectionString, connections] = process.argv;

// Dates stay text, because a Date object costs more and has a time zone; bigints become numbers.
for (const type of [pg.types.builtins.DATE]) pg.types.setTypeParser(type, (text) => text);
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const pool = new pg.Pool({
  connectionString,
  max: Number(connections),
  idleTimeoutMillis: 0,
  application_name: "mercurius",
});

const schema = `
  type Query { employee(id: ID!): Employee  employer(id: ID!): Employer }
  type Employer { id: ID!  name: String!  employees(first: Int!): Employees! }
  type Employees { nodes: [Employee!]! }
  type Employee {
    id: ID!  firstName: String!  lastName: String!  email: String  employmentClass: String!
    enrollments(first: Int!): Enrollments!
  }
  type Enrollments { nodes: [Enrollment!]! }
  type Enrollment {
    id: ID!  decision: String  coverageTier: String  coverageStartDate: String  employeeContributionCents: Float
    selectedPlan: Plan  planYear: PlanYear!  benefitProduct: BenefitProduct!  enrolledDependents: [Dependent!]!
  }
  type Plan { id: ID!  name: String!  tier: String  monthlyPremiumCents: Float! }
  type PlanYear { id: ID!  coverageStart: String!  coverageEnd: String! }
  type BenefitProduct { id: ID!  name: String!  category: String! }
  type Dependent { id: ID!  firstName: String!  lastName: String!  relationship: String! }
`;

const EMPLOYEE = `id, first_name AS "firstName", last_name AS "lastName", email, employment_class AS "employmentClass"`;

// Each statement is prepared once for each connection, under its name.
const statements = {
  employee: `SELECT ${EMPLOYEE} FROM employees WHERE tenant_id = $1 AND id = $2`,
  employer: `SELECT id, name FROM employers WHERE tenant_id = $1 AND id = $2`,
  employees: `
    SELECT parent, e.* FROM unnest($2::text[]) AS parent CROSS JOIN LATERAL (
      SELECT ${EMPLOYEE} FROM employees WHERE tenant_id = $1 AND employer_id = parent
      ORDER BY last_name, id LIMIT $3) AS e`,
  enrollments: `
    SELECT parent, n.* FROM unnest($2::text[]) AS parent CROSS JOIN LATERAL (
      SELECT id, decision, coverage_tier AS "coverageTier", coverage_starts_on AS "coverageStartDate",
        employee_contribution_cents AS "employeeContributionCents", selected_plan_id, plan_year_id, benefit_product_id
      FROM enrollments WHERE tenant_id = $1 AND employee_id = parent ORDER BY id LIMIT $3) AS n`,
  plans: `
    SELECT id, name, tier, monthly_premium_cents AS "monthlyPremiumCents" FROM plans
    WHERE tenant_id = $1 AND id = ANY($2)`,
  planYears: `
    SELECT id, coverage_starts_on AS "coverageStart", coverage_ends_on AS "coverageEnd" FROM plan_years
    WHERE tenant_id = $1 AND id = ANY($2)`,
  products: `SELECT id, name, category FROM benefit_products WHERE tenant_id = $1 AND id = ANY($2)`,
  covered: `
    SELECT c.enrollment_id AS parent, d.id, d.first_name AS "firstName", d.last_name AS "lastName", d.relationship
    FROM enrolled_dependents c JOIN dependents d ON d.tenant_id = $1 AND d.id = c.dependent_id
    WHERE c.tenant_id = $1 AND c.enrollment_id = ANY($2) ORDER BY d.id`,
};

async function rows(context, name, ...args) {
  const values = [context.tenant, ...args];
  return (await context.client.query({ name, text: statements[name], values })).rows;
}

/** Returns the row of each key, or null. */
async function rowsByKey(context, name, keys) {
  const distinct = [...new Set(keys.filter((key) => key !== null))];
  const byKey = new Map();
  if (distinct.length > 0) for (const row of await rows(context, name, distinct)) byKey.set(row.id, row);
  return keys.map((key) => byKey.get(key) ?? null);
}

/** Returns the rows of each parent. */
async function rowsByParent(context, name, parents, ...args) {
  const byParent = new Map(parents.map((parent) => [parent, []]));
  for (const row of await rows(context, name, parents, ...args)) byParent.get(row.parent).push(row);
  return parents.map((parent) => byParent.get(parent));
}

const ids = (queries) => queries.map(({ obj }) => obj.id);
const page = (nodes) => ({ nodes });

// No cache, so that no request sees the rows of another one.
const loader = (load) => ({ loader: load, opts: { cache: false } });
const loaders = {
  Employer: {
    employees: loader(async (queries, context) =>
      (await rowsByParent(context, "employees", ids(queries), queries[0].params.first)).map(page)),
  },
  Employee: {
    enrollments: loader(async (queries, context) =>
      (await rowsByParent(context, "enrollments", ids(queries), queries[0].params.first)).map(page)),
  },
  Enrollment: {
    selectedPlan: loader((queries, context) =>
      rowsByKey(context, "plans", queries.map(({ obj }) => obj.selected_plan_id))),
    planYear: loader((queries, context) =>
      rowsByKey(context, "planYears", queries.map(({ obj }) => obj.plan_year_id))),
    benefitProduct: loader((queries, context) =>
      rowsByKey(context, "products", queries.map(({ obj }) => obj.benefit_product_id))),
    enrolledDependents: loader((queries, context) => rowsByParent(context, "covered", ids(queries))),
  },
};

const resolvers = {
  Query: {
    employee: async (_, { id }, context) => (await rows(context, "employee", id))[0] ?? null,
    employer: async (_, { id }, context) => (await rows(context, "employer", id))[0] ?? null,
  },
};

const app = Fastify({ logger: false });
app.register(mercurius, {
  schema,
  resolvers,
  loaders,
  jit: 1,
  graphiql: false,
  context: (request) => ({ tenant: request.headers["x-tenant"], client: null }),
});

// One connection and one transaction for each request, around all of its resolvers.
app.ready().then(() => {
  app.graphql.addHook("preExecution", async (_schema, _document, context) => {
    context.client = await pool.connect();
    await context.client.query(`BEGIN; SET LOCAL app.tenant = ${pg.escapeLiteral(context.tenant)}`);
  });
  app.graphql.addHook("onResolution", async (_execution, context) => {
    if (context.client === null) return;
    await context.client.query("COMMIT");
    context.client.release();
    context.client = null;
  });
});

console.log(`${await app.listen({ port: 0, host: "127.0.0.1" })}/graphql`);
