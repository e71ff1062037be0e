"""Programs that run in an inbox's container: Python's library and aiosmtpd, nothing else of ours.

They are written below /data when the container starts: `server.py` takes letters, `letters.py`
keeps them, `reading.py` takes them apart, `asked.py` answers the provider. What somebody sent is
taken apart here alone, within the container's limits.
"""
