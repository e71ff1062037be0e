"""The service `scheduler`: commands of an app run by the clock, as one-off dynos.

Here belong jobs and their schedules, the decision which runs are due, missed or skipped, the runs
themselves with their history, and the pages to look at all that.
Not here: how a dyno runs. The platform does that, asked over its API with the add-on's token.
"""
