// A failed request: the reason, and a way to try again.
import { CombinedGraphQLErrors, ServerError } from "@apollo/client";

export function Failure({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <div className="failure" role="alert">
      <p>{describeFailure(error)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

// The gateway's own messages are written for people. Without an answer, there is only the network's failure.
function describeFailure(error: Error): string {
  if (CombinedGraphQLErrors.is(error)) {
    return error.errors.map(({ message }) => message).join(" ");
  }
  if (ServerError.is(error)) {
    return `The gateway answered with status ${error.statusCode}.`;
  }
  return error instanceof TypeError ? "The gateway did not respond." : error.message;
}
