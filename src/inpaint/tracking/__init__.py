"""What is kept of trainings: MLflow's runs, one for each, its registry, and DVC's experiments.

Nothing else imports MLflow. The disk comes first: what a run holds can be made again from the files
of the pipeline, and no result depends on a server: ``live`` shows a training while it goes on,
``sync`` brings a run to what the files say, ``runs`` reads the store for people.
"""
