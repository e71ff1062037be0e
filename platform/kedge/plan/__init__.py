"""Decisions: pure functions from what is observed and wanted to the steps to take.

No database, no containers, no clock of their own: everything comes in as values and goes out as
values, so that what is hard is tested in milliseconds. Doing the steps belongs to `loops`.
"""
