"""Typed form of the two kinds of file a project is made of: connections in resources/, syncs in assets/."""

from pullpush_dagster.config.connection import Connection
from pullpush_dagster.config.project import Project
from pullpush_dagster.config.sync import Pull, Push

__all__ = ["Connection", "Project", "Pull", "Push"]
