// The rules that an input violates, each shown at the field that its path names.
export interface UserError {
  code: string;
  message: string;
  field?: string[] | null;
}

/** A path into the input, such as "elections.0.selectedPlanId". */
type Path = string;

/** Return the errors at this path and below it. */
export function errorsAt(errors: UserError[], path: Path): UserError[] {
  return errors.filter(({ field }) => field && isWithin(field.join("."), path));
}

/** Return the errors that no field of the form shows. They belong to the form as a whole. */
export function errorsElsewhere(errors: UserError[], paths: Path[]): UserError[] {
  return errors.filter(({ field }) => !field || !paths.some((path) => isWithin(field.join("."), path)));
}

function isWithin(field: Path, path: Path): boolean {
  return field === path || field.startsWith(`${path}.`);
}

/** Show errors. The field refers to them: `aria-describedby={id}` and `aria-invalid`. */
export function FieldErrors({ errors, id }: { errors: UserError[]; id?: string }) {
  if (errors.length === 0) {
    return null;
  }
  return (
    <div role="alert">
      <ul className="errors" id={id}>
        {errors.map(({ code, message }, index) => (
          <li key={index} data-code={code}>
            {message}
          </li>
        ))}
      </ul>
    </div>
  );
}
