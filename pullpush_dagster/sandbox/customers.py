"""The people who buy: one pool of addresses for every shop, some of whom the ERP knows as partners."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Customer:
    """One buyer as a shop's checkout knows them."""

    first: str
    last: str
    email: str
    city: str
    country: str
    company: str = ""
    phone: str = ""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


CUSTOMERS = (
    Customer("Anna", "Meyer", "anna.meyer@example.com", "Berlin", "DE", phone="+49 30 5550101"),
    Customer("Luca", "Bianchi", "luca.bianchi@example.org", "Milano", "IT"),
    Customer("Zoë", "O’Neill", "zoe.oneill@example.com", "Galway", "IE", phone="+353 91 555010"),
    Customer("Jürgen", "Groß", "jg@moebel.example", "Köln", "DE", company="Möbel Groß GmbH"),
    Customer("Marie", "Dubois", "marie.dubois@example.net", "Lyon", "FR"),
    Customer("Paweł", "Łuczak", "pawel@luczak.example", "Łódź", "PL", company="Łuczak Sp. z o.o."),
    Customer("Ines", "Duarte", "ines.duarte@example.com", "Porto", "PT"),
    Customer("Tom", "Hansen", "tom+shop@example.org", "Aarhus", "DK", phone="+45 55501010"),
    Customer("Eva", "Novák", "eva.novak@example.net", "Brno", "CZ"),
    Customer("Sam", "Taylor", "sam.taylor@example.com", "Leeds", "GB"),
    Customer("Nora", "Lind", "nora.lind@example.org", "Uppsala", "SE"),
    Customer("Kenji", "Mori", "kenji.mori@example.com", "Osaka", "JP", company="森商店"),
    Customer("Ada", "Weber", "ada.weber@example.net", "Wien", "AT"),
    Customer("Olga", "Petrova", "olga.petrova@example.com", "Sofia", "BG"),
    Customer("Ben", "Kaya", "ben.kaya@example.org", "Rotterdam", "NL"),
)
SHARED = Customer("Office", "Double", "office@double.example", "Gent", "BE", company="Double BV")
"""The buyer whose e-mail stands on two of the ERP's partners."""
KNOWN = CUSTOMERS[:8]
"""Those of the pool that the ERP has as partners."""
