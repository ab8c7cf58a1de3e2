"""When nobody is told: maintenance, silences, deployments."""
