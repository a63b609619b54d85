"""A living system on this machine: stand-ins for every connection, Dagster beside them, and commands to steer both."""
