# The image of workers and gateways, for amd64 and arm64: compiled on whatever machine builds it, never emulated.
#
#   docker buildx build --platform linux/arm64 --build-arg REVISION=$(git rev-parse HEAD) --tag system-bus .
#
# The same sources make the same files: the compiler is pinned, dependencies are locked, and paths are those in here. For the same
# image give the time too: SOURCE_DATE_EPOCH for buildx (with rewrite-timestamp=true), --timestamp for buildah.
ARG RUST=docker.io/library/rust:1.95.0-slim-bookworm
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM --platform=$BUILDPLATFORM ${RUST} AS build
ARG BUILDARCH
ARG TARGETARCH
# A C compiler for the machine that builds, and one for the machine that the image is for: one dependency is partly C.
RUN packages="gcc libc6-dev"; \
    if [ "$TARGETARCH" != "$BUILDARCH" ]; then \
      case "$TARGETARCH" in \
        arm64) packages="$packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;; \
        amd64) packages="$packages gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;; \
      esac; \
    fi; \
    if ! command -v cc >/dev/null || [ "$TARGETARCH" != "$BUILDARCH" ]; then \
      apt-get update && apt-get install -y --no-install-recommends $packages && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /src
COPY rust-toolchain.toml ./
RUN case "$TARGETARCH" in \
      amd64) echo x86_64-unknown-linux-gnu ;; \
      arm64) echo aarch64-unknown-linux-gnu ;; \
      *) echo "there is no image for $TARGETARCH" >&2; exit 1 ;; \
    esac > /target && rustup target add wasm32-wasip2 "$(cat /target)"
COPY . .
# What Cargo says at each start.
ARG REVISION
ENV CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never SYSTEM_BUS_REVISION=${REVISION} \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc
# Dependencies are compiled once: the caches outlive this step, and nothing else of it but the two results.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/cache \
    native="$(rustc -vV | sed -n 's/^host: //p')"; target="$(cat /target)"; \
    if [ "$target" = "$native" ]; then \
      unset CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER CC_aarch64_unknown_linux_gnu; \
    fi; \
    export CARGO_TARGET_DIR=/cache && mkdir -p /out/bin /out/components \
    && cargo build --release --locked --package system-bus --target "$target" \
    && strip="$(command -v "${target%%-*}-linux-gnu-strip" || echo strip)" \
    && "$strip" -o /out/bin/system-bus "/cache/$target/release/system-bus" \
    && cargo run --release --locked --package system-bus --target "$native" -- build --out /out/components

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION
LABEL org.opencontainers.image.title="system-bus" \
      org.opencontainers.image.description="A worker for the Inngest durable-execution server whose functions are WebAssembly components" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/bin/system-bus /usr/local/bin/system-bus
# Or mounted over, for whom components are published apart.
COPY --from=build /out/components /components
# Whoever runs it mounts what it writes to: /versions and /var/lib/system-bus of a worker, /spool of a gateway. The root stays as it is.
ENV WORKER_ROLE=cluster \
    SYSTEM_BUS_COMPONENTS=/components \
    SYSTEM_BUS_VERSIONS=/versions \
    SYSTEM_BUS_CACHE=/var/lib/system-bus/cache \
    SYSTEM_BUS_RECORDS=/var/lib/system-bus/records \
    SYSTEM_BUS_SPOOL=/spool \
    SYSTEM_BUS_LISTEN=0.0.0.0:3111 \
    SYSTEM_BUS_GATEWAY_LISTEN=0.0.0.0:3113
USER 1000:1000
EXPOSE 3111 3113
ENTRYPOINT ["/usr/local/bin/system-bus"]
CMD ["worker"]
