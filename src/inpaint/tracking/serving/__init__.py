"""What answers requests to a model: MLflow's server, behind limits on what it reads."""
