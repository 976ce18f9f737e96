"""Orders of every kind: placed by the SDK, paid by the payer, asked for by both numbers, closed."""

import json
import re

import pytest
from support import number, order, place, sdk
from wechatpayv3 import WeChatPayType

H5_SCENE = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}


def kinds(server):
    payer = {"openid": server.sandbox["payer_openid"]}
    return {
        "native": (WeChatPayType.NATIVE, {}, "code_url", "NATIVE"),
        "jsapi": (WeChatPayType.JSAPI, {"payer": payer}, "prepay_id", "JSAPI"),
        "miniprog": (WeChatPayType.MINIPROG, {"payer": payer}, "prepay_id", "JSAPI"),
        "app": (WeChatPayType.APP, {}, "prepay_id", "APP"),
        "h5": (WeChatPayType.H5, {"scene_info": H5_SCENE}, "h5_url", "MWEB"),
    }


@pytest.mark.parametrize("kind", ["native", "jsapi", "miniprog", "app", "h5"])
def test_r_fin_03_r_fin_61_an_order_is_placed_paid_and_found_by_both_numbers(server, kind):
    pay_type, more, link, trade_type = kinds(server)[kind]
    pay = sdk(server, pay_type)
    mine = number(kind)
    status, placed = place(pay, mine, 137, attach="table 5", **more)
    assert status == 200, placed
    assert list(placed) == [link]

    before = order(pay, mine)
    assert before["trade_state"] == "NOTPAY"
    for member in ("transaction_id", "bank_type", "success_time"):
        assert member not in before, f"an unpaid order must not carry {member}"
    assert before["amount"].items() >= {"total": 137, "currency": "CNY"}.items()
    assert "payer_total" not in before["amount"]

    paid = server.pay(**{link: placed[link]})
    assert paid.status_code == 200, paid.text

    after = order(pay, mine)
    assert after["trade_state"] == "SUCCESS"
    assert after["trade_type"] == trade_type
    assert after["attach"] == "table 5"
    assert after["appid"] == server.sandbox["appid"]
    assert after["mchid"] == server.sandbox["mchid"]
    assert after["payer"] == {"openid": server.sandbox["payer_openid"]}
    assert after["amount"] == {"total": 137, "payer_total": 137, "currency": "CNY", "payer_currency": "CNY"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", after["success_time"])
    assert 1 <= len(after["transaction_id"]) <= 32

    status, text = pay.query(transaction_id=after["transaction_id"])
    assert status == 200
    assert json.loads(text) == after


def test_links_have_the_forms_of_the_wire(server):
    _, native = place(sdk(server))
    assert native["code_url"].startswith("weixin://wxpay/bizpayurl?pr=")
    _, h5 = place(sdk(server, WeChatPayType.H5), scene_info=H5_SCENE)
    assert h5["h5_url"].startswith("http") and len(h5["h5_url"]) <= 512
    _, app = place(sdk(server, WeChatPayType.APP))
    assert 1 <= len(app["prepay_id"]) <= 64


def test_r_fin_61_closing_is_repeatable_and_a_closed_order_cannot_be_paid(server):
    pay = sdk(server)
    mine = number("close")
    _, placed = place(pay, mine)
    for _ in range(2):
        status, text = pay.close(mine)
        assert (status, text) == (204, b"") or (status, text) == (204, "")
    assert order(pay, mine)["trade_state"] == "CLOSED"
    assert server.pay(code_url=placed["code_url"]).status_code in (400, 403)
    assert order(pay, mine)["trade_state"] == "CLOSED"
    status, refused = place(pay, mine)
    assert (status, refused["code"]) == (400, "ORDER_CLOSED")


def test_a_paid_order_can_be_neither_closed_nor_paid_nor_placed_again(server):
    pay = sdk(server)
    mine = number("paid")
    _, placed = place(pay, mine)
    assert server.pay(code_url=placed["code_url"]).status_code == 200
    status, text = pay.close(mine)
    assert status == 400 and json.loads(text)["code"] in ("INVALID_REQUEST", "ORDERPAID"), text
    assert server.pay(code_url=placed["code_url"]).status_code in (400, 403)
    status, refused = place(pay, mine)
    assert (status, refused["code"]) == (400, "INVALID_REQUEST")
    assert len(server.notifications(mine)) == 1


def test_the_same_request_again_is_answered_and_another_under_its_number_is_refused(server):
    pay = sdk(server)
    mine = number("same")
    first, _ = place(pay, mine, 100)
    again, _ = place(pay, mine, 100)
    assert (first, again) == (200, 200)
    for change in ({"total": 101}, {"description": "三杯茶"}, {"attach": "new"}):
        status, refused = place(pay, mine, **{"total": 100, **change})
        assert (status, refused["code"]) == (403, "OUT_TRADE_NO_USED"), change
    status, refused = place(sdk(server, WeChatPayType.APP), mine, 100)
    assert (status, refused["code"]) == (403, "OUT_TRADE_NO_USED"), "another product is another request"
    assert order(pay, mine)["amount"]["total"] == 100


def test_a_number_with_a_bar_survives_the_percent_quirk(server):
    """The SDK signs `a|b…` as it stands, but its HTTP layer writes `a%7Cb…` on the wire."""
    pay = sdk(server)
    mine = "a|b" + number("")
    status, placed = place(pay, mine)
    assert status == 200, placed
    assert order(pay, mine)["out_trade_no"] == mine
    status, _ = pay.close(mine)
    assert status == 204


def test_an_order_that_does_not_exist_is_not_found(server):
    pay = sdk(server)
    status, text = pay.query(out_trade_no=number("none"))
    assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")
    status, text = pay.close(number("none"))
    assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")


def test_a_payer_cannot_pay_the_order_of_another(server):
    """A JSAPI order names its payer."""
    other = server.post("/sandbox/v1/payers", {"balance": 10_000})
    assert other.status_code == 200, other.text
    mine = number("whose")
    pay = sdk(server, WeChatPayType.JSAPI)
    _, placed = place(pay, mine, payer={"openid": server.sandbox["payer_openid"]})
    refused = server.pay(other.json()["openid"], prepay_id=placed["prepay_id"])
    assert refused.status_code in (400, 403), refused.text
    assert order(pay, mine)["trade_state"] == "NOTPAY"


def test_more_than_the_balance_is_refused_and_moves_nothing(server):
    poor = server.post("/sandbox/v1/payers", {"balance": 99}).json()["openid"]
    pay = sdk(server)
    mine = number("poor")
    _, placed = place(pay, mine, 100)
    refused = server.pay(poor, code_url=placed["code_url"])
    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ENOUGH")
    assert order(pay, mine)["trade_state"] == "NOTPAY"
    assert server.pay(code_url=placed["code_url"]).status_code == 200, "another payer may still pay it"
