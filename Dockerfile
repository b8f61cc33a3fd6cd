# syntax=docker/dockerfile:1
# The image of run-job: Node, an init and dist/. No shell, no npm, no node_modules; one numeric user; nothing to be written to.
#
#   docker build -t run-job .            for this machine
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) …

ARG BUILDER=docker.io/library/node:24-trixie-slim
# Distroless: Debian's libraries with their package records, which scanners read, and nothing else. Rebuilt for every fix in Debian.
ARG BASE=gcr.io/distroless/nodejs24-debian13:nonroot

# The bundle is the same for every architecture, so it is made once, on the machine's own.
FROM --platform=$BUILDPLATFORM ${BUILDER} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY esbuild.config.ts ./
COPY deploy/build ./deploy/build
COPY src ./src
RUN node deploy/build/index.ts --bundles-only

# An init as process 1: the kernel shields process 1 from SIGKILL by its own children and threads, so that without one the watchdog
# could not end a process whose event loop is blocked. It also passes signals on and reaps zombies.
FROM ${BUILDER} AS init
RUN apt-get update -q && apt-get install -y -q --no-install-recommends tini

# What V8 makes of the code, so that no run compiles what never changes: for what runs load whoever runs it, and for commands by Node's
# own cache, which is taken with the same user id only. Either is good for one version of Node: so the final image's own Node makes it.
FROM ${BASE} AS warm
WORKDIR /app
COPY package.json ./
COPY --from=build --chown=65532:65532 /src/dist ./dist
COPY src/process/code-cache.ts ./src/process/
COPY deploy/build/code-cache.ts ./deploy/build/
COPY deploy/image/warm-up.ts ./deploy/image/
USER 65532:65532
RUN ["/nodejs/bin/node", "--random-seed=1", "deploy/build/code-cache.ts"]
RUN ["/nodejs/bin/node", "deploy/image/warm-up.ts"]

FROM ${BASE}
WORKDIR /app
COPY --from=init /usr/bin/tini-static /sbin/tini
COPY package.json LICENSE ./
COPY --from=build /src/dist ./dist
COPY --from=warm --chown=0:0 /app/dist/code-cache ./dist/code-cache
COPY --from=warm --chown=65532:65532 /app/dist/.compile-cache ./dist/.compile-cache
USER 65532:65532
ENV NODE_ENV=production
ENTRYPOINT ["/sbin/tini", "--", "/nodejs/bin/node", "/app/dist/run-job.js"]
CMD ["--help"]

ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=
LABEL org.opencontainers.image.title="run-job" \
      org.opencontainers.image.description="The one-shot job runner for Kubernetes CronJobs" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="gcr.io/distroless/nodejs24-debian13:nonroot"
