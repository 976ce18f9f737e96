"""Both platform-key modes (wire §1.8), and the certificate list (wire §2)."""

import json
import shutil

import pytest
from support import number, order, place, sdk
from wechatpayv3 import WeChatPayType


@pytest.fixture
def certificate_dir(server, tmp_path):
    """A folder with the platform certificate: the SDK's constructor then asks the network for nothing."""
    pem = server.data / "sandbox" / server.sandbox["platform_certificate_path"]
    shutil.copy(pem, tmp_path / f"{server.sandbox['platform_certificate_serial']}.pem")
    return tmp_path


def test_a_merchant_with_certificates_gets_answers_signed_by_the_certificate(server, certificate_dir):
    pay = sdk(server, cert_dir=certificate_dir)
    assert pay._core._public_key_id is None
    mine = number("cert")
    status, placed = place(pay, mine)
    assert status == 200, placed
    assert server.pay(code_url=placed["code_url"]).status_code == 200
    assert order(pay, mine)["trade_state"] == "SUCCESS"
    # 204 answers are signed too; the SDK throws on one that is not.
    other = number("cert")
    place(pay, other)
    assert pay.close(other)[0] == 204


def test_the_list_of_certificates_is_decrypted_by_the_sdk(server, certificate_dir):
    pay = sdk(server, cert_dir=certificate_dir)
    for file in certificate_dir.iterdir():
        file.unlink()
    pay._core._update_certificates()
    serial = server.sandbox["platform_certificate_serial"]
    assert int(serial, 16) in [c.serial_number for c in pay._core._certificates]
    assert (certificate_dir / f"{serial}.pem").is_file()
    assert serial == serial.upper() and serial[0] in "1234567", "a leading zero differs between SDKs"


def test_the_list_has_the_form_of_the_wire(server):
    status, text = sdk(server)._core.request("/v3/certificates")
    assert status == 200
    for entry in json.loads(text)["data"]:
        assert set(entry) == {"serial_no", "effective_time", "expire_time", "encrypt_certificate"}
        assert entry["encrypt_certificate"]["algorithm"] == "AEAD_AES_256_GCM"
        assert len(entry["encrypt_certificate"]["nonce"]) == 12
        assert entry["encrypt_certificate"]["associated_data"]


def test_an_app_pays_in_certificate_mode(server, certificate_dir):
    pay = sdk(server, WeChatPayType.APP, cert_dir=certificate_dir)
    mine = number("cert")
    status, placed = place(pay, mine)
    assert status == 200, placed
    assert server.pay(prepay_id=placed["prepay_id"]).status_code == 200
    assert order(pay, mine)["trade_state"] == "SUCCESS"
