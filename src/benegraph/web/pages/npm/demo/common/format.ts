// Dates and amounts as text, in the visitor's language.
const money = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD" });
const wholeMoney = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** Format an amount in cents, such as 49920 as $499.20. */
export const formatCents = (cents: number) => money.format(cents / 100);

/** Format an amount in cents without its fraction, such as 650000 as $6,500. */
export const formatWholeDollars = (cents: number) => wholeMoney.format(cents / 100);

/** Format a `Date` of the API, such as 2026-11-20. It has no time zone, so it is read and shown as UTC. */
export const formatDate = (date: string) => day.format(new Date(`${date}T00:00Z`));

/** Format a list of texts, such as “Jonas and Willa”. */
export const formatList = (items: string[]) => new Intl.ListFormat(undefined).format(items);

/** Format a span of dates, such as “Jan 1 – Dec 31, 2027”. */
export const formatDates = (first: string, last: string) =>
  day.formatRange(new Date(`${first}T00:00Z`), new Date(`${last}T00:00Z`));
