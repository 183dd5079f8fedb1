# bondsim in a container: docker build -t bondsim . && docker run --rm bondsim run h2llm-llama3-8b-sharegpt
# The second stage has the two packages and what they need, no compiler.
FROM debian:12 AS build
COPY . /src
WORKDIR /src
RUN apt-get update && tools/package

FROM debian:12-slim
COPY --from=build /src/build/release/*.deb /tmp/
RUN apt-get update && apt-get install -y --no-install-recommends /tmp/*.deb && rm -rf /tmp/*.deb /var/lib/apt/lists/*
WORKDIR /work
ENTRYPOINT ["bondsim"]
CMD ["--help"]
