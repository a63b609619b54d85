"""What ``dg scaffold defs`` writes: a small file that says what to fill in. A new sync only plans."""

from typing import Any

from dagster.components import Scaffolder, ScaffoldRequest

_PULL = """\
type: {type}
attributes:
  connection: erp                               # a file in resources/
  entity: stocklevel                            # stocklevel, order, product, contact, call or invoice
  every: 15m
  # partitions: {{by: locationId, values: [WH]}}  # or {{by: day, start: 2026-01-01}}
"""
_PUSH = """\
type: {type}
attributes:
  name: {name}
  from: erp/stocklevel                          # a pull, or a list of pulls
  to: shop                                      # a connection
  # only: {{locationId: [WH]}}
  # translate: {{locationId: {{WH: default}}}}
  mode: shadow                                  # plans and sends nothing; `pullpush plan {name}`, then: live
"""


def _write(request: ScaffoldRequest[Any], text: str) -> None:
    file = request.target_path / "defs.yaml"
    before = file.read_text(encoding="utf-8") + "---\n" if request.append and file.exists() else ""
    file.write_text(before + text.format(type=request.type_name, name=request.target_path.name), encoding="utf-8")


class PullScaffolder(Scaffolder[Any]):
    """Writes a pull to fill in."""

    def scaffold(self, request: ScaffoldRequest[Any]) -> None:
        """Write the file."""
        _write(request, _PULL)


class PushScaffolder(Scaffolder[Any]):
    """Writes a push, named like its folder, in shadow mode."""

    def scaffold(self, request: ScaffoldRequest[Any]) -> None:
        """Write the file."""
        _write(request, _PUSH)
