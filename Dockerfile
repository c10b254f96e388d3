# syntax=docker/dockerfile:1
# Builds the wheel, installs it with what requirements.txt pins, and runs `hookgram serve` as nobody in particular.
# The tests replay these steps without Docker (tests/deploy/dockerfile.py): it knows FROM, COPY, RUN, ENV, WORKDIR.

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv --without-pip /build/tools && python -m venv --without-pip /opt/hookgram
COPY requirements.txt requirements-build.txt ./
RUN python -m pip --python /build/tools install --require-hashes --only-binary :all: -r requirements-build.txt \
 && python -m pip --python /opt/hookgram install --require-hashes --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE hookgram.example.toml hookgram.schema.json ./
COPY src ./src
RUN python -m pip --python /build/tools wheel --no-build-isolation --no-deps --wheel-dir dist . \
 && python -m pip --python /opt/hookgram install --no-index --no-deps dist/*.whl

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="hookgram" \
      org.opencontainers.image.description="The gateway in front of a Telegram bot" \
      org.opencontainers.image.licenses="MIT"
# Everybody may write into /data, as into /tmp, so that any --user works with a new volume; the files there are 0600.
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin hookgram \
 && install -d -m 1777 /data
COPY --from=build /opt/hookgram /opt/hookgram
COPY deploy/healthcheck.py /opt/hookgram/healthcheck.py
ENV PATH=/opt/hookgram/bin:$PATH PYTHONDONTWRITEBYTECODE=1 SQLITE_PATH=/data/events.db
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["python", "-I", "-S", "/opt/hookgram/healthcheck.py"]
CMD ["hookgram", "serve"]
