// Maya's election.
import { useQuery } from "@apollo/client/react";

import { Loaded } from "../common/loaded";
import { graphql } from "../generated";

const MAYA = graphql(`
  query MayaPage {
    viewer {
      employee {
        id
        firstName
        lastName
      }
    }
  }
`);

export function MayaPage() {
  return (
    <Loaded result={useQuery(MAYA)}>
      {({ viewer }) => (
        <h1>
          {viewer.employee?.firstName} {viewer.employee?.lastName}
        </h1>
      )}
    </Loaded>
  );
}
