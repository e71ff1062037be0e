# Kedge as one image, for every service of docker-compose.yml. `docker compose up` builds it; so does
# `bin/image`, on machines with certificates of their own.
#
# The base is the image dynos run in, which `kedge stack:build` makes of Debian's packages: no image
# registry is needed, and its layers are on the machine already. Any Debian does:
# `docker compose build --build-arg BASE=debian:trixie-slim`.
ARG BASE=kedge/run:kedge-13
FROM ${BASE}
USER root
ENV PATH=/opt/kedge/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# No service starts while packages are unpacked, and no database cluster is made. PostgreSQL's just-in-time
# compiler, which Kedge turns off, would take 150 MB. No iptables: the dyno network's firewall is set
# by the host's own, through the engine. The account's number is written into the volume: never change it.
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \
 && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update -q \
 && apt-get install -yq --no-install-recommends ca-certificates curl git haproxy openssl postgresql python3-venv redis-server \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /usr/lib/*/libLLVM* /usr/lib/*/libz3.so* \
 && useradd --system --uid 5432 --user-group --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin kedge-postgres \
 && install -d -m 700 /var/lib/kedge /var/lib/kedge/run \
 && install -d -m 700 -o kedge-postgres -g kedge-postgres \
      /var/lib/kedge-postgres /var/lib/kedge-postgres/postgres /var/lib/kedge/postgres

WORKDIR /opt/kedge
# First what changes seldom. A `ca.pem` beside this file is what the machine that builds trusts.
COPY pyproject.toml uv.lock ca.pe[m] ./
RUN if [ -s ca.pem ]; then export SSL_CERT_FILE=$PWD/ca.pem PIP_CERT=$PWD/ca.pem; fi \
 && python3 -m venv .venv \
 && .venv/bin/pip install -q --no-cache-dir "uv==$(sed -n '/^name = "uv"$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)" \
 && .venv/bin/uv sync -q --frozen --no-dev --no-cache --no-install-project --compile-bytecode --python .venv/bin/python
COPY . .
ENV PYTHONPATH=/opt/kedge/platform:/opt/kedge/router:/opt/kedge/addons KEDGE_HOME=/var/lib/kedge
RUN python -m compileall -q platform router addons \
 && printf '#!/bin/sh\nexec /opt/kedge/.venv/bin/python -m kedge.cli "$@"\n' > /usr/local/bin/kedge \
 && chmod 755 /usr/local/bin/kedge
ENTRYPOINT ["python", "-m", "kedge.home"]
