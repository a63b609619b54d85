"""Who is let in: OAuth 1.0a over http, Basic over TLS only."""

import base64
import ssl
import time

import httpx
import pytest
import trustme
from oauthlib.oauth1 import Client as Signer

from pullpush_dagster.sandbox import Tls, running

PATH = "/wp-json/wc/v3/products"


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A shop behind TLS; gives the stand-in and a client that trusts it."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    tls = Tls(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    with running("woocommerce", skus=20, tls=tls) as sandbox, httpx.Client(verify=context) as http:
        yield sandbox["woocommerce"], http


def basic(standin):
    pair = f"{standin.secrets['key']}:{standin.secrets['secret']}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def test_basic_over_http_is_refused(shop):  # observed, WooCommerce 13
    answer = httpx.get(shop.standin.url + PATH, headers=basic(shop.standin))
    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_cannot_view")


def test_basic_over_tls_is_let_in(secure):  # observed, WooCommerce 13
    standin, http = secure
    assert http.get(standin.url + PATH, headers=basic(standin)).status_code == 200


def test_the_control_routes_speak_tls_too(secure):
    standin, http = secure
    standin.clear_stats()
    http.get(standin.url + PATH, headers=basic(standin))
    assert standin.stats() == {f"GET {PATH}": 1}


def test_key_and_secret_in_the_query_are_let_in_over_tls_only(secure, shop):
    standin, http = secure
    names = {"consumer_key": standin.secrets["key"], "consumer_secret": standin.secrets["secret"]}
    assert http.get(standin.url + PATH, params=names).status_code == 200
    assert shop.http.get(PATH, params=names).status_code == 401


@pytest.mark.parametrize("header", ["Basic bm90OnJpZ2h0", "Basic ***", "Basic /w==", "Bearer x", ""])
def test_wrong_credentials_over_tls_are_refused(secure, header):
    standin, http = secure
    answer = http.get(standin.url + PATH, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_cannot_view")


def test_oauth_in_the_query_string_is_let_in(shop):  # observed, WooCommerce 13
    url, _ = shop.signed("GET", "/products?per_page=2&search=%C3%A4%20b%2Bc", kind="QUERY")
    assert httpx.get(url).status_code == 200


def test_oauth_in_the_header_is_let_in(shop):  # observed, WooCommerce 13
    url, headers = shop.signed("GET", "/products?per_page=2&search=%C3%A4%20b%2Bc", kind="AUTH_HEADER")
    assert "oauth" not in url
    assert httpx.get(url, headers=headers).status_code == 200


def test_oauth_over_tls_is_let_in(secure):
    standin, http = secure
    signer = Signer(standin.secrets["key"], client_secret=standin.secrets["secret"], signature_method="HMAC-SHA256")
    url, headers, _ = signer.sign(standin.url + PATH)
    assert http.get(url, headers=headers).status_code == 200


def test_a_wrong_key_is_refused_in_the_same_words_as_none(shop):  # observed, WooCommerce 13
    url, _ = shop.signed("GET", "/products", key="ck_wrong")
    wrong, none = httpx.get(url), shop.http.get(PATH)
    assert wrong.status_code == none.status_code == 401
    assert wrong.json() == none.json()
    assert none.json()["code"] == "woocommerce_rest_cannot_view"


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [("POST", "", "create"), ("PUT", "/11", "edit"), ("DELETE", "/11", "delete"), ("POST", "/batch", "batch")],
)
def test_the_refusal_names_what_was_tried(shop, method, path, verb):
    answer = shop.http.request(method, PATH + path)
    assert (answer.status_code, answer.json()["code"]) == (401, f"woocommerce_rest_cannot_{verb}")


def test_a_wrong_secret_does_not_sign(shop):
    url, _ = shop.signed("GET", "/products", secret="cs_wrong")
    answer = httpx.get(url)
    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_authentication_error")


def test_a_changed_parameter_breaks_the_signature(shop):
    url, _ = shop.signed("GET", "/products?per_page=2")
    assert httpx.get(url.replace("per_page=2", "per_page=3")).status_code == 401


def test_a_signature_for_another_method_is_refused(shop):
    url, _ = shop.signed("GET", "/products")
    assert httpx.post(url, json={}).status_code == 401


def test_a_nonce_is_taken_once(shop):
    url, _ = shop.signed("GET", "/products")
    assert httpx.get(url).status_code == 200
    again = httpx.get(url)
    assert again.status_code == 401
    assert "nonce" in again.json()["message"]


@pytest.mark.parametrize(("seconds", "status"), [(-600, 200), (600, 200), (-1200, 401), (1200, 401)])
def test_a_stamp_may_be_off_by_minutes(shop, seconds, status):
    signer = Signer(
        shop.standin.secrets["key"],
        client_secret=shop.standin.secrets["secret"],
        signature_method="HMAC-SHA256",
        signature_type="QUERY",
        timestamp=str(int(time.time()) + seconds),
    )
    url, _, _ = signer.sign(shop.standin.url + PATH)
    assert httpx.get(url).status_code == status


def test_an_unknown_signature_method_is_refused(shop):
    signer = Signer(shop.standin.secrets["key"], signature_method="PLAINTEXT", signature_type="QUERY")
    url, _, _ = signer.sign(shop.standin.url + PATH)
    assert httpx.get(url).status_code == 401
