# syntax=docker/dockerfile:1
# Burnish as a container: not root, and the root file system may be read-only; see compose.yaml and docs/operations.md.
#
#   docker build -t burnish .
#
# On Linux the ordinary torch package brings CUDA along (several GB). For the CPU build hand pip the option that
# pytorch.org names: --build-arg PIP_ARGS="..."

FROM python:3.11-slim AS build
ARG PIP_ARGS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
RUN python -m venv /opt/burnish
# before the program, so that a change of it does not install these again
COPY requirements/run.txt requirements/run.txt
# hadolint ignore=SC2086
RUN /opt/burnish/bin/pip install ${PIP_ARGS} -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY bot bot
COPY examples examples
COPY knowledge knowledge
COPY training training
# hadolint ignore=SC2086
RUN /opt/burnish/bin/pip install ${PIP_ARGS} --no-deps ".[postgres]" && /opt/burnish/bin/pip check

FROM python:3.11-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/burnish burnish \
    && install -d -o burnish -g burnish -m 0700 /var/lib/burnish /var/cache/burnish
COPY --from=build /opt/burnish /opt/burnish
# Within a container everything listens to all addresses; which of them others reach is for `ports` to say. So the chat
# page asks who it is.
ENV PATH=/opt/burnish/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    BURNISH_HOME=/var/lib/burnish \
    BURNISH_CACHE=/var/cache/burnish \
    BURNISH_SERVE__LISTEN=0.0.0.0:8765 \
    BURNISH_WEB__ACCESS=login
USER 10001
VOLUME ["/var/lib/burnish", "/var/cache/burnish"]
EXPOSE 8765
# the first start fetches the models
HEALTHCHECK --interval=30s --timeout=5s --start-period=15m --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
ENTRYPOINT ["burnish"]
CMD ["serve"]
