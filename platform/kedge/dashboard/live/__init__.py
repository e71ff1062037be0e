"""What makes pages live: server-sent events with the parts that changed.

One subscription to the wakes for each process (`hub`), whoever looks. What many look at is made
once (`Watch`): the regions of a page (`regions`), an output as it grows (`output`). Each open page
holds one stream (`stream`), which sends what its reader has not seen. Not here: what pages show.
"""
