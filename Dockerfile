# syntax=docker/dockerfile:1
#
#   docker build -t guard .                                  JIT, on the ASP.NET runtime
#   docker build -t guard --build-arg FLAVOR=aot .           one native binary: half the memory, starts in milliseconds, 1.5 × the CPU per request
#   docker run -p 6420:6420 guard
#
# The images have no shell and run as a user without rights, so there is no HEALTHCHECK: let the orchestrator ask /healthz and /readyz
# on a Health endpoint (Kestrel__Endpoints__Health__Url=http://0.0.0.0:6422). The control endpoint listens on the container's loopback
# only, until Guard__Control__Token and Kestrel__Endpoints__Control__Url are set.
ARG FLAVOR=jit

# Restoring is a layer of its own: it changes only with these files, not with the source.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS restore
WORKDIR /src
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src/Directory.Build.props src/
COPY src/Guard.Model/Guard.Model.csproj src/Guard.Model/
COPY src/Guard.Storage.Memory/Guard.Storage.Memory.csproj src/Guard.Storage.Memory/
COPY src/Guard.Storage.Redis/Guard.Storage.Redis.csproj src/Guard.Storage.Redis/
COPY src/Guard.Core/Guard.Core.csproj src/Guard.Core/
COPY src/Guard/Guard.csproj src/Guard/
# For this machine's kind: the compiler that works ahead comes with the packages.
RUN dotnet restore src/Guard/Guard.csproj --use-current-runtime

FROM restore AS publish-jit
ARG COMMIT=unknown
COPY src/ src/
RUN dotnet publish src/Guard/Guard.csproj -c Release --no-restore -o /app -p:UseAppHost=false -p:SourceRevisionId="$COMMIT"

FROM restore AS publish-aot
ARG COMMIT=unknown
RUN apt-get update \
    && apt-get install -y --no-install-recommends clang zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
COPY src/ src/
RUN dotnet publish src/Guard/Guard.csproj -c Release -o /app -p:PublishAot=true -p:SourceRevisionId="$COMMIT" \
    && rm -f /app/*.dbg

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled AS runtime-jit
COPY --from=publish-jit /app /app
ENTRYPOINT ["dotnet", "/app/guard.dll"]

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled AS runtime-aot
COPY --from=publish-aot /app /app
ENTRYPOINT ["/app/guard"]

FROM runtime-${FLAVOR} AS final
WORKDIR /app
# The base image asks for port 8080; Guard's addresses are its own endpoints.
ENV ASPNETCORE_HTTP_PORTS="" \
    DOTNET_ENVIRONMENT=Production
# The app user of the chiseled images; as a number, so that an orchestrator can see that it is not root.
USER 1654
EXPOSE 6420
