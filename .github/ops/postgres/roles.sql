-- Create the roles and the database of a gateway, as a superuser. Passwords come from the environment:
--
--   OWNER_PASSWORD=… GATEWAY_PASSWORD=… psql -f roles.sql
--
-- benegraph_owner owns the tables and runs the migrations. The gateway connects as the role gateway, which owns nothing
-- and is subject to row-level security. Its rights come from benegraph_app, to which the migrations grant them.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv gateway_password GATEWAY_PASSWORD

CREATE ROLE benegraph_app NOLOGIN;
CREATE ROLE benegraph_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE gateway LOGIN PASSWORD :'gateway_password' IN ROLE benegraph_app;

CREATE DATABASE benefits OWNER benegraph_owner;
REVOKE ALL ON DATABASE benefits FROM PUBLIC;
GRANT CONNECT ON DATABASE benefits TO gateway;
