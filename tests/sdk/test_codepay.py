"""付款码: the merchant scans the payer's code (wire §3.8)."""

import json

import pytest
from support import number, order, place, sdk
from wechatpayv3 import WeChatPayType

SCENE = {"device_id": "till-1", "store_info": {"id": "0001"}}


@pytest.fixture
def till(server):
    return sdk(server, WeChatPayType.CODEPAY)


def scan(till, code, out_trade_no, total=100):
    return place(till, out_trade_no, total, payer={"auth_code": code}, scene_info=SCENE,
                 pay_type=WeChatPayType.CODEPAY)


def test_r_fin_03_a_small_payment_is_paid_at_once(server, till):
    mine = number("till")
    status, paid = scan(till, server.payment_code(), mine, 350)
    assert status == 200, paid
    assert paid["trade_state"] == "SUCCESS"
    assert paid["trade_type"] == "MICROPAY"
    assert paid["amount"]["payer_total"] == 350
    assert order(till, mine) == paid


def test_a_code_works_once(server, till):
    code = server.payment_code()
    assert scan(till, code, number("till"))[0] == 200
    second = number("till")
    status, refused = scan(till, code, second)
    assert status in (400, 403), refused
    assert order_state(till, second) != "SUCCESS"


@pytest.mark.parametrize("code", ["", "1", "12345678901234567", "1234567890123456789", "13456789012345678x",
                                  "999999999999999999"])
def test_a_code_that_is_none_is_refused(server, till, code):
    status, refused = scan(till, code, number("till"))
    assert status == 400, refused
    assert refused["code"] in ("PARAM_ERROR", "INVALID_REQUEST")


def test_a_large_payment_waits_for_the_pin_and_can_be_reversed(server, till):
    """Above 1,000 yuan the payer must type the PIN: USERPAYING, then the merchant gives up and reverses."""
    mine = number("till")
    status, waiting = scan(till, server.payment_code(), mine, 100_001)
    assert status == 202 and waiting["code"] == "USERPAYING", waiting
    assert order(till, mine)["trade_state"] == "USERPAYING"
    for _ in range(2):
        status, text = till.codepay_reverse(mine)
        assert status == 200, text
        reversed_ = json.loads(text)
        assert (reversed_["mchid"], reversed_["out_trade_no"]) == (server.sandbox["mchid"], mine)
    assert order(till, mine)["trade_state"] == "REVOKED"


def test_a_paid_order_is_reversed_in_full(server, till):
    mine = number("till")
    assert scan(till, server.payment_code(), mine, 200)[0] == 200
    status, text = till.codepay_reverse(mine)
    assert status == 200, text
    assert order(till, mine)["trade_state"] == "REVOKED"


def test_an_order_of_another_kind_cannot_be_reversed(server, till):
    native = sdk(server)
    mine = number("native")
    _, placed = place(native, mine)
    assert server.pay(code_url=placed["code_url"]).status_code == 200
    status, text = till.codepay_reverse(mine)
    assert status == 400, text
    assert order(native, mine)["trade_state"] == "SUCCESS"


def order_state(till, out_trade_no):
    status, text = till.query(out_trade_no=out_trade_no)
    return json.loads(text)["trade_state"] if status == 200 else None
