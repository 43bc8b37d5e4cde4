// Maya's election: one query reads everything but the past coverage; the sections below divide it among them.
import "./page.css";

import { useQuery } from "@apollo/client/react";
import { useRef, useState } from "react";

import { ageOn, formatCode, formatDate } from "../common/format";
import { Loaded } from "../common/loaded";
import { graphql } from "../generated";
import type { MayaPageQuery } from "../generated/graphql";
import { Answers } from "./answers";
import { Coverage } from "./coverage";
import { ElectionForm } from "./election-form";
import { LifeEvents } from "./life-events";
import { PastCoverage } from "./past-coverage";

const MAYA_PAGE = graphql(`
  query MayaPage {
    viewer {
      employee {
        id
        firstName
        lastName
        employer {
          id
          name
          today
        }
        dependents {
          id
          firstName
          lastName
          dateOfBirth
          relationship
          active
        }
        qualifyingLifeEvents {
          ...LifeEventFields
        }
        enrollments(first: 50, filter: { status: [PENDING, ENROLLED, WAIVED] }) {
          nodes {
            ...EnrollmentFields
          }
        }
      }
    }
  }
`);

export type Employee = NonNullable<MayaPageQuery["viewer"]["employee"]>;

export function MayaPage() {
  const result = useQuery(MAYA_PAGE);
  return <Loaded result={result}>{({ viewer }) => viewer.employee && <Benefits employee={viewer.employee} />}</Loaded>;
}

// An election changes the status of its enrollment in the cache. That alone moves it from one section to another.
function Benefits({ employee }: { employee: Employee }) {
  const [notice, setNotice] = useState("");
  const noticeElement = useRef<HTMLParagraphElement>(null);
  const { today } = employee.employer;
  // The API returns the oldest enrollment first. Here, the benefits keep their order when one of them is replaced.
  const enrollments = employee.enrollments.nodes.toSorted((a, b) =>
    a.benefitProduct.id.localeCompare(b.benefitProduct.id),
  );
  const pending = enrollments.filter(({ status, electionWindow }) => status === "PENDING" && electionWindow.isOpen);
  const answered = enrollments.filter(({ status, electionWindow }) => status !== "PENDING" && electionWindow.isOpen);

  // The button that was pressed may be gone: the focus moves to the notice, from where the Tab key goes on.
  function announce(text: string) {
    setNotice(text);
    noticeElement.current?.focus();
  }

  return (
    <>
      <header className="person">
        <h1>
          {employee.firstName} {employee.lastName}
        </h1>
        <p>
          {employee.employer.name} · {formatDate(today)}
        </p>
        <Family employee={employee} />
      </header>
      <p className="notice" role="status" tabIndex={-1} ref={noticeElement}>
        {notice}
      </p>
      <ElectionForm employee={employee} pending={pending} onStored={announce} />
      <Answers answered={answered} onReopened={announce} />
      <Coverage enrollments={enrollments} />
      <LifeEvents employee={employee} onChanged={announce} />
      <PastCoverage />
    </>
  );
}

function Family({ employee: { dependents, employer } }: { employee: Employee }) {
  return (
    <ul className="family" aria-label="Family">
      {dependents
        .filter(({ active }) => active)
        .map(({ id, firstName, lastName, relationship, dateOfBirth }) => (
          <li key={id}>
            <strong>
              {firstName} {lastName}
            </strong>
            <span>
              {formatCode(relationship)}
              {dateOfBirth && `, ${ageOn(employer.today, dateOfBirth)}`}
            </span>
          </li>
        ))}
    </ul>
  );
}
