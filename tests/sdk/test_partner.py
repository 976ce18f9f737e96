"""Partner mode (服务商) through the SDK with partner_mode=True: orders, refunds, notifications and bills for a
sub-merchant that has no key of its own."""

import base64
import gzip
import hashlib
import json
import time
from datetime import datetime, timedelta

import pytest
from support import PATIENCE_S, Server, number, sdk
from test_bills import BEIJING, advance, fen, fetched, table
from wechatpayv3 import WeChatPayType
from wechatpayv3.utils import aes_decrypt


class Office:
    """The sandbox's partner, and how it asks for its one sub-merchant."""

    def __init__(self, server, notify_url=None):
        self.server = server
        self.known = json.loads((server.data / "sandbox/partner.json").read_text())
        self.sub = self.known["sub_mchid"]
        self.pay = sdk(
            server,
            notify_url=notify_url,
            mchid=self.known["mchid"],
            appid=self.known["appid"],
            private_key=server.pem_of(self.known, "merchant_private_key_path"),
            cert_serial_no=self.known["merchant_serial_no"],
            apiv3_key=self.known["apiv3_key"],
            partner_mode=True,
        )

    def place(self, mine, total=100, **more):
        fields = {"description": "两杯茶", "out_trade_no": mine, "amount": {"total": total}, "sub_mchid": self.sub}
        status, text = self.pay.pay(**{**fields, **more})
        return status, json.loads(text)

    def sold(self, total=100, **more):
        mine = number("OFFICE")
        status, placed = self.place(mine, total, **more)
        assert status == 200, placed
        paid = self.server.pay(self.known["payer_sp_openid"], code_url=placed["code_url"])
        assert paid.status_code == 200, paid.text
        return mine

    def order(self, mine):
        status, text = self.pay.query(out_trade_no=mine, sub_mchid=self.sub)
        assert status == 200, text
        return json.loads(text)

    def refund(self, mine, amount, total, back=None):
        money = {"refund": amount, "total": total, "currency": "CNY"}
        status, text = self.pay.refund(back or number("R"), money, out_trade_no=mine, sub_mchid=self.sub)
        return status, json.loads(text)


def test_r_fin_13_orders_of_every_product_are_placed_for_a_sub_merchant(server):
    office = Office(server)
    scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    payer = {"sp_openid": office.known["payer_sp_openid"]}
    for kind, more, member in [
        (WeChatPayType.NATIVE, {}, "code_url"),
        (WeChatPayType.APP, {}, "prepay_id"),
        (WeChatPayType.H5, {"scene_info": scene}, "h5_url"),
        (WeChatPayType.JSAPI, {"payer": payer}, "prepay_id"),
    ]:
        status, placed = office.place(number("OFFICE"), pay_type=kind, **more)
        assert status == 200, placed
        assert placed[member]


def test_r_fin_13_the_transaction_is_in_the_partners_form_by_both_numbers(server):
    office = Office(server)
    mine = office.sold(137)
    order = office.order(mine)
    assert order["trade_state"] == "SUCCESS"
    assert (order["sp_mchid"], order["sub_mchid"]) == (office.known["mchid"], office.sub)
    assert order["sp_appid"] == office.known["appid"]
    assert order["payer"] == {"sp_openid": office.known["payer_sp_openid"]}
    assert "mchid" not in order and "appid" not in order
    status, text = office.pay.query(transaction_id=order["transaction_id"], sub_mchid=office.sub)
    assert (status, json.loads(text)) == (200, order)
    # The sandbox's other merchant is not the partner's to ask for.
    status, text = office.pay.query(out_trade_no=mine, sub_mchid=server.sandbox["mchid"])
    assert (status, json.loads(text)["code"]) == (403, "NO_AUTH")


def test_a_payer_may_be_named_by_the_sub_merchants_application(server):
    office = Office(server)
    mine = number("OFFICE")
    payer = {"sub_openid": office.known["payer_sub_openid"]}
    status, placed = office.place(
        mine, pay_type=WeChatPayType.JSAPI, payer=payer, sub_appid=office.known["sub_appid"]
    )
    assert status == 200, placed
    paid = server.pay(office.known["payer_sub_openid"], prepay_id=placed["prepay_id"])
    assert paid.status_code == 200, paid.text
    assert office.order(mine)["payer"] == {"sp_openid": office.known["payer_sp_openid"], **payer}


def test_an_order_is_closed(server):
    office = Office(server)
    mine = number("OFFICE")
    assert office.place(mine)[0] == 200
    for _ in range(2):
        status, _ = office.pay.close(mine, sub_mchid=office.sub)
        assert status == 204
    assert office.order(mine)["trade_state"] == "CLOSED"


