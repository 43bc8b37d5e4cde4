// Charts of HTML and CSS. The numbers are text beside the bars, so that nothing depends on seeing colors or lengths.
import type { PlanYear } from "./plan-years";

type Participation = NonNullable<PlanYear["participation"]>;

// Each answer also has a pattern of its own in page.css.
const ANSWERS = [
  { name: "enrolled", label: "enrolled" },
  { name: "waived", label: "waived" },
  { name: "pending", label: "not answered" },
  { name: "lapsed", label: "lapsed" },
] as const;

/** Show how many employees have answered. Employees whose enrollment ended, such as by termination, do not count. */
export function Progress({ participation }: { participation: Participation }) {
  const answers = ANSWERS.filter(({ name }) => participation[name] > 0);
  return (
    <span className="progress">
      <span className="stack" aria-hidden>
        {answers.map(({ name }) => (
          <span key={name} data-answer={name} style={{ flexGrow: participation[name] }} />
        ))}
      </span>
      <span className="legend">
        {answers.map(({ name, label }) => (
          <span key={name}>
            <span className="swatch" data-answer={name} aria-hidden />
            {participation[name]} {label}
          </span>
        ))}
      </span>
    </span>
  );
}

interface Bar {
  id: string;
  label: string;
  count: number;
  amount: string;
}

/** Show the employees of each group as a bar, within a table that holds the numbers. */
export function BarChart({ caption, bars }: { caption: string; bars: Bar[] }) {
  const longest = Math.max(1, ...bars.map(({ count }) => count));
  return (
    <table className="bar-chart">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">Employees</th>
          <th scope="col">You pay monthly</th>
        </tr>
      </thead>
      <tbody>
        {bars.map(({ id, label, count, amount }) => (
          <tr key={id}>
            <th scope="row">{label}</th>
            <td>
              {count > 0 && <span className="length" style={{ width: `${(100 * count) / longest}%` }} aria-hidden />}
              {count}
            </td>
            <td>{amount}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
