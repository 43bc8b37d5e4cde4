// PostGraphile 5 as its documentation recommends: the Amber preset, the tenant in `pgSettings`, without its explorer.
import { createServer } from "node:http";

import { grafserv } from "postgraphile/grafserv/node";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { postgraphile } from "postgraphile";

const [, , connectionString, connections] = process.argv;

const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString,
      schemas: ["public"],
      pubsub: false,
      poolConfig: { max: Number(connections), idleTimeoutMillis: 0, application_name: "postgraphile" },
    }),
  ],
  gather: { installWatchFixtures: false },
  grafserv: { watch: false, graphiql: false, websockets: false },
  grafast: {
    explain: false,
    context: (request) => ({ pgSettings: { "app.tenant": request.node.req.headers["x-tenant"] } }),
  },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
