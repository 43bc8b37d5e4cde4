// HR's open enrollment.
import { useQuery } from "@apollo/client/react";

import { Loaded } from "../common/loaded";
import { graphql } from "../generated";

const HR = graphql(`
  query HrPage {
    viewer {
      employer {
        id
        name
      }
    }
  }
`);

export function HrPage() {
  return <Loaded result={useQuery(HR)}>{({ viewer }) => <h1>{viewer.employer?.name}</h1>}</Loaded>;
}
