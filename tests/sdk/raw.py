"""Requests no SDK would send: each part of a signed request can be bent."""

import base64
import secrets
import time
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from support import PATIENCE_S

NATIVE = "/v3/pay/transactions/native"


def own_key(server):
    return load_pem_private_key(server.pem("merchant_private_key_path").encode(), None)


def foreign_key():
    """A key the platform has never seen."""
    return rsa.generate_private_key(65537, 2048)


def authorization(server, method, target, body, *, key=None, scheme="WECHATPAY2-SHA256-RSA2048", **changed):
    """An Authorization header; `changed` replaces parameters, and removes those set to None."""
    values = {
        "mchid": server.sandbox["mchid"],
        "nonce_str": secrets.token_hex(16),
        "timestamp": str(int(time.time())),
        "serial_no": server.sandbox["merchant_serial_no"],
        **changed,
    }
    text = f"{method}\n{target}\n{values['timestamp']}\n{values['nonce_str']}\n".encode() + body + b"\n"
    signature = (key or own_key(server)).sign(text, PKCS1v15(), SHA256())
    values.setdefault("signature", base64.b64encode(signature).decode())
    return scheme + " " + ",".join(f'{n}="{v}"' for n, v in values.items() if v is not None)


def send(server, body: bytes, *, method="POST", target=NATIVE, header=None, headers=None, **signing):
    """Sends `body` signed; `header` replaces the whole Authorization header, `headers` adds others."""
    if header is None:
        header = authorization(server, method, target, body, **signing)
    all_headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "feiqian-tests",
        "Authorization": header,
        **(headers or {}),
    }
    if header == "":
        del all_headers["Authorization"]
    prepared = requests.Request(method, server.base_url + target, headers=all_headers, data=body).prepare()
    # The target goes out as signed, without the library's own escaping.
    assert urlsplit(prepared.url).path == urlsplit(target).path
    with requests.Session() as session:
        return session.send(prepared, timeout=PATIENCE_S)
