"""An installation on a machine: what `kedge up`, `down`, `status` and `doctor` do here.

Here belongs the life of the parts (start, watch, stop), the private servers, the certificates and
the checks of the machine. Not here: anything about apps, releases and dynos; those are rows and
loops of the parts themselves. `up.py` is the story, read it first; `commands.py` is the way in.
`kedge up` stays in memory for as long as Kedge runs, so what it imports is kept small.
"""
