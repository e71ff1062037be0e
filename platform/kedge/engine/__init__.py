"""The outside world: containers, router, git, files, logs, each behind a protocol.

`protocols.py` says what the rest of Kedge may ask of them; the modules beside it are the real
ones, `fakes.py` the ones for unit tests, held to the same contract tests. Concrete engines are
bound in `services.py` only. Not here: rules and decisions (`plan`), rows (`model`).
"""
