// The rules that an input violates, each shown at the field that its path names.
import { useEffect, useRef } from "react";

export interface UserError {
  code: string;
  message: string;
  field?: string[] | null;
}

/** Return the errors below a path such as "elections.0", with their fields relative to it. */
export function errorsBelow(errors: UserError[], path: string): UserError[] {
  const { length } = path.split(".");
  return errorsAt(errors, path).map((error) => ({ ...error, field: error.field?.slice(length) }));
}

/** Return the errors at a path and below it. */
export function errorsAt(errors: UserError[], path: string): UserError[] {
  return errors.filter(({ field }) => isWithin(field, path));
}

/** Return the errors at none of these paths: the form shows them as its own. */
export function errorsElsewhere(errors: UserError[], paths: string[]): UserError[] {
  return errors.filter(({ field }) => !paths.some((path) => isWithin(field, path)));
}

function isWithin(field: UserError["field"], path: string): boolean {
  return `${field?.join(".")}.`.startsWith(`${path}.`);
}

/** Show errors. The field refers to them: `aria-describedby={id}` and `aria-invalid`. */
export function FieldErrors({ errors, id }: { errors: UserError[]; id?: string }) {
  if (errors.length === 0) {
    return null;
  }
  return (
    <div className="errors" id={id} role="alert" tabIndex={-1}>
      {errors.map(({ code, message }, index) => (
        <p key={index} data-code={code}>
          {message}
        </p>
      ))}
    </div>
  );
}

/** Return a ref for a form. After a refusal, the focus moves to the first error within it. */
export function useErrorFocus<Form extends HTMLElement>(errors: UserError[]) {
  const form = useRef<Form>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>(".errors")?.focus(), [errors]);
  return form;
}
