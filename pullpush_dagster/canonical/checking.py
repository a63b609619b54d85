"""Check a frame's values by pandera: one schema per entity."""

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
from pandera.errors import SchemaErrors

from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.types import Scalar
from pullpush_dagster.errors import RejectError

_DTYPES = {
    "text": arrow.large_string(),
    "json": arrow.large_string(),
    "decimal": arrow.decimal128(18, 4),
    "integer": arrow.int64(),
    "instant": arrow.timestamp("us", tz="UTC"),
}


def schema_of(entity: Entity) -> pa.DataFrameSchema:
    """The pandera schema of ``entity``'s scalar fields; nested ones are typed by the projection itself."""
    columns = {
        name: pa.Column(pd.ArrowDtype(_DTYPES[type_.kind]), _checks(entity, name), nullable=name not in entity.key)
        for name, type_ in entity.fields.items()
        if isinstance(type_, Scalar)
    }
    return pa.DataFrameSchema(columns, name=entity.name)


def failures(entity: Entity, rows: arrow.Table) -> arrow.Table:
    """(``_id``, ``reason``) for every failed check. A wrong dtype is our own fault and fails the whole pull."""
    ids: list[int] = []
    reasons: list[str] = []
    schema = schema_of(entity)
    data = rows.select(["_id", *schema.columns]).to_pandas(types_mapper=pd.ArrowDtype)
    try:
        schema.validate(data, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        if cases["index"].isna().any():
            first = cases[cases["index"].isna()].iloc[0]
            raise RejectError(f"{first['column']}: {first['check']}", entity=entity.name) from None
        ids = data["_id"].iloc[cases["index"].astype(int)].tolist()
        reasons = (cases["column"].astype(str) + ": " + cases["check"].astype(str)).tolist()
    return arrow.table({"_id": arrow.array(ids, arrow.int64()), "reason": arrow.array(reasons, arrow.string())})


def _checks(entity: Entity, name: str) -> list[pa.Check]:
    return [getattr(pa.Check, one.name)(**one.arguments, error=one.error) for one in entity.checks.get(name, [])]
