# One image for what the profile `local` puts in the place of RDS, ElastiCache, AWS and SES. For a developer's machine and
# `make test-compose` only.
FROM debian:trixie-slim AS python
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -q update && apt-get -q install -y --no-install-recommends ca-certificates python3 python3-venv
COPY local/requirements.lock /
RUN python3 -m venv /venv && /venv/bin/pip install -q --no-cache-dir --no-deps --require-hashes -r /requirements.lock

FROM debian:trixie-slim
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -q update \
    && apt-get -q install -y --no-install-recommends curl jq mariadb-client mariadb-server openssl python3 redis-server \
    && rm -rf /var/lib/apt/lists/* /var/lib/mysql \
    && groupadd --gid 10001 local \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin local \
    && install -d -o 10001 -g 10001 /state /certs
COPY --from=python /venv /venv
COPY local /app/local
COPY docker/local /app/docker/local
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin PYTHONPATH=/app/local PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
# Each service names its command and its check.
HEALTHCHECK NONE
