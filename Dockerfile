# bondsim in a container: docker build -t bondsim . && docker run --rm bondsim run experiment/h2llm-llama3-8b-sharegpt
FROM debian:12 AS build
COPY . /src
WORKDIR /src
RUN apt-get update && tools/setup && cmake --preset release && cmake --build --preset release --target bondsim bondsim_mpi \
    && cd build/release && cpack -G DEB

FROM debian:12
COPY --from=build /src/build/release/bondsim_*.deb /tmp/
RUN apt-get update && apt-get install -y --no-install-recommends /tmp/bondsim_*.deb && rm -rf /tmp/bondsim_*.deb /var/lib/apt/lists/*
WORKDIR /work
ENTRYPOINT ["bondsim"]
CMD ["--help"]
