"""Who may ask: Basic over TLS, OAuth 1.0a over plain http (seen on WooCommerce 10.6)."""

import base64
import binascii
import hashlib
import hmac
import time
from urllib.parse import parse_qsl, quote, unquote

from starlette.requests import Request

from pullpush_dagster.sandbox.woocommerce.errors import WooError

WINDOW = 900
HASHES = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}
VERBS = {"GET": "view", "POST": "create", "PUT": "edit", "PATCH": "edit", "DELETE": "delete"}


class Auth:
    """Checks requests against one consumer key and secret, and remembers the nonces it has seen."""

    def __init__(self, key: str, secret: str) -> None:
        self.key = key
        self.secret = secret
        self.nonces: dict[tuple[str, str], float] = {}

    def check(self, request: Request) -> None:
        """Lets the request pass or refuses it.

        A wrong key is refused in the same words as none, and so is Basic over plain http.

        Raises:
            WooError: 401.
        """
        if request.url.scheme == "https" and self._basic(request):
            return
        signed = _oauth(request)
        if not hmac.compare_digest(signed.get("oauth_consumer_key", "").encode(), self.key.encode()):
            verb = "batch" if request.url.path.endswith("/batch") else VERBS.get(request.method, "view")
            reason = "list" if verb == "view" else verb
            raise WooError(f"woocommerce_rest_cannot_{verb}", f"Sorry, you cannot {reason} resources.", 401)
        self._verify(request, signed)

    def _basic(self, request: Request) -> bool:
        """Whether key and secret stand in the header or, as the shop also allows, in the query."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        pair = f"{request.query_params.get('consumer_key')}:{request.query_params.get('consumer_secret')}"
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(encoded).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
        return hmac.compare_digest(pair.encode(), f"{self.key}:{self.secret}".encode())

    def _verify(self, request: Request, signed: dict[str, str]) -> None:
        method = HASHES.get(signed.get("oauth_signature_method", ""))
        if method is None:
            raise _refused("Invalid signature - signature method is invalid.")
        wanted = hmac.new(f"{self.secret}&".encode(), _base_string(request, signed).encode(), method).digest()
        if not hmac.compare_digest(base64.b64encode(wanted), signed.get("oauth_signature", "").encode()):
            raise _refused("Invalid signature - provided signature does not match.")
        self._once(signed.get("oauth_timestamp", ""), signed.get("oauth_nonce", ""))

    def _once(self, stamp: str, nonce: str) -> None:
        """Refuses a stamp more than 15 minutes off and a nonce that was used."""
        now = time.time()
        if not stamp.isdigit() or abs(now - int(stamp)) > WINDOW:
            raise _refused("Invalid timestamp.")
        if (stamp, nonce) in self.nonces:
            raise _refused("Invalid nonce - nonce has already been used.")
        self.nonces[stamp, nonce] = now
        while self.nonces and now - self.nonces[oldest := next(iter(self.nonces))] > 2 * WINDOW:
            del self.nonces[oldest]


def _refused(reason: str) -> WooError:
    return WooError("woocommerce_rest_authentication_error", reason, 401)


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)


def _oauth(request: Request) -> dict[str, str]:
    """The ``oauth_*`` parameters, from the Authorization header or the query string."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "oauth":
        return {name: value for name, value in _query(request) if name.startswith("oauth_")}
    pairs = (part.strip().partition("=") for part in rest.split(","))
    return {unquote(name): unquote(value.strip('"')) for name, _, value in pairs if name != "realm"}


def _base_string(request: Request, signed: dict[str, str]) -> str:
    """What is signed: method, address and every parameter but the signature, sorted (RFC 5849, 3.4.1)."""
    pairs = {*_query(request), *signed.items()}
    encoded = sorted((_quoted(name), _quoted(value)) for name, value in pairs if name != "oauth_signature")
    address = f"{request.url.scheme}://{request.headers['host'].lower()}{request.scope['raw_path'].decode()}"
    parameters = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join(_quoted(part) for part in (request.method, address, parameters))


def _quoted(text: str) -> str:
    return quote(text, safe="~")
