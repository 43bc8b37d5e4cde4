// HR's open enrollment: the employer's plan years, one of them in detail, and the life events to review.
import "./page.css";

import { useQuery } from "@apollo/client/react";
import { useEffect, useState } from "react";

import { Loaded } from "../common/loaded";
import { graphql } from "../generated";
import { LifeEvents } from "./life-events";
import { PlanYearDetails } from "./plan-year";
import { PlanYearList, sortPlanYears } from "./plan-years";

const HR = graphql(`
  query HrPage {
    viewer {
      employer {
        id
        name
        planYears(first: 50) {
          nodes {
            ...PlanYearSummary
          }
        }
      }
    }
    qualifyingLifeEvents(filter: { status: PENDING }, first: 50) {
      totalCount
      nodes {
        ...LifeEventToReview
      }
    }
  }
`);

export function HrPage() {
  const selectedId = usePlanYearIdOfAddress();
  return (
    <Loaded result={useQuery(HR)}>
      {({ viewer: { employer }, qualifyingLifeEvents }) => {
        const planYears = sortPlanYears(employer!.planYears.nodes);
        const selected = planYears.find(({ id }) => id === selectedId) ?? planYears[0];
        return (
          <div className="hr">
            <h1>Open enrollment at {employer!.name}</h1>
            <p className="lead">
              <ToReview count={qualifyingLifeEvents.totalCount} />
            </p>
            <div className="plan-years">
              <PlanYearList planYears={planYears} selectedId={selected?.id} />
              {/* The key gives each plan year its own state, so that no dialog or message of another one remains. */}
              {selected && <PlanYearDetails key={selected.id} planYear={selected} isChosen={selected.id === selectedId} />}
            </div>
            <LifeEvents lifeEvents={qualifyingLifeEvents.nodes} />
          </div>
        );
      }}
    </Loaded>
  );
}

function ToReview({ count }: { count: number }) {
  if (count === 0) {
    return "No life events to review.";
  }
  return <a href="#life-events">{count === 1 ? "1 life event to review" : `${count} life events to review`}</a>;
}

// The address names the selected plan year, so that it can be linked to and the Back button works.
function usePlanYearIdOfAddress() {
  const [id, setId] = useState(location.hash.slice(1));
  useEffect(() => {
    const onChange = () => {
      if (location.hash.startsWith("#plyr_")) {
        setId(location.hash.slice(1)); // other links lead to a place on the page, and keep the plan year
      }
    };
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return id;
}