def test_a_payment_code_is_taken_and_reversed(server):
    office = Office(server)
    mine = number("OFFICE")
    scene = {"store_info": {"id": "1"}}
    code = server.payment_code()
    status, paid = office.place(
        mine, 100, pay_type=WeChatPayType.CODEPAY, payer={"auth_code": code}, scene_info=scene
    )
    assert status == 200, paid
    assert (paid["trade_state"], paid["sub_mchid"]) == ("SUCCESS", office.sub)
    status, text = office.pay.codepay_reverse(mine, sub_mchid=office.sub)
    assert status == 200, text
    assert json.loads(text)["sub_mchid"] == office.sub
    assert office.order(mine)["trade_state"] == "REVOKED"


def test_r_fin_13_refunds_come_out_of_the_sub_merchants_money(server):
    office = Office(server)
    mine, back = office.sold(500), number("R")
    status, done = office.refund(mine, 200, 500, back)
    assert status == 200, done
    assert done["status"] == "SUCCESS"
    status, text = office.pay.query_refund(back, sub_mchid=office.sub)
    assert (status, json.loads(text)) == (200, done)
    assert office.order(mine)["trade_state"] == "REFUND"
    time.sleep(1.1)  # six refunds a second may fail
    status, text = office.pay.query_refund(back, sub_mchid=server.sandbox["mchid"])
    assert (status, json.loads(text)["code"]) == (403, "NO_AUTH")


def test_notifications_go_to_the_partner_sealed_with_its_key(server, receiver):
    office = Office(server, notify_url=receiver.url)
    mine = office.sold(321)
    headers, body = receiver.next()
    told = office.pay.callback(headers, body)
    assert told["event_type"] == "TRANSACTION.SUCCESS"
    clear = told["resource"]
    assert (clear["sp_mchid"], clear["sub_mchid"]) == (office.known["mchid"], office.sub)
    assert (clear["out_trade_no"], clear["payer"]) == (mine, {"sp_openid": office.known["payer_sp_openid"]})
    money = {"refund": 21, "total": 321, "currency": "CNY"}
    status, text = office.pay.refund(
        number("R"), money, out_trade_no=mine, sub_mchid=office.sub, notify_url=receiver.url
    )
    assert status == 200, text
    headers, body = receiver.next(PATIENCE_S)
    told = office.pay.callback(headers, body)
    assert told["event_type"] == "REFUND.SUCCESS"
    assert (told["resource"]["sp_mchid"], told["resource"]["sub_mchid"]) == (office.known["mchid"], office.sub)
    # The other merchant's key opens nothing of it.
    assert sdk(server).callback(headers, body) is None


@pytest.fixture(scope="module")
def morning():
    """Orders of one day, and the server at 11:00 of the next: (office, the day, amounts by number)."""
    server = Server()
    try:
        office = Office(server)
        now = datetime.now(BEIJING)
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), BEIJING)
        advance(server, tomorrow + timedelta(hours=1) - now)
        paid = {office.sold(total): total for total in (100, 1280, 99999)}
        advance(server, timedelta(hours=34))
        yield office, tomorrow.date().isoformat(), paid
        server.must_prove()
        server.stop()
    finally:
        server.forget()


def test_r_fin_13_a_trade_bill_names_the_sub_merchant(morning):
    office, day, paid = morning
    for asked in (office.pay.trade_bill(bill_date=day), office.pay.trade_bill(bill_date=day, sub_mchid=office.sub)):
        rows, _ = table(fetched(office.pay, asked))
        assert {row["商户订单号"]: fen(row["订单金额"]) for row in rows} == paid
        assert {(row["商户号"], row["特约商户号"]) for row in rows} == {(office.known["mchid"], office.sub)}


def test_a_sub_merchants_fund_flow_bill_is_decrypted_by_the_sdk(morning):
    office, day, paid = morning
    for tar_type in (None, "GZIP"):
        status, text = office.pay.submch_fundflow_bill(office.sub, day, "BASIC", tar_type=tar_type)
        assert status == 200, text
        listed = json.loads(text)
        plain = b""
        assert listed["download_bill_count"] == len(listed["download_bill_list"]) == 1
        for piece in listed["download_bill_list"]:
            status, file = office.pay.download_bill(piece["download_url"])
            assert status == 200
            key = office.pay.decrypt(piece["encrypt_key"])
            assert len(key) == 32
            if tar_type is None:
                opened = aes_decrypt(piece["nonce"], base64.b64encode(file), "", key).encode()
            else:
                from cryptography.hazmat.primitives.ciphers.aead import AESGCM

                opened = gzip.decompress(AESGCM(key.encode()).decrypt(piece["nonce"].encode(), file, b""))
            assert hashlib.sha1(opened).hexdigest() == piece["hash_value"]
            plain += opened
        rows, summary = table(plain)
        assert fen(summary["收入金额"]) == sum(paid.values())
        assert {row["收支类型"] for row in rows} == {"收入", "支出"}
    # The partner's own account had nothing that day.
    status, text = office.pay.fundflow_bill(bill_date=day)
    assert (status, json.loads(text)["code"]) == (400, "NO_STATEMENT_EXIST")
