// Mutations: one idempotency key per intent, and the violated rules of a refusal.
import type { OperationVariables, TypedDocumentNode } from "@apollo/client";
import { useApolloClient } from "@apollo/client/react";
import { useRef, useState } from "react";

import type { UserError } from "./errors";

const payloadOf = <Data extends MutationData>(data: unknown) => Object.values(data as Data)[0] as Data[keyof Data];

/** The data of a document with one mutation, whose payload has `userErrors`. */
type MutationData = Record<string, { userErrors: UserError[] }>;
type InputVariables = OperationVariables & { input: { idempotencyKey?: string | null } };

interface Options {
  /** The names of the queries whose lists the mutation changes. */
  refetchQueries?: string[];
}

/**
 * Return a function that submits an input, and the outcome of the last submission: the rules that the input violates, or
 * the error of a failed request. The function returns the payload, or null if nothing was changed.
 */
export function useSubmit<Data extends MutationData, Variables extends InputVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  { refetchQueries = [] }: Options = {},
) {
  const client = useApolloClient();
  const [errors, setErrors] = useState<UserError[]>([]);
  const [failure, setFailure] = useState<Error>();
  const [isPending, setIsPending] = useState(false);
  // The idempotency keys of the inputs that have not succeeded yet. If a response is lost, the mutation may have been
  // applied: the same input is then sent with the same key, so that it is applied once. Another input, or the same one
  // after a success, is another intent and gets a new key.
  const keys = useRef<Record<string, string>>({});

  async function submit(input: Variables["input"]): Promise<Data[keyof Data] | null> {
    const text = JSON.stringify(input);
    const idempotencyKey = (keys.current[text] ??= crypto.randomUUID());
    const variables = { input: { ...input, idempotencyKey } } as Variables;
    setIsPending(true);
    setFailure(undefined);
    try {
      const { data } = await client.mutate<Data, Variables>({
        mutation,
        variables,
        // A refusal changed nothing. Its messages stay, because no list drops the item whose form shows them.
        refetchQueries: (result) => (payloadOf<Data>(result.data!).userErrors.length > 0 ? [] : refetchQueries),
      });
      const payload = payloadOf<Data>(data!);
      setErrors(payload.userErrors);
      if (payload.userErrors.length > 0) {
        return null;
      }
      delete keys.current[text];
      return payload;
    } catch (error) {
      setErrors([]);
      setFailure(error as Error);
      return null;
    } finally {
      setIsPending(false);
    }
  }

  return { submit, errors, failure, isPending, clearErrors: () => setErrors([]) };
}
