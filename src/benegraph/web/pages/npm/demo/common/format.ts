// Dates, amounts and codes as text. The app's own texts are in English, so everything is formatted for it.
const LOCALE = "en-US";
const DAY_MILLISECONDS = 86_400_000;

const money = new Intl.NumberFormat(LOCALE, { style: "currency", currency: "USD" });
const wholeMoney = new Intl.NumberFormat(LOCALE, { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const date = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: "UTC" });
const days = new Intl.NumberFormat(LOCALE, { style: "unit", unit: "day", unitDisplay: "long" });
const list = new Intl.ListFormat(LOCALE);

/** Format an amount in cents, such as 49920 as $499.20. */
export const formatCents = (cents: number) => money.format(cents / 100);

/** Format an amount in cents without its fraction, such as 650000 as $6,500. */
export const formatWholeDollars = (cents: number) => wholeMoney.format(cents / 100);

/** Format a `Date` of the API. It has no time zone: it is read and shown as UTC. */
export const formatDate = (value: string) => date.format(toMilliseconds(value));

/** Format a span of dates, such as “Jan 1 – Dec 31, 2027”. */
export const formatDates = (first: string, last: string) =>
  date.formatRange(toMilliseconds(first), toMilliseconds(last));

/** Format the days from one `Date` to another, such as “14 days”. */
export const formatDays = (from: string, to: string) => days.format(countDays(from, to));

/** Format a list of texts, such as “Jonas and Willa”. */
export const formatList = (items: string[]) => list.format(items);

/** Format an enum value, such as JOB_LOSS as “Job loss”. It works for values that later versions of the API add. */
export function formatCode(code: string): string {
  const text = code.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Return the days from one `Date` of the API to another. */
export const countDays = (from: string, to: string) => (toMilliseconds(to) - toMilliseconds(from)) / DAY_MILLISECONDS;

/** Return the age in whole years on a day. */
export function ageOn(today: string, dateOfBirth: string): number {
  const years = Number(today.slice(0, 4)) - Number(dateOfBirth.slice(0, 4));
  return today.slice(5) < dateOfBirth.slice(5) ? years - 1 : years;
}

const toMilliseconds = (value: string) => Date.parse(`${value}T00:00Z`);
