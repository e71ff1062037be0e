"use strict";
// Shows that the dependency is there, and what the build script wrote with a development dependency.
const fs = require("fs");
const http = require("http");
const ms = require("ms");

http
  .createServer((_request, response) => response.end(`${ms("2s")} ${fs.readFileSync("built.txt")}`))
  .listen(process.env.PORT || 5000);
