"use strict";
// Says its greeting (config var GREETING), its version (package.json) and its release.
const express = require("express");
const { version } = require("./package.json");

const app = express();
app.get("/", (_request, response) => {
  const greeting = process.env.GREETING || "Hello";
  const release = process.env.RELEASE || process.env.HEROKU_RELEASE_VERSION || "none";
  response.type("text").send(`${greeting} version=${version} release=${release} node=${process.version}\n`);
});

const server = app.listen(process.env.PORT || 5000);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
