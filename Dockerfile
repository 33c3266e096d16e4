# The gateway alone, for a database and a Redis that run elsewhere: see compose.yaml.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The `node` package brings Node 24 to machines that have an older one; this image is Node 24.
RUN npm ci --omit=dev && rm -rf node_modules/node node_modules/.bin/node
COPY . .
RUN node scripts/build-validators.ts && rm -rf scripts

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
WORKDIR /app
# Owned by root: the gateway cannot change its own code, and it writes nothing to disk.
COPY --from=build /app ./
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: node gets the signals itself.
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["serve"]
