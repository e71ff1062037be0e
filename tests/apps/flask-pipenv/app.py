"""Says hello with a locked Flask."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return "hello\n"
