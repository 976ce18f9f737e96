"""Requests no SDK would send: each part of a signed request can be bent."""

import base64
import http.client
import json
import secrets
import time
from urllib.parse import urlsplit

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


class Answer:
    """What the server answered."""

    def __init__(self, response):
        self.status_code = response.status
        self.headers = response.headers
        self.text = response.read().decode(errors="replace")

    def json(self):
        return json.loads(self.text)


def send(server, body: bytes, *, method="POST", target=NATIVE, header=None, headers=None, **signing) -> Answer:
    """Sends `body` signed, target and headers exactly as given.

    `header` replaces the whole Authorization header (an empty one leaves it out), `headers` adds others, and
    everything else bends the signature as in `authorization`.
    """
    if header is None:
        header = authorization(server, method, target, body, **signing)
    all_headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "feiqian-tests",
        "Authorization": header,
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    address = urlsplit(server.base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE_S)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in all_headers.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders()
        try:
            connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server refused before reading all of it; its answer is still there
        return Answer(connection.getresponse())
    finally:
        connection.close()
