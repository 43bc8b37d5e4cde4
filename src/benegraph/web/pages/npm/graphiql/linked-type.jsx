// Opens the documentation of the type that the URL's fragment names, as in /graphiql#Employee.
import { DOC_EXPLORER_PLUGIN, useDocExplorerActions } from "@graphiql/plugin-doc-explorer";
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect } from "react";

export function LinkedType() {
  const schema = useGraphiQL(({ schema }) => schema);
  const { setVisiblePlugin } = useGraphiQLActions();
  const { push } = useDocExplorerActions();
  useEffect(() => {
    const type = schema?.getType(location.hash.slice(1));
    if (type) {
      setVisiblePlugin(DOC_EXPLORER_PLUGIN);
      push({ name: type.name, def: type });
    }
  }, [schema, setVisiblePlugin, push]);
  return null;
}
