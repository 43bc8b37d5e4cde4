# The gateway without the embedded PostgreSQL. DATABASE_URL names a PostgreSQL 15 or newer.
#
#   docker run --rm -e MIGRATION_DATABASE_URL=… benegraph migrate
#   docker run -p 8000:8000 -e DATABASE_URL=… benegraph

FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv
WORKDIR /build
COPY pyproject.toml README.md ./
COPY .ci .ci
COPY src src
# Building the wheel bundles the pages with Node, which is a requirement of the build only and not part of the image.
RUN uv venv --python /usr/local/bin/python /opt/benegraph \
 && uv pip install --python /opt/benegraph/bin/python --no-cache --compile-bytecode \
    --constraint .ci/constraints.txt --build-constraint .ci/constraints.txt '.[otel]'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin benegraph
COPY --from=build /opt/benegraph /opt/benegraph
ENV PATH=/opt/benegraph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BENEGRAPH_HOST=0.0.0.0 \
    BENEGRAPH_PORT=8000
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"BENEGRAPH_PORT\"]}/livez', timeout=4)"]
ENTRYPOINT ["benegraph"]
CMD ["serve"]
