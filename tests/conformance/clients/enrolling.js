// What an employee does through any client: look, elect, look again, elect once too often, and try a wrong key.
import { elect, ofEmployee, one } from "../operations/enrollments.js";

/**
 * Go through it all, and print what came of it as JSON.
 * `connect(url, key)` makes a client's `ask(document, variables)`, which gives `{ data, codes }`.
 */
export async function enroll(connect) {
  const [url, key, employeeId] = process.argv.slice(2);
  const ask = connect(url, key);
  const found = await ask(ofEmployee, { id: employeeId, status: ["PENDING"] });
  const [pending] = found.data.employee.enrollments.nodes;
  const choice = {
    enrollmentId: pending.id,
    decision: "ENROLLED",
    selectedPlanId: pending.eligiblePlans[0].plan.id,
  };
  const variables = { input: { employeeId, elections: [choice] } };
  const elected = await ask(elect, variables);
  const read = await ask(one, { id: pending.id });
  const refused = await ask(elect, variables);
  const stranger = await connect(url, `bgk_${"x".repeat(43)}`)(one, { id: pending.id });
  console.log(JSON.stringify({ found, choice, elected, read, refused, stranger }));
}
