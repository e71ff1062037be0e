# The control plane as an image; `bin/image` builds it. It stands on the image dynos run in, which
# `kedge stack:build` makes out of Debian packages, so no image registry is needed.
ARG BASE=kedge/run:kedge-13
FROM ${BASE}
USER root
ENV PATH=/opt/kedge/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# No iptables here: the dyno network's firewall is set by the host's own, through the engine.
# No service starts while packages are unpacked, and no database cluster is made.
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \
 && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update -q \
 && apt-get install -yq --no-install-recommends postgresql redis-server haproxy git python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --user-group --no-create-home --shell /usr/sbin/nologin kedge-postgres
WORKDIR /opt/kedge
# First what changes seldom. `ca.pem` is what the machine that builds trusts (empty for the usual).
COPY pyproject.toml uv.lock README.md ca.pem ./
RUN if [ -s ca.pem ]; then export SSL_CERT_FILE=$PWD/ca.pem PIP_CERT=$PWD/ca.pem; fi \
 && python3 -m venv .venv \
 && .venv/bin/pip install -q "uv==$(sed -n '/^name = "uv"$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)" \
 && .venv/bin/uv sync -q --frozen --no-dev --no-install-project --python .venv/bin/python
COPY . .
ENV PYTHONPATH=/opt/kedge/platform:/opt/kedge/router:/opt/kedge/addons
ENTRYPOINT ["python", "-m", "kedge.home"]
