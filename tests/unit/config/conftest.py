"""Files of small projects."""

import pytest

from pullpush_dagster.config import Project

ERP = """\
connection: erp
connector: odoo
settings: {base_url: "http://erp.example"}
secrets: {api_key: ERP_API_KEY}
"""
SHOP = """\
connection: shop
connector: woocommerce
settings: {base_url: "https://shop.example"}
secrets: {key: SHOP_KEY, secret: SHOP_SECRET}
"""
PULL = """\
type: pullpush_dagster.Pull
attributes:
  connection: erp
  entity: stocklevel
  partitions: {by: locationId, values: [default]}
"""
PUSH = """\
type: pullpush_dagster.Push
attributes:
  name: stock_to_shop
  from: erp/stocklevel
  to: shop
"""


@pytest.fixture
def project(tmp_path):
    """Writes files, by default those of a project without a fault, and gives the project."""

    def write(*syncs, erp=ERP, shop=SHOP, **connectors):
        (tmp_path / "assets" / "stock").mkdir(parents=True)
        (tmp_path / "resources" / "connectors").mkdir(parents=True)
        (tmp_path / "assets" / "stock" / "defs.yaml").write_text("---\n".join(syncs or (PULL, PUSH)))
        (tmp_path / "resources" / "erp.yaml").write_text(erp)
        (tmp_path / "resources" / "shop.yaml").write_text(shop)
        for name, text in connectors.items():
            (tmp_path / "resources" / "connectors" / f"{name}.yaml").write_text(text)
        return Project.at(tmp_path)

    return write
