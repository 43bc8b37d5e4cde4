// The three states of a query: waiting, failed, and its data.
import type { ReactNode } from "react";

import { Failure } from "./failure";

interface Result<Data> {
  data?: Data;
  previousData?: Data;
  error?: Error;
  refetch: () => Promise<unknown>;
}

interface Properties<Data> {
  result: Result<Data>;
  children: (data: Data) => ReactNode;
}

export function Loaded<Data>({ result, children }: Properties<Data>) {
  const { error, refetch } = result;
  const data = result.data ?? result.previousData; // a failed refetch keeps what was on the screen
  return (
    <>
      {error && <Failure error={error} onRetry={() => refetch().catch(() => {})} />}
      {data ? children(data) : !error && <p role="status">Loading …</p>}
    </>
  );
}
