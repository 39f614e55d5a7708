"""Serving a model with LMDeploy: what to launch, whether it can work, and starting, watching and stopping it."""
