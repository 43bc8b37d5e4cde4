// An employee's session through any client: read, elect, read again, elect a second time, and send an unknown key.
import { elect, ofEmployee, one } from "../operations/enrollments.js";

/**
 * Run all steps, and print the result of each as JSON.
 * `connect(url, key)` returns a client's `send(document, variables)`, which resolves to `{ data, codes }`.
 */
export async function enroll(connect) {
  const [url, key, employeeId] = process.argv.slice(2);
  const send = connect(url, key);
  const initial = await send(ofEmployee, { id: employeeId, status: ["PENDING"] });
  const [pending] = initial.data.employee.enrollments.nodes;
  const election = {
    enrollmentId: pending.id,
    decision: "ENROLLED",
    selectedPlanId: pending.eligiblePlans[0].plan.id,
  };
  const variables = { input: { employeeId, elections: [election] } };
  const elected = await send(elect, variables);
  const read = await send(one, { id: pending.id });
  const refused = await send(elect, variables);
  const unknownKey = await connect(url, `bgk_${"x".repeat(43)}`)(one, { id: pending.id });
  console.log(JSON.stringify({ initial, election, elected, read, refused, unknownKey }));
}
