"""All of MLflow: one run per training run. Nothing else imports it.

The disk comes first: what a run holds can be made again from the files of the pipeline, so that no
result depends on a server. ``live`` shows a training while it goes on, ``sync`` brings a run to
what the files say, ``runs`` reads the store for people.
"""
