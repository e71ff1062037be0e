"""The frame of the providers' pages: layout, stylesheet, scripts, icons, errors in words.

Here belongs what the pages of every service share. Not here: the pages themselves, which each
service has in its own package, nor who may see them (`sign_in.py`).
"""
