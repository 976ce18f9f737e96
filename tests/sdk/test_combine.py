"""Combined orders (合单, wire §3.9) through the SDK: several merchants' orders that one payer pays at once."""

import json

import pytest
from support import number, order, sdk
from wechatpayv3 import WeChatPayType

H5 = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}


def shops(server):
    """The sandbox's merchant and two that let it combine their orders."""
    partner = json.loads((server.data / "sandbox/partner.json").read_text())
    return [server.sandbox["mchid"], partner["mchid"], partner["sub_mchid"]]


def parts(server, whole, amounts=(100, 250, 400), **more):
    return [
        {
            "mchid": mchid,
            "out_trade_no": f"{whole}-{at}",
            "description": "一壶龙井",
            "attach": f"桌号{at}",
            "amount": {"total_amount": fen, "currency": "CNY"},
            **more,
        }
        for at, (mchid, fen) in enumerate(zip(shops(server), amounts))
    ]


def place(pay, whole, sub_orders, **more):
    status, text = pay.combine_pay(whole, sub_orders, **more)
    return status, json.loads(text)


def query(pay, whole):
    status, text = pay.combine_query(whole)
    assert status == 200, text
    return json.loads(text)


@pytest.mark.parametrize(
    "kind, link, trade_type",
    [
        (WeChatPayType.NATIVE, "code_url", "NATIVE"),
        (WeChatPayType.JSAPI, "prepay_id", "JSAPI"),
        (WeChatPayType.APP, "prepay_id", "APP"),
        (WeChatPayType.H5, "h5_url", "MWEB"),
    ],
)
def test_a_combined_order_of_each_product_is_paid_as_one(server, receiver, kind, link, trade_type):
    pay = sdk(server, notify_url=receiver.url)
    whole = number("WHOLE")
    payer = {"openid": server.sandbox["payer_openid"]} if kind == WeChatPayType.JSAPI else None
    scene = H5 if kind == WeChatPayType.H5 else None
    asked = {"pay_type": kind, "combine_payer_info": payer, "scene_info": scene}
    status, placed = place(pay, whole, parts(server, whole), **asked)
    assert status == 200, placed
    before = query(pay, whole)
    assert [part["trade_state"] for part in before["sub_orders"]] == ["NOTPAY"] * 3
    assert "combine_transaction_id" not in before

    paid = server.pay(**{link: placed[link]})
    assert paid.status_code == 200, paid.text
    after = query(pay, whole)
    assert paid.json() == after
    assert len(after["combine_transaction_id"]) == 28
    assert after["combine_payer_info"]["openid"] == server.sandbox["payer_openid"]
    for at, (part, mchid, fen) in enumerate(zip(after["sub_orders"], shops(server), (100, 250, 400))):
        assert (part["mchid"], part["out_trade_no"]) == (mchid, f"{whole}-{at}")
        assert (part["trade_state"], part["trade_type"], part["attach"]) == ("SUCCESS", trade_type, f"桌号{at}")
        assert part["amount"] == {
            "total_amount": fen, "currency": "CNY", "payer_amount": fen, "payer_currency": "CNY",
        }

    # One notification tells of the whole, in the shape of the whole.
    headers, body = receiver.next()
    told = pay.callback(headers, body)
    assert told and told["event_type"] == "TRANSACTION.SUCCESS"
    assert told["resource"] == after
    assert receiver.came.empty()
    # Its own order is one like any other.
    own = order(pay, f"{whole}-0")
    assert (own["trade_state"], own["amount"]["total"]) == ("SUCCESS", 100)
    assert own["transaction_id"] == after["sub_orders"][0]["transaction_id"]


def test_the_same_request_again_is_the_same_and_another_is_refused(server):
    pay = sdk(server)
    whole = number("WHOLE")
    first = parts(server, whole)
    for _ in range(2):
        status, placed = place(pay, whole, first, pay_type=WeChatPayType.NATIVE)
        assert status == 200, placed
    other = parts(server, whole, amounts=(101, 250, 400))
    status, error = place(pay, whole, other, pay_type=WeChatPayType.NATIVE)
    assert (status, error["code"]) == (403, "OUT_TRADE_NO_USED")


def test_each_order_is_refunded_by_its_own_number(server):
    pay = sdk(server)
    whole = number("WHOLE")
    _, placed = place(pay, whole, parts(server, whole), pay_type=WeChatPayType.NATIVE)
    assert server.pay(code_url=placed["code_url"]).status_code == 200
    money = {"refund": 40, "total": 100, "currency": "CNY"}
    status, text = pay.refund(number("R"), money, out_trade_no=f"{whole}-0")
    assert status == 200, text
    states = [part["trade_state"] for part in query(pay, whole)["sub_orders"]]
    assert states == ["REFUND", "SUCCESS", "SUCCESS"]


def test_closing_names_every_order(server):
    pay = sdk(server)
    whole = number("WHOLE")
    made = parts(server, whole)
    _, placed = place(pay, whole, made, pay_type=WeChatPayType.NATIVE)
    named = [{"mchid": part["mchid"], "out_trade_no": part["out_trade_no"]} for part in made]
    status, text = pay.combine_close(whole, named[:2])
    assert (status, json.loads(text)["detail"]["field"]) == (400, "/sub_orders")
    for _ in range(2):
        status, text = pay.combine_close(whole, named)
        assert status == 204, text
    assert [part["trade_state"] for part in query(pay, whole)["sub_orders"]] == ["CLOSED"] * 3
    assert server.pay(code_url=placed["code_url"]).status_code == 400


def test_none_is_paid_when_the_payer_has_too_little(server):
    pay = sdk(server)
    whole = number("WHOLE")
    much = parts(server, whole, amounts=(100, 250, 900_000_000))
    _, placed = place(pay, whole, much, pay_type=WeChatPayType.NATIVE)
    refused = server.pay(code_url=placed["code_url"])
    assert refused.status_code == 403, refused.text
    assert [part["trade_state"] for part in query(pay, whole)["sub_orders"]] == ["NOTPAY"] * 3


def test_a_merchant_that_has_not_allowed_it_is_not_combined(server):
    pay = sdk(server)
    whole = number("WHOLE")
    status, error = place(
        pay, whole, parts(server, whole)[:1] + [{**parts(server, whole)[1], "mchid": "1900000099"}],
        pay_type=WeChatPayType.NATIVE,
    )
    assert (status, error["code"]) == (400, "MCH_NOT_EXISTS")
