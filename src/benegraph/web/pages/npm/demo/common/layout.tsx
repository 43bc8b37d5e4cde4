// The frame of both pages: the navigation between them, and the page's content.
import type { ReactNode } from "react";

interface Properties {
  pages: { path: string; title: string }[];
  current: string;
  children: ReactNode;
}

// The links load a new document: the other page acts for another viewer, with a client of its own.
export function Layout({ pages, current, children }: Properties) {
  return (
    <>
      <header className="bar">
        <a className="brand" href="/">
          benegraph
        </a>
        <nav aria-label="Demo">
          {pages.map(({ path, title }) => (
            <a key={path} href={path} aria-current={path === current ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main>{children}</main>
    </>
  );
}
