"""The demo: every sync of the project, against the sandbox, through Dagster, compared at the end."""
