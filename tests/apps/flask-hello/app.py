"""Says its greeting (config var GREETING), its version (file VERSION) and its release."""

import os
import time
from pathlib import Path

from flask import Flask, request

VERSION = Path(__file__).with_name("VERSION").read_text().strip()

app = Flask(__name__)


@app.get("/")
def hello():
    greeting = os.environ.get("GREETING", "Hello")
    release = os.environ.get("RELEASE") or os.environ.get("HEROKU_RELEASE_VERSION", "none")
    return f"{greeting} version={VERSION} release={release} dyno={os.environ.get('DYNO')}\n"


@app.get("/slow")
def slow():
    time.sleep(float(request.args.get("seconds", "1")))
    return f"slow version={VERSION}\n"


@app.post("/echo")
def echo():
    return request.get_data()
