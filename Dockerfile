FROM python:3.13-slim
WORKDIR /crible
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
 && useradd --system --no-create-home crible
USER crible
WORKDIR /tmp
ENTRYPOINT ["crible"]
