"""The service `objectstore`: an S3 API of its own for each add-on, with rclone behind HAProxy.

Here belong its plans and life, the configuration of both servers, and the pages to look at what is
in it; `inside/` is what runs in the container beside them. Not here: an S3 server of ours.
"""
